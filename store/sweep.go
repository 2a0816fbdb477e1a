package store

import (
	"runtime"
	"time"
)

// sweepBatch is how many entries are looked at under mu at a time when memory
// is freed: some microseconds, so that others get their turns.
const sweepBatch = 8

// freeLocked frees up to want entries that are dead, looking at up to most that
// are listed to be. more reports whether there may be others.
func (s *Store[K, V]) freeLocked(now instant, want, most int) (freed int, more bool) {
	expiry := s.table.expiry
	for range most {
		if !dead(now, expiry.next()) {
			return freed, false
		}
		if freed == want {
			return freed, true
		}
		e := *s.table.slots.at(int(expiry.earliest()))
		if e.pending != nil {
			expiry.remove(e.slot()) // calmLocked lists it again
			continue
		}
		if !e.isDead(now, s.o.IdleTimeout) {
			expiry.set(e.slot(), e.deadline(s.o.IdleTimeout)) // accessed since it was listed
			continue
		}
		s.freedLocked(e, now)
		freed++
	}
	return freed, dead(now, expiry.next())
}

// sweepAll frees the memory of all dead entries, gently: it has time.
func (s *Store[K, V]) sweepAll() { _, _ = s.countLive(true) }

// Len returns the number of live entries. It frees what is dead first, some at a time,
// as a sweep would have done later. Meanwhile who adds an entry frees up to two: none
// outruns it.
func (s *Store[K, V]) Len() int {
	live, _ := s.countLive(false)
	return live
}

// countLive is Len, and returns ErrClosed where that has no way to.
func (s *Store[K, V]) countLive(gently bool) (int, error) {
	s.sweepers.Add(1)
	defer s.sweepers.Add(-1)
	enter := s.enter
	if gently {
		enter = s.enterGently
	}
	for {
		now, err := enter()
		if err != nil {
			return 0, err
		}
		more := s.sweepLocked(now, gently)
		live := s.table.len()
		s.swept = now
		s.busy = true
		s.leave()
		if !more {
			return live, nil
		}
		for tries := 0; gently && tries < gentleTries && s.waiting.Load() > 0; tries++ {
			runtime.Gosched()
		}
	}
}

// sweepLocked frees some of what is dead, and reports whether there may be more: gently,
// a batch, or one while others wait; else as many as somebody who needs room may.
func (s *Store[K, V]) sweepLocked(now instant, gently bool) (more bool) {
	most := evictBatch
	if gently {
		most = sweepBatch
	}
	for range most {
		_, more = s.freeLocked(now, 1, 1)
		if !more || gently && s.waiting.Load() > 0 {
			break
		}
	}
	return more
}

// freedLocked removes an entry that is dead.
func (s *Store[K, V]) freedLocked(e *entry[K, V], now instant) {
	s.removeLocked(e, ReasonExpired)
	s.noteLocked(change[K, V]{kind: changeFreed, at: now, e: e})
}

// removeLocked removes e for good: its lease ends, its waiters get ErrNotFound.
func (s *Store[K, V]) removeLocked(e *entry[K, V], reason Reason) {
	s.touchLocked(e)
	s.table.remove(e)
	if e.lease != nil {
		s.endLocked(e.lease, leaseLost, ErrNotFound)
		e.lease = nil
	}
	if reason == ReasonEvicted {
		s.stats.EvictedAges.Observe(time.Duration(s.latest - e.created))
	}
	s.noteRemoval(e, reason)
	s.changedLocked(s.latest)
	if s.table.expiry.next() == never {
		s.busy = true // the sweep has nothing to wait for any more
	}
}
