package store

import (
	"math"
	"math/rand/v2"
	"slices"
	"sync/atomic"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// lru is what may be evicted, in order of use, which is exact and yet costs a reader no
// more than marks. Those who go next stand in golang-lru's list. To find out who they are,
// lru looks through the marks of all slots, some with each eviction, and takes down those
// that are not above a limit, a few: all others were used later. Whoever turns out to have
// been used since goes back among those.
type lru[K comparable, V any] struct {
	slots *pieces[*entry[K, V]]
	marks *marks                        // by slot, none later than that of its entry
	touch func(slots [nextPlaces]int32) // table.touch
	n     int                           // entries that may be evicted

	next   *simplelru.LRU[int, agendaItem[int32]] // the first few of found, by place, and places that are free
	newest instant                                // mark among these
	found  round
	coming round // goes on above found
	looked int   // at so many slots for coming, and at all for found
	wasted int   // how many of found, one after the other, were not to be evicted any more
	steps  int   // of victim, since it started over
}

// round has all slots whose marks are above one limit and not above another, of those
// that were looked at. One that was found and comes to be among these is in found still.
type round struct {
	above, limit instant
	slots        agenda[int32] // by mark, as of when they were taken down; some have gone since
}

// reset empties it, for no more to be found.
func (r *round) reset(limit instant) {
	r.above, r.limit = limit, limit
	r.slots.items.clear()
}

func (r *round) takes(mark instant) bool { return r.above < mark && mark <= r.limit }

const (
	nextPlaces = 8
	// A round is to find so many times the root of the number of entries: then neither
	// they nor the slots to be looked at for each are many.
	foundRoots = 8
	looks      = 8 // so many runs of slots are looked at if all wait for that
	// victimSteps is how much victim does at a time: some tens of microseconds.
	victimSteps = 64
	// startsOver is how many slots it may look at anew for each step that it has made:
	// that doubles the time of a step.
	startsOver = 128
)

// noSlot is what is in a place that is free.
const noSlot = -1

func newLRU[K comparable, V any](slots *pieces[*entry[K, V]], marks *marks, touch func([nextPlaces]int32)) *lru[K, V] {
	next, err := simplelru.NewLRU[int, agendaItem[int32]](nextPlaces, nil)
	if err != nil {
		panic(err) // a size above 0 is all it asks for
	}
	p := &lru[K, V]{slots: slots, marks: marks, touch: touch, next: next}
	p.startOver(-never)
	return p
}

// startOver forgets what was found. What is listed from now on is found, if its mark is
// not above the limit.
func (p *lru[K, V]) startOver(limit instant) {
	for place := range nextPlaces {
		p.drop(place)
	}
	p.found.reset(limit)
	p.coming.reset(limit)
	p.looked, p.wasted, p.steps = 0, 0, 0
}

func (p *lru[K, V]) grow() { p.marks.grow(p.slots.n) }

func (p *lru[K, V]) emptied() {
	p.marks.reset()
	p.startOver(-never)
}

func (p *lru[K, V]) add(e *entry[K, V]) {
	p.n++
	p.list(e.slot(), e.mark())
}

func (p *lru[K, V]) giveBack(e *entry[K, V]) { p.add(e) }

// list lists a slot by its mark.
func (p *lru[K, V]) list(slot int32, mark instant) {
	p.marks.at(int(slot)).Store(int64(mark))
	switch {
	case mark <= p.found.limit:
		p.found.slots.push(slot, mark)
	case p.coming.takes(mark) && int(slot) < p.looked:
		p.coming.slots.push(slot, mark)
	}
}

// remove leaves what was found as it is, as a rule: the slot's mark is another now. What
// has come and gone over and over must not fill it up.
func (p *lru[K, V]) remove(e *entry[K, V]) {
	slot := e.slot()
	p.marks.at(int(slot)).Store(int64(never))
	p.n--
	switch place, first, _ := p.next.GetOldest(); {
	case p.n == 0: // all that come now are found
		p.startOver(never - 1)
	case p.found.slots.len()+p.coming.slots.len() > 2*p.n+p.slots.n/16+64:
		p.startOver(-never)
	case first.it == slot:
		p.drop(place)
	}
}

func (p *lru[K, V]) use(slot, _ uint32) {
	if m := p.marks.at(int(slot)); instant(m.Load()) != never {
		m.Store(int64((*p.slots.at(int(slot))).mark()))
	}
}

func (p *lru[K, V]) useAll([]use) {} // whoever is past mu leaves marks

func (p *lru[K, V]) resize(int) {}

// victim returns the entry to evict first, or nil when there is none.
func (p *lru[K, V]) victim() (e *entry[K, V], untidy bool) {
	if p.n == 0 {
		return nil, false
	}
	for left := victimSteps; left > 0; left-- {
		p.steps++
		taken := p.scan(2 + p.slots.n>>19) // so that all is looked at before found is used up
		place, first, _ := p.next.GetOldest()
		switch none := first.it == noSlot; {
		case none && p.found.slots.len() == 0 && !p.hasScanned():
			taken += p.scan(looks)
		case none || p.newest > p.found.slots.next():
			p.prepare()
		case p.isStill(first):
			p.wasted = 0
			return *p.slots.at(int(first.it)), false
		default:
			p.drop(place)
		}
		if p.wasted > p.slots.n/2048+64 && p.steps > p.slots.n/startsOver {
			p.startOver(-never) // most were used since
		}
		left -= taken / 4
	}
	return nil, true
}

// isStill reports whether a slot goes by the mark that it had. Otherwise it is listed by
// a later one, or is not to be evicted any more.
func (p *lru[K, V]) isStill(f agendaItem[int32]) bool {
	now := instant(p.marks.at(int(f.it)).Load())
	if now == f.at {
		if now = (*p.slots.at(int(f.it))).mark(); now == f.at {
			return true
		}
	}
	if now != never {
		p.list(f.it, now)
	}
	p.wasted++
	return false
}

// prepare puts the first few of found into the list; those who are there go back first.
func (p *lru[K, V]) prepare() {
	for place := range nextPlaces {
		if f, _ := p.next.Peek(place); f.it != noSlot {
			p.found.slots.push(f.it, f.at)
		}
	}
	var slots [nextPlaces]int32
	for place := range slots {
		f := p.pop()
		slots[place] = f.it
		p.next.Add(place, f)
	}
	p.touch(slots)
}

// drop frees a place, which is the last then.
func (p *lru[K, V]) drop(place int) { p.next.Add(place, agendaItem[int32]{it: noSlot}) }

// pop takes the first off what was found; noSlot is none.
func (p *lru[K, V]) pop() agendaItem[int32] {
	if p.found.slots.len() == 0 && p.hasScanned() {
		p.found, p.coming.slots = p.coming, p.found.slots
		p.coming.above = p.found.limit
		p.coming.limit, p.looked = max(p.nextLimit(), p.found.limit), 0
	}
	if p.found.slots.len() == 0 {
		return agendaItem[int32]{it: noSlot}
	}
	p.newest = p.found.slots.next()
	return p.found.slots.pop()
}

func (p *lru[K, V]) hasScanned() bool {
	return p.looked >= p.slots.n || p.coming.limit == p.coming.above
}

// scan looks at some slots for coming, and returns how many it has taken down.
func (p *lru[K, V]) scan(runs int) (taken int) {
	for ; runs > 0 && !p.hasScanned(); runs-- {
		run, limit := p.marks.run(p.looked), p.coming.limit
		for i := 0; i < len(run); i += 8 {
			// Eight at once take half the time of one after the other.
			m := (*[8]atomic.Int64)(run[i:])
			first := min(m[0].Load(), m[1].Load(), m[2].Load(), m[3].Load(),
				m[4].Load(), m[5].Load(), m[6].Load(), m[7].Load())
			if instant(first) > limit {
				continue
			}
			for j := range m {
				if mark := instant(m[j].Load()); p.coming.takes(mark) {
					p.coming.slots.push(int32(p.looked+i+j), mark)
					taken++
				}
			}
		}
		p.looked += len(run)
	}
	return taken
}

// nextLimit returns a mark that about as many are not above as there are to be in found and
// coming. It goes by a sample.
func (p *lru[K, V]) nextLimit() instant {
	var sample [256]instant
	n := 0
	for i := range min(p.slots.n, len(sample)) {
		if p.slots.n > len(sample) {
			i = rand.IntN(p.slots.n)
		}
		if mark := instant(p.marks.at(i).Load()); mark != never {
			sample[n] = mark
			n++
		}
	}
	if n == 0 {
		return never - 1
	}
	slices.Sort(sample[:n])
	want := foundRoots * int(math.Sqrt(float64(p.n)))
	if found := p.found.slots.len(); found > 0 {
		want += found
	} else {
		want /= 4 // somebody waits for it
	}
	return sample[min(n*want/p.n, n-1)]
}
