package store

import "time"

// alarm rings once the clock reaches an instant, which may move. The store has
// a few, armed only while there is something for them to do. mu guards the
// fields below ring; the clock, which may be user code, is called outside it.
type alarm struct {
	ring func()

	at   instant     // when the armed timer fires; never = none is armed
	turn uint64      // counts armings, so that one overtaken by another is void
	stop func() bool // of the armed timer; nil until AfterFunc has returned
}

// move is a change to an alarm, decided under mu and made outside it. The zero
// move changes nothing.
type move struct {
	alarm *alarm
	turn  uint64
	stop  func() bool // of the timer to stop; may be nil
	arm   bool        // whether to arm a new one
	at    instant     // and when
}

// planLocked decides when the store wants to be woken up.
func (s *Store[K, V]) planLocked() (moves [5]move) {
	lapse, sweep, save, sync, retry := never, never, never, never, never
	if !s.closing {
		if s.watched > 0 {
			lapse = s.leases.next()
		}
		next := s.table.expiry.next()
		if l := s.leases.next(); l != never {
			next = min(next, l.after(s.o.IdleTimeout)) // which runs from then on
		}
		if next != never {
			sweep = max(next, s.swept.after(s.o.SweepInterval))
		}
		if interval := s.o.Persist.SnapshotInterval; interval != 0 && s.changed != never && !s.snapshotting {
			save = s.changed.after(interval)
		}
		if s.unsynced != never {
			sync = s.unsynced.after(syncInterval)
		}
		if !s.snapshotting {
			retry = s.retryDue
		}
	}
	moves[0] = s.lapse.plan(lapse)
	moves[1] = s.sweep.plan(sweep)
	moves[2] = s.save.plan(save)
	moves[3] = s.sync.plan(sync)
	moves[4] = s.retry.plan(retry)
	return moves
}

// plan returns the change that has the alarm ring at the instant given. A timer
// that fires too early stays as it is: when it does, there is a new plan.
func (a *alarm) plan(at instant) move {
	if at == a.at || a.at < at && at != never {
		return move{}
	}
	a.turn++
	m := move{alarm: a, turn: a.turn, stop: a.stop, arm: at != never, at: at}
	a.at, a.stop = at, nil
	return m
}

func (s *Store[K, V]) move(m move) {
	if m.stop != nil {
		m.stop()
	}
	if !m.arm {
		return
	}
	stop := s.arm(m)
	s.mu.Lock()
	overtaken := m.alarm.turn != m.turn
	if !overtaken {
		m.alarm.stop = stop
	}
	s.mu.Unlock()
	if overtaken {
		stop()
	}
}

// arm starts the timer. A clock that was moved meanwhile, as a test may move its
// own, would have it fire late: then it starts another one.
func (s *Store[K, V]) arm(m move) (stop func() bool) {
	for tries := 1; ; tries++ {
		before := s.read().at
		stop = s.o.Clock.AfterFunc(time.Duration(max(0, m.at-before)), func() { s.fire(m.alarm, m.turn) })
		if s.read().at-before < instant(time.Millisecond) || tries == 10 || !stop() {
			return stop
		}
	}
}

// fire rings the alarm, unless the timer that fires is void by now.
func (s *Store[K, V]) fire(a *alarm, turn uint64) {
	s.mu.Lock()
	void := a.turn != turn || s.closing
	if !void {
		a.turn++
		a.at, a.stop = never, nil
	}
	s.mu.Unlock()
	if !void {
		a.ring()
	}
}
