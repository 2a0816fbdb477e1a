package store

// agenda lists items by the instant at which they want to be looked at,
// earliest first: a heap of small items, so that a look at the earliest
// touches one of them, and listing them in order of time moves none.
type agenda[T any] struct {
	// No item is earlier than its parent. The first few places stay empty.
	items pieces[agendaItem[T]]
	place func(it T) *int32 // where an item's place is noted, -1 when it is unlisted; nil = nowhere
}

type agendaItem[T any] struct {
	at instant
	it T
}

const (
	arity = 4         // fewer levels than 2
	root  = arity - 1 // where the first is: so the children of one parent share a cache line
)

func parent(i int) int { return i/arity + arity - 2 }

func firstChild(i int) int { return (i - arity + 2) * arity }

func (a *agenda[T]) len() int { return max(a.items.n-root, 0) }

// next returns the earliest instant listed, never if there is none.
func (a *agenda[T]) next() instant {
	if a.len() == 0 {
		return never
	}
	return a.items.at(root).at
}

func (a *agenda[T]) first() T { return a.items.at(root).it }

// set lists it at the instant given, wherever it was listed; never takes it off.
func (a *agenda[T]) set(it T, at instant) {
	i := int(*a.place(it))
	switch {
	case at == never:
		a.remove(it)
	case i < 0:
		a.push(it, at)
	default:
		a.fix(i, agendaItem[T]{at, it})
	}
}

// push lists what is not listed.
func (a *agenda[T]) push(it T, at instant) {
	for a.items.n < root {
		a.items.push(agendaItem[T]{})
	}
	a.items.push(agendaItem[T]{})
	a.up(a.items.n-1, agendaItem[T]{at, it})
}

// pop takes off the first, in an agenda without places.
func (a *agenda[T]) pop() agendaItem[T] {
	first := *a.items.at(root)
	a.removeAt(root)
	return first
}

func (a *agenda[T]) remove(it T) {
	place := a.place(it)
	i := int(*place)
	if i < 0 {
		return
	}
	*place = -1
	a.removeAt(i)
}

func (a *agenda[T]) removeAt(i int) {
	last := a.items.pop()
	if i < a.items.n {
		a.fix(i, last)
	}
}

// fix puts item where place i is free, or above or below it.
func (a *agenda[T]) fix(i int, item agendaItem[T]) {
	if i > root && item.at < a.items.at(parent(i)).at {
		a.up(i, item)
	} else {
		a.down(i, item)
	}
}

func (a *agenda[T]) up(i int, item agendaItem[T]) {
	for i > root {
		above := parent(i)
		if a.items.at(above).at <= item.at {
			break
		}
		a.put(i, *a.items.at(above))
		i = above
	}
	a.put(i, item)
}

func (a *agenda[T]) down(i int, item agendaItem[T]) {
	for {
		first := firstChild(i)
		if first >= a.items.n {
			break
		}
		child := first + earliest(a.items.from(first, arity))
		if item.at <= a.items.at(child).at {
			break
		}
		a.put(i, *a.items.at(child))
		i = child
	}
	a.put(i, item)
}

// earliest returns which of some items is. Of four, it decides without a branch, which a
// processor could not foresee.
func earliest[T any](some []agendaItem[T]) (first int) {
	if len(some) == arity {
		second := 2
		if some[1].at < some[0].at {
			first = 1
		}
		if some[3].at < some[2].at {
			second = 3
		}
		if some[second].at < some[first].at {
			first = second
		}
		return first
	}
	for i := range some {
		if some[i].at < some[first].at {
			first = i
		}
	}
	return first
}

func (a *agenda[T]) put(i int, item agendaItem[T]) {
	*a.items.at(i) = item
	if a.place != nil {
		*a.place(item.it) = int32(i)
	}
}
