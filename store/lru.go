package store

import (
	"math"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// lru is what may be evicted, in order of use, which is exact and yet costs a reader
// nothing but a mark in the entry. golang-lru's list has the entries in the order in
// which they were listed. One that turns out at its end to have been used since
// moves to a heap, by its mark; one that turns out on top of that to have been used
// since goes where it belongs. So what is at the end and was not used since is older
// than all else in the list, and likewise on top of the heap.
type lru[K comparable, V any] struct {
	list *simplelru.LRU[*entry[K, V], struct{}] // its bound is not used
	late agenda[late[K, V]]
}

// late is an entry in the heap.
type late[K comparable, V any] struct{ e *entry[K, V] }

func (l late[K, V]) place() *int32 { return &l.e.late }

func newLRU[K comparable, V any]() *lru[K, V] {
	list, err := simplelru.NewLRU[*entry[K, V], struct{}](math.MaxInt, nil)
	if err != nil {
		panic(err) // a size above 0 is all it asks for
	}
	return &lru[K, V]{list: list}
}

// add lists e, whose use is the latest.
func (p *lru[K, V]) add(e *entry[K, V]) {
	e.listed = e.v.Load().used.Load()
	p.list.Add(e, struct{}{})
}

func (p *lru[K, V]) giveBack(e *entry[K, V]) { p.add(e) }

// use has nothing to do: the mark in the entry is enough.
func (p *lru[K, V]) use(_, _ uint32) {}

func (p *lru[K, V]) resize(int) {}

func (p *lru[K, V]) remove(e *entry[K, V]) {
	if e.late < 0 {
		p.list.Remove(e)
	} else {
		p.late.remove(late[K, V]{e})
	}
}

// victimSteps is how much victim tidies up at a time: some tens of microseconds.
const victimSteps = 256

// victim returns the entry to evict first, or nil when there is none.
func (p *lru[K, V]) victim() (e *entry[K, V], untidy bool) {
	for n := 0; p.tidy(); n++ {
		if n == victimSteps {
			return nil, true
		}
	}
	last, _, ok := p.list.GetOldest()
	if p.late.items.n == 0 {
		return last, false
	}
	if top := p.late.first().e; !ok || top.v.Load().used.Load() < last.listed {
		return top, false
	}
	return last, false
}

// tidy puts one entry where it belongs, and reports false if none is in the way of a
// victim.
func (p *lru[K, V]) tidy() bool {
	if last, _, ok := p.list.GetOldest(); ok {
		if used := last.v.Load().used.Load(); used != last.listed {
			p.list.RemoveOldest()
			p.late.set(late[K, V]{last}, instant(used))
			return true
		}
	}
	if p.late.items.n > 0 {
		top := *p.late.items.at(0)
		if used := instant(top.it.e.v.Load().used.Load()); used != top.at {
			p.late.set(top.it, used)
			return true
		}
	}
	return false
}
