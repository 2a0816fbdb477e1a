package store

import (
	"container/list"
	"context"
	"fmt"
	"time"
)

// Lease is the hold of one holder on an entry, until its deadline at the
// latest. While it lives, everybody else's Get, Entry, Set, Touch, Update and
// Delete of that key are [ErrLocked]; the holder works through the lease. It is
// safe for concurrent use.
type Lease[K comparable, V any] struct {
	s     *Store[K, V]
	e     *entry[K, V]
	key   K
	fence uint64

	// The store's mu guards these.
	until   instant
	end     leaseEnd
	index   int32         // in Store.leases; -1 once over
	done    chan struct{} // closed when over; nil until somebody asks
	waiters *list.List    // of *waiter, in order of arrival; nil = none yet
}

type leaseEnd int

const (
	leaseHeld     leaseEnd = 0
	leaseReleased leaseEnd = 1 // by its holder
	leaseLost     leaseEnd = 2
)

// waiter is a caller in Lock. mu guards the fields below ready until that is
// closed.
type waiter[K comparable, V any] struct {
	d     time.Duration
	since instant
	ready chan struct{}
	next  bool         // the lease is being granted
	lease *Lease[K, V] // what it got
	err   error        // or why not
}

// over returns when the lease ends by itself: at its deadline, or when the
// entry's TTL does.
func (l *Lease[K, V]) over() instant { return min(l.until, l.e.version().expires) }

// TryLock locks the entry for key and returns the lease, which ends after d
// unless it is extended; 0 = Options.MaxLease, the longest there is. It does
// not wait, and does not count as an access.
//
// Errors: [ErrNotFound], [ErrLocked], [ErrInvalidKey], [ErrClosed], a d below 0
// or above MaxLease.
func (s *Store[K, V]) TryLock(key K, d time.Duration) (*Lease[K, V], error) {
	l, _, err := s.lockOrQueue(key, d, false)
	return l, err
}

// Lock is [Store.TryLock], but waits while somebody else holds a lease.
// Waiters get theirs in the order in which they came, without polling. One
// whose ctx ends leaves the queue with ctx's error; those whose entry is
// removed get [ErrNotFound]. What waits for the disk does not look at ctx, and there
// those who come at the same moment may be queued in another order.
func (s *Store[K, V]) Lock(ctx context.Context, key K, d time.Duration) (*Lease[K, V], error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	l, q, err := s.lockOrQueue(key, d, true)
	if err != nil || l != nil {
		return l, err
	}
	select {
	case <-q.waiter.ready:
	case <-ctx.Done():
		s.leaveQueue(q, ctx.Err())
	}
	return q.waiter.lease, q.waiter.err
}

// queued is a waiter's place in the queue for an entry.
type queued[K comparable, V any] struct {
	e       *entry[K, V]
	element *list.Element
	waiter  *waiter[K, V]
}

func (s *Store[K, V]) lockOrQueue(key K, d time.Duration, wait bool) (l *Lease[K, V], q queued[K, V], err error) {
	if d, err = s.leaseTime(d); err == nil {
		err = s.checkKey(key)
	}
	if err != nil {
		return nil, q, err
	}
	err = s.attempt(func(now instant) (b *batch[K, V], err error) {
		e, b := s.liveLocked(key, now)
		switch {
		case b != nil:
			return b, errAgain
		case e != nil && e.lease != nil && wait:
			q = s.queueLocked(e, d)
			return nil, nil
		}
		if b := s.pendingLocked(key, e); b != nil {
			return b, errAgain
		}
		switch {
		case e == nil:
			return nil, ErrNotFound
		case e.lease != nil:
			s.stats.Refusals++
			return nil, ErrLocked
		}
		l, b, err = s.grantLocked(e, d, nil)
		return b, err
	})
	if err != nil {
		return nil, q, err
	}
	return l, q, nil
}

func (s *Store[K, V]) queueLocked(e *entry[K, V], d time.Duration) queued[K, V] {
	if e.lease.waiters == nil {
		e.lease.waiters = list.New()
	}
	w := &waiter[K, V]{d: d, since: s.latest, ready: make(chan struct{})}
	s.stats.Waiting++
	s.watchLocked(1)
	return queued[K, V]{e, e.lease.waiters.PushBack(w), w}
}

