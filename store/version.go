package store

import "sync/atomic"

// version is an entry's key and value as of one write: what the index finds. It
// can be read without mu, and what a read needs is side by side. Only the counters
// of its use change; the next write makes another version.
type version[K comparable, V any] struct {
	// reads counts the reads of this version. Its top bit says that readers must
	// ask under mu: because the entry is locked, dead, or gone, the value still
	// to be decoded, or there is another version.
	reads atomic.Uint64
	// used is the place in the order of use, twice: the highest is the latest. An
	// odd one is a reader's, who has no other mark to leave: half of it is the
	// instant too.
	used     atomic.Uint64
	accessed atomic.Int64 // last access that is not a reader's; an instant
	expires  instant      // end of the TTL
	hash     uint64
	slot     uint32 // e.slot as long as that is not -1
	e        *entry[K, V]
	key      K
	value    V
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

// giveBack keeps that of a write which did not need it, so that ErrLocked costs no memory.
func (s *Store[K, V]) giveBack(w *writing[K, V]) {
	if w.v != nil {
		s.unused.Store(w.v)
	}
}

const frozen = 1 << 63

// freeze sends readers to mu, and returns how often the version was read.
func (v *version[K, V]) freeze() uint64 { return v.reads.Or(frozen) &^ frozen }

func (v *version[K, V]) isFrozen() bool { return v.reads.Load()&frozen != 0 }

// read notes a read at the time given, and reports false if it has to be under mu.
// The mark comes before the count: whoever freezes the version and then looks at the
// mark sees those of all reads that were good.
func (v *version[K, V]) read(now instant) bool {
	if v.isFrozen() {
		return false
	}
	mark := uint64(now)<<1 | 1
	for used := v.used.Load(); used < mark; used = v.used.Load() {
		if v.used.CompareAndSwap(used, mark) {
			break
		}
	}
	return v.reads.Add(1)&frozen == 0
}

// use notes a use at a place in the order, and at an instant, both under mu. The marks
// of readers who are later than that stay.
func (v *version[K, V]) use(place uint64, at instant) {
	v.accessed.Store(int64(max(v.lastAccess(), at)))
	for used := v.used.Load(); used < 2*place; used = v.used.Load() {
		if used&1 != 0 {
			v.accessed.Store(max(v.accessed.Load(), int64(used>>1)))
		}
		if v.used.CompareAndSwap(used, 2*place) {
			return
		}
	}
}

// lastAccess returns the instant of the last access.
func (v *version[K, V]) lastAccess() instant {
	at := instant(v.accessed.Load())
	if used := v.used.Load(); used&1 != 0 {
		at = max(at, instant(used>>1))
	}
	return at
}

// counter counts for many goroutines at once: each adds to a part of its own, as a
// rule, so that none waits for another's cache line.
type counter struct {
	parts [counterParts]struct {
		n atomic.Uint64
		_ [56]byte // to the end of the cache line
	}
}

const (
	counterBits  = 6
	counterParts = 1 << counterBits
)

// add adds one, and returns the count of that part; by tells goroutines apart.
func (c *counter) add(by uint64) uint64 {
	return c.parts[partOf(by)].n.Add(1)
}

func partOf(by uint64) uint64 { return by * 0x9e37_79b9_7f4a_7c15 >> (64 - counterBits) }

func (c *counter) sum() (sum uint64) {
	for i := range c.parts {
		sum += c.parts[i].n.Load()
	}
	return sum
}
