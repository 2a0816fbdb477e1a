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

// sweepAll frees the memory of all dead entries, a batch at a time.
func (s *Store[K, V]) sweepAll() { s.Len() }

// Len returns the number of live entries. It frees what is dead first, a batch
// at a time, as a sweep would have done later, and one at a time while others wait.
// Meanwhile who adds an entry frees up to two: none outruns it.
func (s *Store[K, V]) Len() int {
	live, _ := s.countLive()
	return live
}

// countLive is Len, and returns ErrClosed where that has no way to.
func (s *Store[K, V]) countLive() (int, error) {
	s.sweepers.Add(1)
	defer s.sweepers.Add(-1)
	for {
		now, err := s.enterGently()
		if err != nil {
			return 0, err
		}
		more := s.sweepLocked(now)
		live := s.table.len()
		s.swept = now
		s.busy = true
		s.leave()
		if !more {
			return live, nil
		}
		for tries := 0; tries < gentleTries && s.waiting.Load() > 0; tries++ {
			runtime.Gosched()
		}
	}
}

// sweepLocked frees a batch of what is dead, or one while others wait, and reports whether
// there may be more.
func (s *Store[K, V]) sweepLocked(now instant) (more bool) {
	for range sweepBatch {
		_, more = s.freeLocked(now, 1, 1)
		if !more || s.waiting.Load() > 0 {
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
