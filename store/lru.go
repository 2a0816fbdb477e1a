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
	slots *pieces[*entry[K, V]]
	list  *simplelru.LRU[int32, struct{}] // by slot; its bound is not used
	// vacant is a slot that is still in the list though its entry is not: whoever
	// comes into it next, as an eviction makes room for one, moves to the front and needs
	// no room of its own. -1 = there is none.
	vacant int32
	late   agenda[late[K, V]]
}

// late is an entry in the heap.
type late[K comparable, V any] struct{ e *entry[K, V] }

func (l late[K, V]) place() *int32 { return &l.e.late }

func newLRU[K comparable, V any](slots *pieces[*entry[K, V]]) *lru[K, V] {
	list, err := simplelru.NewLRU[int32, struct{}](math.MaxInt, nil)
	if err != nil {
		panic(err) // a size above 0 is all it asks for
	}
	return &lru[K, V]{slots: slots, list: list, vacant: -1}
}

// add lists e, whose use is the latest.
func (p *lru[K, V]) add(e *entry[K, V]) {
	e.listed = e.v.Load().used.Load()
	p.list.Add(e.slot, struct{}{})
	if e.slot == p.vacant {
		p.vacant = -1
	}
}

func (p *lru[K, V]) giveBack(e *entry[K, V]) { p.add(e) }

// use has nothing to do: the mark in the entry is enough.
func (p *lru[K, V]) use(_, _ uint32) {}

func (p *lru[K, V]) resize(int) {}

func (p *lru[K, V]) remove(e *entry[K, V]) {
	if e.late < 0 {
		p.clearVacant()
		p.vacant = e.slot
	} else {
		p.late.remove(late[K, V]{e})
	}
}

func (p *lru[K, V]) clearVacant() {
	if p.vacant >= 0 {
		p.list.Remove(p.vacant)
		p.vacant = -1
	}
}

// oldest returns the entry at the end of the list, or nil.
func (p *lru[K, V]) oldest() *entry[K, V] {
	p.clearVacant()
	slot, _, ok := p.list.GetOldest()
	if !ok {
		return nil
	}
	return *p.slots.at(int(slot))
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
	last := p.oldest()
	if p.late.items.n == 0 {
		return last, false
	}
	if top := p.late.first().e; last == nil || top.v.Load().used.Load() < last.listed {
		return top, false
	}
	return last, false
}

// tidy puts one entry where it belongs, and reports false if none is in the way of a
// victim.
func (p *lru[K, V]) tidy() bool {
	if last := p.oldest(); last != nil {
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