// leaveQueue takes a waiter out whose context has ended, unless it has been
// served, or is about to be.
func (s *Store[K, V]) leaveQueue(q queued[K, V], err error) {
	now := s.read()
	s.mu.Lock()
	s.seeLocked(now)
	select {
	case <-q.waiter.ready:
		s.leave()
		return
	default:
	}
	if q.waiter.next {
		s.leave()
		<-q.waiter.ready
		return
	}
	defer s.leave()
	q.e.lease.waiters.Remove(q.element)
	s.serveLocked(q.waiter, nil, err)
}

// Resume takes up the lease on key that has the fence given: after a restart of
// the store, or where only the number could be passed on. It is the same lease
// for all who have it.
//
// Errors: [ErrNotFound], [ErrLeaseLost] if there is no such lease any more,
// [ErrInvalidKey], [ErrClosed].
func (s *Store[K, V]) Resume(key K, fence uint64) (l *Lease[K, V], err error) {
	if err := s.checkKey(key); err != nil {
		return nil, err
	}
	err = s.attempt(func(now instant) (*batch[K, V], error) {
		e, b := s.liveLocked(key, now)
		if b == nil {
			b = s.pendingLocked(key, e)
		}
		switch {
		case b != nil:
			return b, errAgain
		case e == nil:
			return nil, ErrNotFound
		case e.lease == nil || e.lease.fence != fence || e.lease.end != leaseHeld:
			return nil, ErrLeaseLost
		}
		l = e.lease
		return nil, nil
	})
	return l, err
}

// ForceUnlock takes the lease on key away from its holder, who gets
// [ErrLeaseLost] from then on, and reports whether it did. The next waiter is
// served. It is meant for operators. In a store that is read-only, because its
// disk fails, leases end by time alone.
func (s *Store[K, V]) ForceUnlock(key K) bool { return s.forceUnlock(key) == nil }

// forceUnlock is ForceUnlock, and tells why nothing was unlocked: ErrNotFound if
// there was no lease.
func (s *Store[K, V]) forceUnlock(key K) error {
	if err := s.checkKey(key); err != nil {
		return err
	}
	return s.attempt(func(now instant) (*batch[K, V], error) {
		e, b := s.liveLocked(key, now)
		if b == nil {
			b = s.pendingLocked(key, e)
		}
		switch {
		case b != nil:
			return b, errAgain
		case e == nil || e.lease == nil:
			return nil, ErrNotFound
		}
		return s.doLocked(change[K, V]{kind: changeUnlock, at: now, e: e, lease: e.lease, how: leaseLost})
	})
}

// leaseTime returns the length of a lease when d was asked for.
func (s *Store[K, V]) leaseTime(d time.Duration) (time.Duration, error) {
	if d < 0 || d > s.o.MaxLease {
		return 0, fmt.Errorf("store: a lease of %v; it must be between 0 and MaxLease, %v", d, s.o.MaxLease)
	}
	return orDefault(d, s.o.MaxLease), nil
}

// grantLocked decides to give e, which has no lease or one that is over, to a new
// holder: w, who waits for it, or the caller if w is nil.
func (s *Store[K, V]) grantLocked(e *entry[K, V], d time.Duration, w *waiter[K, V]) (*Lease[K, V], *batch[K, V], error) {
	if s.fence >= s.maxFence {
		return nil, nil, errOutOfFence
	}
	l := &Lease[K, V]{s: s, e: e, key: e.key(), fence: s.fence + 1, until: s.latest.after(d), index: -1}
	b, err := s.doLocked(change[K, V]{kind: changeLock, at: s.latest, e: e, lease: l, until: l.until, waiter: w})
	if err != nil {
		return nil, nil, err
	}
	s.fence++
	return l, b, nil
}

// lockLocked makes a lease that was granted the one on its entry.
func (s *Store[K, V]) lockLocked(c *change[K, V]) {
	e, l := c.e, c.lease
	s.touchLocked(e)
	if before := e.lease; before != nil {
		l.waiters, before.waiters = before.waiters, nil
	}
	s.table.lock(e, l)
	s.leases.set(l, l.over())
	e.fence = l.fence
	s.busy = true
	if c.waiter != nil {
		s.serveLocked(c.waiter, l, nil)
	}
}

