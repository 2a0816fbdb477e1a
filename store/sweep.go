package store

import "runtime"

// sweepBatch is how many entries are looked at under mu at a time when memory
// is freed: well under a tenth of a millisecond.
const sweepBatch = 64

// freeLocked frees up to want entries that are dead, looking at up to most that
// are listed to be. more reports whether there may be others.
func (s *Store[K, V]) freeLocked(now instant, want, most int) (freed int, more bool) {
	expiry := &s.table.expiry
	for range most {
		if !dead(now, expiry.next()) {
			return freed, false
		}
		if freed == want {
			return freed, true
		}
		e := expiry.first()
		if d := e.deadline(s.o.IdleTimeout); !dead(now, d) {
			expiry.set(e, d) // accessed since it was listed
			continue
		}
		s.removeLocked(e, ReasonExpired)
		freed++
	}
	return freed, dead(now, expiry.next())
}

// sweepAll frees the memory of all dead entries, a batch at a time.
func (s *Store[K, V]) sweepAll() {
	_, _ = s.sweepAndCount()
}

// Len returns the number of live entries. It frees what is dead first, a batch
// at a time, so that it costs little more than what a sweep would.
func (s *Store[K, V]) Len() int {
	n, _ := s.sweepAndCount()
	return n
}

func (s *Store[K, V]) sweepAndCount() (live int, err error) {
	now := s.now()
	for {
		s.mu.Lock()
		now, err := s.resume(now)
		if err != nil {
			return 0, err
		}
		_, more := s.freeLocked(now, sweepBatch, sweepBatch)
		s.swept = now
		s.busy = true
		live := s.table.len()
		s.leave()
		if !more {
			return live, nil
		}
		runtime.Gosched() // to whoever waits for mu
	}
}

// removeLocked removes e for good: its lease ends, its waiters get ErrNotFound.
func (s *Store[K, V]) removeLocked(e *entry[K, V], reason Reason) {
	s.touchLocked(e)
	s.table.remove(e)
	if e.lease != nil {
		s.endLocked(e.lease, leaseLost, ErrNotFound)
		e.lease = nil
	}
	s.noteRemoval(e.key, e.value, reason)
	s.changedLocked(s.latest)
}
