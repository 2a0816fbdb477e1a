package store

// agenda lists items by the instant at which they want to be looked at,
// earliest first: a heap of small items, so that a look at the earliest
// touches one of them, and listing them in order of time moves none.
type agenda[T placed] struct {
	// No item is earlier than the one at (its place-1)/arity.
	items pieces[agendaItem[T]]
}

// placed is an item that keeps its own place in the agenda, -1 when unlisted.
type placed interface{ place() *int32 }

type agendaItem[T placed] struct {
	at instant
	it T
}

const arity = 4 // fewer levels than 2, and the children share a cache line or two

// next returns the earliest instant listed, never if there is none.
func (a *agenda[T]) next() instant {
	if a.items.n == 0 {
		return never
	}
	return a.items.at(0).at
}

func (a *agenda[T]) first() T { return a.items.at(0).it }

// set lists it at the instant given, wherever it was listed; never takes it off.
func (a *agenda[T]) set(it T, at instant) {
	i := int(*it.place())
	switch {
	case at == never:
		a.remove(it)
	case i < 0:
		a.items.push(agendaItem[T]{})
		a.up(a.items.n-1, agendaItem[T]{at, it})
	default:
		a.fix(i, agendaItem[T]{at, it})
	}
}

// soonen lists it at the instant given if it isn't listed by then already.
func (a *agenda[T]) soonen(it T, at instant) {
	if i := int(*it.place()); at != never && (i < 0 || at < a.items.at(i).at) {
		a.set(it, at)
	}
}

func (a *agenda[T]) remove(it T) {
	i := int(*it.place())
	if i < 0 {
		return
	}
	*it.place() = -1
	last := a.items.pop()
	if i < a.items.n {
		a.fix(i, last)
	}
}

// fix puts item where place i is free, or above or below it.
func (a *agenda[T]) fix(i int, item agendaItem[T]) {
	if i > 0 && item.at < a.items.at((i-1)/arity).at {
		a.up(i, item)
	} else {
		a.down(i, item)
	}
}

func (a *agenda[T]) up(i int, item agendaItem[T]) {
	for i > 0 {
		parent := (i - 1) / arity
		if a.items.at(parent).at <= item.at {
			break
		}
		a.put(i, *a.items.at(parent))
		i = parent
	}
	a.put(i, item)
}

func (a *agenda[T]) down(i int, item agendaItem[T]) {
	for {
		first := i*arity + 1
		if first >= a.items.n {
			break
		}
		child := first
		for c := first + 1; c < min(first+arity, a.items.n); c++ {
			if a.items.at(c).at < a.items.at(child).at {
				child = c
			}
		}
		if item.at <= a.items.at(child).at {
			break
		}
		a.put(i, *a.items.at(child))
		i = child
	}
	a.put(i, item)
}

func (a *agenda[T]) put(i int, item agendaItem[T]) {
	*a.items.at(i) = item
	*item.it.place() = int32(i)
}
