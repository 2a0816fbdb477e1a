package store

import (
	"sync/atomic"
	"unsafe"

	"github.com/latchkey-go/latchkey/internal/clock"
	"github.com/latchkey-go/latchkey/persist"
)

// getQuick is Get where that takes no lock and no look at anything that others
// write, the counts aside; ok is false if it has to be under mu: the entry is locked,
// dead, or not decoded, its access is due for the journal, or a snapshot is being taken.
func (s *Store[K, V]) getQuick(key K) (value V, err error, ok bool) {
	index := s.reads.Load()
	if index == nil {
		return value, nil, false
	}
	v := index.find(s.hash(key), key)
	if v == nil {
		s.misses.add(goroutine())
		return value, ErrNotFound, true
	}
	now := s.read().at
	if idle := s.o.IdleTimeout; idle != NoExpiry {
		if dead(now, v.lastAccess().after(idle)) || s.journal != nil && now-v.e.lastNoted() >= instant(idle/4) {
			return value, nil, false
		}
	}
	if dead(now, v.expires) || !v.read(now) {
		return value, nil, false
	}
	part := goroutine()
	n := s.hits.add(part)
	if s.uses != nil {
		s.uses.note(part, n, v)
	}
	if n%tidyEvery == 0 && s.mu.TryLock() {
		if s.uses != nil {
			s.passUsesLocked(part)
		}
		s.tidyNowLocked()
		s.mu.Unlock()
	}
	return v.value, nil, true
}

// peekQuick is Peek likewise. It is for live entries that are not locked; others are
// left to mu.
func (s *Store[K, V]) peekQuick(key K) (v *version[K, V], ok bool) {
	index := s.reads.Load()
	if index == nil {
		return nil, false
	}
	v = index.find(s.hash(key), key)
	if v == nil {
		return nil, true
	}
	now := s.read().at
	ok = !v.isFrozen() && !dead(now, v.expires) &&
		(s.o.IdleTimeout == NoExpiry || !dead(now, v.lastAccess().after(s.o.IdleTimeout)))
	return v, ok
}

// uses are those that TinyLFU has still to be told of: the last few of each part of the
// counter of hits. Some get lost, to no harm.
type uses[K comparable, V any] [counterParts]struct {
	last [tidyEvery]atomic.Pointer[version[K, V]]
	told uint64 // how many of the part's hits were passed on; mu guards it
}

// note notes the nth use in a part.
func (u *uses[K, V]) note(part, n uint64, v *version[K, V]) {
	u[partOf(part)].last[n%tidyEvery].Store(v)
}

// passUsesLocked tells the policy of those in one part.
func (s *Store[K, V]) passUsesLocked(part uint64) {
	u := &s.uses[partOf(part)]
	upTo := s.hits.parts[partOf(part)].n.Load()
	for n := max(u.told+1, upTo-min(upTo, tidyEvery-1)); n <= upTo; n++ {
		if v := u.last[n%tidyEvery].Swap(nil); v != nil {
			s.table.unlocked.use(v)
		}
	}
	u.told = upTo
}

// passOwnUsesLocked tells the policy of the uses of the goroutine that it runs in,
// before one of its inserts. It read from a little higher or lower in its stack.
func (s *Store[K, V]) passOwnUsesLocked() {
	here := goroutine()
	s.passUsesLocked(here - 1)
	s.passUsesLocked(here)
	s.passUsesLocked(here + 1)
}

// goroutine returns a number that is another for most other goroutines: where its
// stack is.
func goroutine() uint64 {
	var here byte
	return uint64(uintptr(unsafe.Pointer(&here)) >> 12) // stacks of any depth are that large
}

// note notes that the journal knows of an access.
func (e *entry[K, V]) note(at instant) { atomic.StoreInt64(&e.noted, int64(at)) }

func (e *entry[K, V]) lastNoted() instant { return instant(atomic.LoadInt64(&e.noted)) }

// openReadsLocked lets reads go past mu if that is all right now.
func (s *Store[K, V]) openReadsLocked() {
	if s.quick && !s.closing && s.cut == nil {
		s.reads.Store(s.table.index)
	} else {
		s.reads.Store(nil)
	}
}

// mayBeQuick reports whether reads may go past mu: the clock must tell which of two
// was later, and no access be a change that a snapshot has to be taken for.
func (s *Store[K, V]) mayBeQuick() bool {
	accessesAreChanges := s.folder != nil && s.o.Persist.Sync == persist.OnSnapshot && s.o.IdleTimeout != NoExpiry
	return !accessesAreChanges && isSteady(s.o.Clock)
}

// isSteady reports whether each reading of a clock is later than those before. The
// system's isn't in a bubble of testing/synctest, where it stands still while
// anything runs.
func isSteady(c Clock) bool {
	if _, ok := c.(*clock.Coarse); ok {
		c = clock.System{} // which two were within its resolution, nobody need know
	}
	if _, ok := c.(interface{ Steady() }); !ok {
		return false
	}
	start := c.Now()
	for range 1000 {
		if c.Now().Sub(start) > 0 {
			return true
		}
	}
	return false
}

const (
	// tidyEvery is after how many uses the policy is tidied, and tidySteps how
	// far: so much that an eviction after a long time of reading alone finds
	// little left to do, and so little that it does not show.
	tidyEvery = 64
	tidySteps = 16
)

// tidyLocked is called with each use.
func (s *Store[K, V]) tidyLocked() {
	if s.untidied++; s.untidied%tidyEvery == 0 {
		s.tidyNowLocked()
	}
}

func (s *Store[K, V]) tidyNowLocked() {
	for range tidySteps {
		if !s.table.unlocked.tidy() {
			return
		}
	}
}
