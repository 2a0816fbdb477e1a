package store

import (
	"sync/atomic"
	"time"
)

// version is an entry's key and value as of one write: what the index finds. It
// can be read without mu, and what a read needs is side by side: with a string for a
// key and a pointer for a value, in one cache line. Only the counters of its use
// change; the next write makes another version. LRU's readers look at the mark of the
// slot as well, in a line of eight of them.
type version[K comparable, V any] struct {
	// reads counts the reads of this version. Its top bit says that readers must
	// ask under mu: because the entry is locked, dead, or gone, the value still
	// to be decoded, or there is another version. The next bit says that a writer
	// who has no mu is about to put that in its place, or has done so, and that behind it
	// that the last access is what the entry says, whatever marks are left now.
	reads atomic.Uint64
	// used is the place in the order of use, twice: the highest is the latest. An
	// odd one is that of somebody without mu, who has no other mark to leave: half of
	// it is the instant too.
	used    atomic.Uint64
	expires instant // end of the TTL
	e       *entry[K, V]
	hash    uint32
	slot    uint32 // in table.slots, until the entry is removed
	key     K
	value   V
}

// blankVersion returns one that nobody has seen.
func (s *Store[K, V]) blankVersion() *version[K, V] {
	if s.unused.Load() != nil { // by default it isn't there, and all may look
		if v := s.unused.Swap(nil); v != nil {
			return v
		}
	}
	return new(version[K, V])
}

// giveBack keeps that of a write which did not need it, so that ErrLocked costs no memory,
// and lets others have the room that it may have reserved.
func (s *Store[K, V]) giveBack(w *writing[K, V]) {
	if w.v != nil {
		s.unused.Store(w.v)
	}
	if w.reserves {
		s.mu.Lock()
		s.unreserveLocked(w)
		s.mu.Unlock()
	}
}

const (
	frozen  = 1 << 63
	claimed = 1 << 62
	settled = 1 << 61
)

func (v *version[K, V]) isFrozen() bool { return v.reads.Load()&frozen != 0 }

// isOver reports whether somebody without mu has put another version in its place, or
// is about to.
func (v *version[K, V]) isOver() bool { return v.reads.Load()&claimed != 0 }

// claim freezes the version for a writer who has no mu, unless it is frozen. Who has mu
// waits for what comes next: another version, or that release gives this one back.
// Until then it is the writer's, and its reads are those that it had.
func (v *version[K, V]) claim() (reads uint64, ok bool) {
	for {
		reads = v.reads.Load()
		if reads&frozen != 0 {
			return 0, false
		}
		if v.reads.CompareAndSwap(reads, reads|frozen|claimed) {
			return reads, true
		}
	}
}

func (v *version[K, V]) release(reads uint64) { v.reads.Store(reads) }

// markOf returns the mark of a use at an instant by somebody without mu.
func markOf(now instant) uint64 { return uint64(now)<<1 | 1 }

// read notes a read at the time given, and reports false if it has to be under mu.
// The mark comes before the count: whoever freezes the version and then looks at the
// mark sees those of all reads that were good.
func (v *version[K, V]) read(now instant) bool {
	if v.isFrozen() {
		return false
	}
	v.leaveMark(markOf(now))
	return v.reads.Add(1)&frozen == 0
}

func (v *version[K, V]) leaveMark(mark uint64) {
	for used := v.used.Load(); used < mark; used = v.used.Load() {
		if v.used.CompareAndSwap(used, mark) {
			return
		}
	}
}

// use notes a use at a place in the order, and at an instant, both under mu. The marks
// of others who are later than that stay.
func (v *version[K, V]) use(place uint64, at instant) {
	for used := v.used.Load(); used < 2*place; used = v.used.Load() {
		v.e.accessed.Store(int64(max(v.lastAccess(), at)))
		if v.used.CompareAndSwap(used, 2*place) {
			return
		}
	}
}

// lastAccess returns the instant of the last access. A mark is later than what was
// accessed under mu before.
func (v *version[K, V]) lastAccess() instant {
	if used := v.used.Load(); used&1 != 0 && v.reads.Load()&settled == 0 {
		return instant(used >> 1)
	}
	return instant(v.e.accessed.Load())
}

// deadline returns when the entry dies, unless it is locked.
func (v *version[K, V]) deadline(idle time.Duration) instant {
	if idle == NoExpiry {
		return v.expires
	}
	return min(v.expires, v.lastAccess().after(idle))
}

// tallies count what is done without mu, for many goroutines at once: each has a part
// of its own, as a rule, so that none waits for another's cache line.
type tallies [tallyParts]tally

type tally struct {
	hits, overwrites, misses atomic.Uint64
	_                        [40]byte // to the end of the cache line
}

// uses returns how many hits and overwrites there are, about.
func (t *tally) uses() uint64 { return t.hits.Load() + t.overwrites.Load() }

const (
	tallyBits  = 6
	tallyParts = 1 << tallyBits
)

// partOf returns which part is a goroutine's.
func partOf(goroutine uint64) uint64 { return goroutine * 0x9e37_79b9_7f4a_7c15 >> (64 - tallyBits) }

// sum returns the sums over all parts.
func (t *tallies) sum() (hits, overwrites, misses uint64) {
	for i := range t {
		hits += t[i].hits.Load()
		overwrites += t[i].overwrites.Load()
		misses += t[i].misses.Load()
	}
	return hits, overwrites, misses
}
