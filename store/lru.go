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
// lru goes through all slots, some with each eviction: it looks at the bounds of runs, at
// the marks of those that may have one not above a limit, and takes such slots down, a few:
// all others were used later. Whoever turns out to have been used since goes back among
// those.
type lru[K comparable, V any] struct {
	slots *pieces[*entry[K, V]]
	marks *marks                        // by slot, none later than that of its entry
	touch func(slots [nextPlaces]int32) // table.touch
	n     int                           // entries that may be evicted

	next   *simplelru.LRU[int, marked] // the first few of found, by place, and places that are free
	newest instant                     // mark among these
	found  round
	coming round // goes on above found
	looked int   // at so many slots for coming, and at all for found
	wasted int   // how many of found, one after the other, were not to be evicted any more
	tried  int   // how many were, since the last victim
}

// round has all slots whose marks are above one limit and not above another, of those
// that were looked at. One that was found and comes to be among these is in found still.
type round struct {
	above, limit instant
	slots        byMark // as of when they were taken down; some have gone since
}

// reset empties it, for no more to be found.
func (r *round) reset(limit instant) {
	r.above, r.limit = limit, limit
	r.slots.clear()
}

func (r *round) takes(mark instant) bool { return r.above < mark && mark <= r.limit }

const (
	nextPlaces = 16
	// A round is to find so many times the root of the number of entries: then neither
	// they nor the slots to be looked at for each are many.
	foundRoots = 8
	looks      = 512 // so much is looked at if all wait for that; a few bounds are one
	// At most so many are drawn to tell where a limit is to be; fewer if about marksEnough of
	// them are not above it then.
	marksSample = 256
	marksEnough = 16
	// victimSteps is how much victim does at a time: some tens of microseconds.
	victimSteps = 64
	// wastes is how many slots there are to each of those found that was tried in vain,
	// when it starts over: to look at all anew takes about as long as the tries did.
	wastes = 2048
)

// noSlot is what is in a place that is free.
const noSlot = -1

func newLRU[K comparable, V any](slots *pieces[*entry[K, V]], marks *marks, touch func([nextPlaces]int32)) *lru[K, V] {
	next, err := simplelru.NewLRU[int, marked](nextPlaces, nil)
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
	p.looked, p.wasted = 0, 0
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
	p.marks.list(int(slot), mark)
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
	case p.found.slots.len()+p.coming.slots.len() > p.mostFound():
		p.startOver(-never)
	case first.it == slot:
		p.drop(place)
	}
}

func (p *lru[K, V]) use(slot, _ uint32) {
	if e := *p.slots.at(int(slot)); e != nil {
		p.marks.raise(int(slot), e.mark())
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
		taken := p.scan(min(p.pace(), looks))
		place, first, _ := p.next.GetOldest()
		switch none := first.it == noSlot; {
		case none && p.found.slots.len() == 0 && !p.hasScanned():
			taken += p.scan(looks)
		case none || p.newest > p.found.slots.next():
			p.prepare()
		case p.isStill(first):
			p.wasted, p.tried = 0, 0
			return *p.slots.at(int(first.it)), false
		default:
			p.drop(place)
		}
		if p.wasted > p.slots.n/wastes+64 {
			p.startOver(-never) // most were used since
		}
		left -= taken / 4
	}
	return nil, true
}

// isStill reports whether a slot goes by the mark that it had. Otherwise it is listed by
// a later one, or is not to be evicted any more. If others use all that there is faster than
// it can be tried, the first is as good as any: by then all were used meanwhile.
func (p *lru[K, V]) isStill(f marked) bool {
	now := instant(p.marks.at(int(f.it)).Load())
	if now == f.at {
		now = (*p.slots.at(int(f.it))).mark()
	}
	switch {
	case now == f.at, now != never && p.tried > 2*p.mostFound():
		return true
	case now != never:
		p.list(f.it, now)
	}
	p.wasted++
	p.tried++
	return false
}

// mostFound is how many may be in found and coming together, of which some have gone.
func (p *lru[K, V]) mostFound() int { return 2*p.n + p.slots.n/16 + 64 }