// endLocked ends a lease, which counts as an access. The next in the queue gets
// the entry, or, if err is not nil, all of them get that.
func (s *Store[K, V]) endLocked(l *Lease[K, V], how leaseEnd, err error) {
	s.touchLocked(l.e)
	if l.end == leaseHeld { // else the entry is on its way to the next
		l.end = how
		s.leases.remove(l)
		if l.done != nil {
			close(l.done)
			s.watchLocked(-1)
		}
	}
	s.changedLocked(s.latest)
	if err == nil {
		at := min(l.until, s.latest)
		if s.journal != nil {
			l.e.note(at) // it knows when a lease ends
		}
		s.useLocked(l.e, at)
		s.passOnLocked(l.e)
		return
	}
	for w := l.nextWaiter(); w != nil; w = l.nextWaiter() {
		s.serveLocked(w, nil, err)
	}
}

// passOnLocked gives an entry whose lease is over to the next in the queue. Until
// that one has it, nobody else does. If there is none, the entry is unlocked.
func (s *Store[K, V]) passOnLocked(e *entry[K, V]) {
	if s.barrier != nil { // perhaps it is about to go
		s.waylaid = append(s.waylaid, e)
		return
	}
	l := e.lease
	for w := l.nextWaiter(); w != nil; w = l.nextWaiter() {
		w.next = true
		_, b, err := s.grantLocked(e, w.d, w)
		if err != nil {
			s.serveLocked(w, nil, err)
			continue
		}
		if b != nil {
			s.unled, s.busy = b, true
		}
		return
	}
	s.table.unlock(e)
	s.expiresLocked(e)
}

// passOnWaylaidLocked passes on what could not be because of a barrier, once that
// is gone.
func (s *Store[K, V]) passOnWaylaidLocked() {
	if len(s.waylaid) == 0 || s.barrier != nil {
		return
	}
	entries := s.waylaid
	s.waylaid = nil
	for _, e := range entries {
		if e.born != gone {
			s.passOnLocked(e)
		}
	}
}

// serveLocked tells a waiter, who has left the queue, how it went.
func (s *Store[K, V]) serveLocked(w *waiter[K, V], l *Lease[K, V], err error) {
	w.lease, w.err = l, err
	close(w.ready)
	s.stats.Waiting--
	s.stats.LockWaits.Observe(time.Duration(s.latest - w.since))
	s.watchLocked(-1)
}

// watchLocked counts who wants to hear of the end of a lease at once: the lapse
// alarm is armed for them alone.
func (s *Store[K, V]) watchLocked(n int) {
	s.watched += n
	s.busy = true
}

// settle ends the leases that are over when nobody else comes by to do it.
func (s *Store[K, V]) settle() {
	if _, err := s.enter(); err == nil {
		s.busy = true
		s.leave()
	}
}

// settleLocked ends the leases that are over.
func (s *Store[K, V]) settleLocked() {
	for dead(s.latest, s.leases.next()) {
		l := s.leases.first()
		if l.e.pending != nil {
			s.leases.remove(l) // calmLocked lists it again
		} else if dead(s.latest, l.e.version().expires) {
			s.freedLocked(l.e, s.latest)
		} else {
			s.endLocked(l, leaseLost, nil)
		}
	}
	s.busy = true
}

// endAllLocked ends what waits for a lease, because the store closes. The leases
// stay on their entries, for the snapshot.
func (s *Store[K, V]) endAllLocked(err error) {
	for e := range s.table.locked {
		l := e.lease
		if l.done != nil {
			close(l.done)
			l.done = nil
			s.watchLocked(-1)
		}
		for w := l.nextWaiter(); w != nil; w = l.nextWaiter() {
			s.serveLocked(w, nil, err)
		}
	}
}

// nextWaiter takes the first waiter out of the queue; nil = there is none.
func (l *Lease[K, V]) nextWaiter() *waiter[K, V] {
	if l.waiters == nil || l.waiters.Len() == 0 {
		return nil
	}
	return l.waiters.Remove(l.waiters.Front()).(*waiter[K, V])
}
