package store

import (
	"math"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// lru is what may be evicted, in order of use, which is exact and yet costs a reader
// nothing but a mark in the version. golang-lru's list has entries in the order in which
// they were listed. One that was used since moves to a heap, by its mark: when the policy
// is told of that, or when it turns out at the end of the list. One that turns out on top
// of the heap to have been used since goes where it belongs. So what is at the end and was
// not used since is older than all else in the list, and likewise on top of the heap.
//
// What is on top and was not used since would hide what lies below, and how much of that
// is out of place: so it moves to a small heap of what is ready to be evicted.
//
// An entry in the list has the even mark of a newcomer, or else was used since: uses under
// mu are told at once.
type lru[K comparable, V any] struct {
	slots *pieces[*entry[K, V]]
	list  *simplelru.LRU[int32, struct{}] // by slot; its bound is not used
	// vacant is a slot that is still in the list though its entry is not: whoever
	// comes into it next, as an eviction makes room for one, moves to the front and needs
	// no room of its own. -1 = there is none.
	vacant      int32
	newest      instant       // mark that came into the list
	late, ready agenda[int32] // the heaps: slots by marks, which are as of when they were looked at
	places      pieces[int32] // in one of the heaps, by slot; -1 = in neither
	hand        int           // how far round ready is looked at
}

func newLRU[K comparable, V any](slots *pieces[*entry[K, V]]) *lru[K, V] {
	list, err := simplelru.NewLRU[int32, struct{}](math.MaxInt, nil)
	if err != nil {
		panic(err) // a size above 0 is all it asks for
	}
	p := &lru[K, V]{slots: slots, list: list, vacant: -1}
	p.late.place = func(slot int32) *int32 { return p.places.at(int(slot)) }
	p.ready.place = p.late.place
	return p
}

// heap returns the heap that a slot is in, or nil. Its place is good for both, and who
// stands there tells them apart.
func (p *lru[K, V]) heap(slot int32) *agenda[int32] {
	if int(slot) >= p.places.n {
		return nil
	}
	at := int(*p.places.at(int(slot)))
	switch {
	case at < 0:
		return nil
	case at < p.ready.items.n && p.ready.items.at(at).it == slot:
		return &p.ready
	}
	return &p.late
}

// mark returns the present mark of the entry in a slot.
func (p *lru[K, V]) mark(slot int32) instant {
	return instant((*p.slots.at(int(slot))).v.Load().used.Load())
}

// add lists e, whose use is the latest, as that of a newcomer is.
func (p *lru[K, V]) add(e *entry[K, V]) {
	p.grow(e.slot)
	p.newest = p.mark(e.slot)
	p.list.Add(e.slot, struct{}{})
	if e.slot == p.vacant {
		p.vacant = -1
	}
}

// grow makes room for a slot: with each newcomer, or somebody would pay for all.
func (p *lru[K, V]) grow(slot int32) {
	for p.places.n <= int(slot) {
		p.places.push(-1)
	}
}

// giveBack lists e by its mark. As a rule that is the latest, as the end of a lease is a
// use under mu.
func (p *lru[K, V]) giveBack(e *entry[K, V]) {
	if mark := p.mark(e.slot); mark&1 == 0 && mark > p.newest {
		p.add(e)
	} else {
		p.grow(e.slot)
		p.late.set(e.slot, mark)
	}
}

// use moves what was used from the list to the heap. Elsewhere, the mark is enough. Who
// left the slot since, or came into it, is no worse off there.
func (p *lru[K, V]) use(slot, _ uint32) {
	if s := int32(slot); s != p.vacant && p.heap(s) == nil && p.list.Remove(s) {
		p.late.set(s, p.mark(s))
	}
}

func (p *lru[K, V]) resize(int) {}

func (p *lru[K, V]) remove(e *entry[K, V]) {
	if h := p.heap(e.slot); h != nil {
		h.remove(e.slot)
		return
	}
	p.clearVacant()
	p.vacant = e.slot
}

func (p *lru[K, V]) clearVacant() {
	if p.vacant >= 0 {
		p.list.Remove(p.vacant)
		p.vacant = -1
	}
}

// victimSteps is how much victim tidies up at a time: some tens of microseconds.
const victimSteps = 256

// victim returns the entry to evict first, or nil when there is none.
func (p *lru[K, V]) victim() (e *entry[K, V], untidy bool) {
	for range victimSteps {
		switch slot, tidy := p.oldest(); {
		case !tidy:
		case slot < 0:
			return nil, false
		default:
			return *p.slots.at(int(slot)), false
		}
	}
	return nil, true
}

// oldest returns the slot of the least recently used, -1 = there is none, or puts one that
// was in the way where it belongs, and then it is not tidy yet.
func (p *lru[K, V]) oldest() (slot int32, tidy bool) {
	p.clearVacant()
	slot, mark := -1, never
	if last, _, ok := p.list.GetOldest(); ok {
		slot, mark = last, p.mark(last)
		if mark&1 != 0 {
			p.list.RemoveOldest()
			p.late.set(slot, mark)
			return -1, false
		}
	}
	for _, h := range [...]*agenda[int32]{&p.late, &p.ready} {
		if h.next() < mark {
			if p.freshen(h, root) {
				return -1, false
			}
			slot, mark = h.first(), h.next()
		}
	}
	return slot, true
}

// freshen puts an item of a heap where it belongs, and reports false if it is there.
func (p *lru[K, V]) freshen(h *agenda[int32], at int) bool {
	item := *h.items.at(at)
	mark := p.mark(item.it)
	if mark == item.at {
		return false
	}
	if h == &p.ready {
		h.remove(item.it)
	}
	p.late.set(item.it, mark)
	return true
}

const (
	tidySteps  = 64 // no fewer than there were uses since
	readySteps = 8  // more than are needed if all are used at random
	readyLooks = 2  // at what is ready
	smallHeap  = 1024
	readyShare = 1024 // of the heap, one in so many is to be ready
)

// upkeep does a bit of what victim would have to do. In a small heap that is little
// anyway, and nobody is to wait for mu because of it.
func (p *lru[K, V]) upkeep() (more bool) {
	if p.late.len() < smallHeap {
		return false
	}
	p.keepUp()
	return true
}

func (p *lru[K, V]) keepUp() {
	for range tidySteps {
		if _, tidy := p.oldest(); tidy {
			break
		}
	}
	for range readyLooks {
		if n := p.ready.len(); n > 0 {
			p.hand = (p.hand + 1) % n
			p.freshen(&p.ready, root+p.hand)
		}
	}
	if p.ready.len() < p.enough() {
		p.prepare()
	}
}

// enough is how many are to be ready: so few that to keep them so costs a use little, and
// so many that what lies below has been looked at lately.
func (p *lru[K, V]) enough() int { return max(p.late.len()/readyShare, 16) }

// prepare freshens what is at the top of the heap, and moves what then is on top to what
// is ready. It reads all marks first, so that one cache miss does not wait for another.
func (p *lru[K, V]) prepare() {
	var top [readySteps]agendaItem[int32]
	n := min(readySteps, p.late.len())
	for i := range n {
		top[i] = *p.late.items.at(root + i)
	}
	var versions [readySteps]*version[K, V]
	for i := range n {
		versions[i] = (*p.slots.at(int(top[i].it))).v.Load()
	}
	var marks [readySteps]instant
	for i := range n {
		marks[i] = instant(versions[i].used.Load())
	}
	for i := range n {
		if marks[i] != top[i].at {
			p.late.set(top[i].it, marks[i])
		}
	}
	for range n {
		if first := *p.late.items.at(root); !p.freshen(&p.late, root) {
			p.late.remove(first.it)
			p.ready.set(first.it, first.at)
		}
	}
}