// prepare puts the first few of found into the list; those who are there go back first.
func (p *lru[K, V]) prepare() {
	for place := range nextPlaces {
		if f, _ := p.next.Peek(place); f.it != noSlot {
			p.found.slots.push(f.it, f.at)
		}
	}
	var slots [nextPlaces]int32
	for place := range slots {
		f := marked{it: noSlot}
		if place == 0 || slots[place-1] != noSlot { // else that was the last, and to look again is dear
			f = p.pop()
		}
		slots[place] = f.it
		p.next.Add(place, f)
	}
	p.touch(slots)
}

// drop frees a place, which is the last then.
func (p *lru[K, V]) drop(place int) { p.next.Add(place, marked{it: noSlot}) }

// pop takes the first off what was found; noSlot is none.
func (p *lru[K, V]) pop() marked {
	if p.found.slots.len() == 0 && p.hasScanned() {
		p.found, p.coming.slots = p.coming, p.found.slots
		p.coming.above = p.found.limit
		p.coming.limit, p.looked = max(p.nextLimit(), p.found.limit), 0
	}
	if p.found.slots.len() == 0 {
		return marked{it: noSlot}
	}
	p.newest = p.found.slots.next()
	return p.found.slots.pop()
}

func (p *lru[K, V]) hasScanned() bool {
	return p.looked >= p.slots.n || p.coming.limit == p.coming.above
}

// scan looks at some slots for coming, as many as take that long, and returns how many it
// has taken down.
func (p *lru[K, V]) scan(most int) (taken int) {
	for limit := p.coming.limit; most > 0 && !p.hasScanned(); most-- {
		piece, run := p.marks.piece(p.looked), p.looked%pieceLen/marksRun
		if run%boundsLine == 0 && piece.lineBound(run) > limit {
			p.looked += boundsLine * marksRun
			continue
		}
		if piece.bound(run) <= limit {
			most -= marksRun / 2
			if piece.tighten(run) <= limit {
				taken += p.take(piece.marks[run*marksRun:][:marksRun])
			}
		}
		p.looked += marksRun
	}
	return taken
}

// pace is how much is to be looked at with each of those in found, so that all is when they
// are used up: four for each run.
func (p *lru[K, V]) pace() int {
	return 4 + 4*(p.slots.n-p.looked)/marksRun/(p.found.slots.len()+1)
}

// take takes down those of a run, the next to be looked at, that are for coming.
func (p *lru[K, V]) take(run []atomic.Int64) (taken int) {
	for i := range run {
		if mark := instant(run[i].Load()); p.coming.takes(mark) {
			p.coming.slots.push(int32(p.looked+i), mark)
			taken++
		}
	}
	return taken
}

// nextLimit returns a mark that about as many are not above as there are to be in found and
// coming: so few if somebody waits, and then no more than are looked at until found is used
// up. It goes by a sample, of marks or, where that would be too coarse, of the earliest of
// each run.
func (p *lru[K, V]) nextLimit() instant {
	want, found := foundRoots*int(math.Sqrt(float64(p.n))), p.found.slots.len()
	want = found + min(want, max(want/32, 2*found))
	if want > p.slots.n/marksSample*2 {
		return sampled(p.slots.n, want, func(slot int) instant { return instant(p.marks.at(slot).Load()) })
	}
	return sampled((p.slots.n+marksRun-1)/marksRun, want, func(run int) instant {
		at := run * marksRun
		return p.marks.piece(at).tighten(at%pieceLen/marksRun) | (marksRun - 1)
	})
}

// sampled returns a mark that about so many of n are not above.
func sampled(n, want int, mark func(i int) instant) instant {
	var all [marksSample]instant
	some, drawn := all[:0], min(n, len(all), max(1, marksEnough*n/max(want, 1)))
	for i := range drawn {
		if drawn < n {
			i = rand.IntN(n)
		}
		if m := mark(i); m != never {
			some = append(some, m)
		}
	}
	if len(some) == 0 {
		return never - 1
	}
	slices.Sort(some)
	return some[min(drawn*want/n, len(some)-1)]
}
