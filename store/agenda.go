package store

// agenda lists items by the instant at which they want to be looked at,
// earliest first: a heap of small items, so that a look at the earliest
// touches one of them, and listing them in order of time moves none.
type agenda[T placed] struct {
	// items[i] is not earlier than items[(i-1)/arity].
	items []agendaItem[T]
}

// placed is an item that keeps its own place in the agenda, -1 when unlisted.
type placed interface{ place() *int }

type agendaItem[T placed] struct {
	at instant
	it T
}

const arity = 4 // fewer levels than 2, and the children share a cache line or two

// next returns the earliest instant listed, never if there is none.
func (a *agenda[T]) next() instant {
	if len(a.items) == 0 {
		return never
	}
	return a.items[0].at
}

func (a *agenda[T]) first() T { return a.items[0].it }

// set lists it at the instant given, wherever it was listed; never takes it off.
func (a *agenda[T]) set(it T, at instant) {
	i := *it.place()
	switch {
	case at == never:
		a.remove(it)
	case i < 0:
		a.items = append(a.items, agendaItem[T]{})
		a.up(len(a.items)-1, agendaItem[T]{at, it})
	default:
		a.fix(i, agendaItem[T]{at, it})
	}
}

// soonen lists it at the instant given if it isn't listed by then already.
func (a *agenda[T]) soonen(it T, at instant) {
	if i := *it.place(); at != never && (i < 0 || at < a.items[i].at) {
		a.set(it, at)
	}
}

func (a *agenda[T]) remove(it T) {
	i := *it.place()
	if i < 0 {
		return
	}
	*it.place() = -1
	n := len(a.items) - 1
	last := a.items[n]
	a.items[n] = agendaItem[T]{}
	a.items = a.items[:n]
	if i < n {
		a.fix(i, last)
	}
}

// fix puts item where place i is free, or above or below it.
func (a *agenda[T]) fix(i int, item agendaItem[T]) {
	if i > 0 && item.at < a.items[(i-1)/arity].at {
		a.up(i, item)
	} else {
		a.down(i, item)
	}
}

func (a *agenda[T]) up(i int, item agendaItem[T]) {
	for i > 0 {
		parent := (i - 1) / arity
		if a.items[parent].at <= item.at {
			break
		}
		a.put(i, a.items[parent])
		i = parent
	}
	a.put(i, item)
}

func (a *agenda[T]) down(i int, item agendaItem[T]) {
	for {
		first := i*arity + 1
		if first >= len(a.items) {
			break
		}
		child := first
		for c := first + 1; c < min(first+arity, len(a.items)); c++ {
			if a.items[c].at < a.items[child].at {
				child = c
			}
		}
		if item.at <= a.items[child].at {
			break
		}
		a.put(i, a.items[child])
		i = child
	}
	a.put(i, item)
}

func (a *agenda[T]) put(i int, item agendaItem[T]) {
	a.items[i] = item
	*item.it.place() = i
}
