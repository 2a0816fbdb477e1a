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
	fence uint64

	// The store's mu guards these.
	until   instant
	end     leaseEnd
	index   int           // in Store.leases; -1 once over
	done    chan struct{} // closed when over; nil until somebody asks
	waiters *list.List    // of *waiter, in order of arrival; nil = none yet
}

type leaseEnd int

const (
	leaseHeld     leaseEnd = 0
	leaseReleased leaseEnd = 1 // by its holder
	leaseLost     leaseEnd = 2
)

// waiter is a caller in Lock. mu guards lease and err until ready is closed.
type waiter[K comparable, V any] struct {
	d     time.Duration
	ready chan struct{}
	lease *Lease[K, V] // what it got
	err   error        // or why not
}

func (l *Lease[K, V]) place() *int { return &l.index }

// over returns when the lease ends by itself: at its deadline, or when the
// entry's TTL does.
func (l *Lease[K, V]) over() instant { return min(l.until, l.e.expires) }

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
// removed get [ErrNotFound].
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

func (s *Store[K, V]) lockOrQueue(key K, d time.Duration, wait bool) (*Lease[K, V], queued[K, V], error) {
	var q queued[K, V]
	d, err := s.leaseTime(d)
	if err != nil {
		return nil, q, err
	}
	now, err := s.enterFor(key)
	if err != nil {
		return nil, q, err
	}
	defer s.leave()
	e := s.liveLocked(key, now)
	if e == nil {
		return nil, q, ErrNotFound
	}
	if e.lease == nil {
		l, err := s.grantLocked(e, d, nil)
		return l, q, err
	}
	if !wait {
		s.stats.Refusals++
		return nil, q, ErrLocked
	}
	if e.lease.waiters == nil {
		e.lease.waiters = list.New()
	}
	w := &waiter[K, V]{d: d, ready: make(chan struct{})}
	q = queued[K, V]{e, e.lease.waiters.PushBack(w), w}
	s.stats.Waiting++
	s.watchLocked(1)
	return nil, q, nil
}

// leaveQueue takes a waiter out whose context has ended, unless it has just
// been served.
func (s *Store[K, V]) leaveQueue(q queued[K, V], err error) {
	s.mu.Lock()
	defer s.leave()
	select {
	case <-q.waiter.ready:
		return
	default:
	}
	q.e.lease.waiters.Remove(q.element)
	s.serveLocked(q.waiter, nil, err)
}

// Resume takes up the lease on key that has the fence given: after a restart of
// the store, or where only the number could be passed on. It is the same lease
// for all who have it.
//
// Errors: [ErrNotFound], [ErrLeaseLost] if there is no such lease any more,
// [ErrInvalidKey], [ErrClosed].
func (s *Store[K, V]) Resume(key K, fence uint64) (*Lease[K, V], error) {
	now, err := s.enterFor(key)
	if err != nil {
		return nil, err
	}
	defer s.leave()
	e := s.liveLocked(key, now)
	if e == nil {
		return nil, ErrNotFound
	}
	if e.lease == nil || e.lease.fence != fence {
		return nil, ErrLeaseLost
	}
	return e.lease, nil
}

// ForceUnlock takes the lease on key away from its holder, who gets
// [ErrLeaseLost] from then on, and reports whether there was one. The next
// waiter is served. It is meant for operators.
func (s *Store[K, V]) ForceUnlock(key K) bool {
	now, err := s.enterFor(key)
	if err != nil {
		return false
	}
	defer s.leave()
	e := s.liveLocked(key, now)
	if e == nil || e.lease == nil {
		return false
	}
	s.endLocked(e.lease, leaseLost, nil)
	return true
}

// leaseTime returns the length of a lease when d was asked for.
func (s *Store[K, V]) leaseTime(d time.Duration) (time.Duration, error) {
	if d < 0 || d > s.o.MaxLease {
		return 0, fmt.Errorf("store: a lease of %v; it must be between 0 and MaxLease, %v", d, s.o.MaxLease)
	}
	return orDefault(d, s.o.MaxLease), nil
}

// grantLocked gives e, which has no lease or one that has just ended, to a new
// holder with those who wait behind it.
func (s *Store[K, V]) grantLocked(e *entry[K, V], d time.Duration, waiters *list.List) (*Lease[K, V], error) {
	if s.fence >= s.maxFence {
		return nil, errOutOfFence
	}
	s.touchLocked(e)
	s.fence++
	l := &Lease[K, V]{s: s, e: e, fence: s.fence, until: s.latest.after(d), index: -1, waiters: waiters}
	s.table.lock(e, l)
	s.leases.set(l, l.over())
	e.fence = l.fence
	s.changedLocked(s.latest)
	s.busy = true
	return l, nil
}

// endLocked ends a lease. The next in the queue gets the entry, or, if err is
// not nil, all of them get that. If nobody gets it, it is unlocked, which counts
// as an access.
func (s *Store[K, V]) endLocked(l *Lease[K, V], how leaseEnd, err error) {
	e := l.e
	s.touchLocked(e)
	l.end = how
	s.leases.remove(l)
	if l.done != nil {
		close(l.done)
		s.watchLocked(-1)
	}
	s.changedLocked(s.latest)
	for l.waiters != nil && l.waiters.Len() > 0 {
		w := l.waiters.Remove(l.waiters.Front()).(*waiter[K, V])
		if err != nil {
			s.serveLocked(w, nil, err)
			continue
		}
		next, refused := s.grantLocked(e, w.d, l.waiters)
		s.serveLocked(w, next, refused)
		if refused == nil {
			return
		}
	}
	if err == nil {
		s.table.unlock(e)
		s.useLocked(e, min(l.until, s.latest))
		s.expiresLocked(e)
	}
}

// serveLocked tells a waiter, who has left the queue, how it went.
func (s *Store[K, V]) serveLocked(w *waiter[K, V], l *Lease[K, V], err error) {
	w.lease, w.err = l, err
	close(w.ready)
	s.stats.Waiting--
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
		if dead(s.latest, l.e.expires) {
			s.removeLocked(l.e, ReasonExpired)
		} else {
			s.endLocked(l, leaseLost, nil)
		}
	}
	s.busy = true
}

// endAllLocked ends what waits for a lease, because the store closes. The leases
// stay on their entries, for the snapshot.
func (s *Store[K, V]) endAllLocked(err error) {
	for _, e := range s.table.locked {
		l := e.lease
		if l.done != nil {
			close(l.done)
			l.done = nil
			s.watchLocked(-1)
		}
		for l.waiters != nil && l.waiters.Len() > 0 {
			s.serveLocked(l.waiters.Remove(l.waiters.Front()).(*waiter[K, V]), nil, err)
		}
	}
}
