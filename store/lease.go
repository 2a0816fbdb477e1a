package store

import "time"

// Key returns the key that is locked.
func (l *Lease[K, V]) Key() K { return l.e.key }

// Fence returns the lease's number: higher than that of every lease before it
// on any key of this store, restarts included. Give it to what the holder
// writes to outside the store, which can then refuse a holder that is late.
func (l *Lease[K, V]) Fence() uint64 { return l.fence }

// Deadline returns when the lease ends unless it is extended. The entry's TTL
// may end it sooner.
func (l *Lease[K, V]) Deadline() time.Time {
	l.s.mu.Lock()
	defer l.s.mu.Unlock()
	return l.s.time(l.until)
}

// Done returns a channel that is closed when the lease is over, for whatever
// reason, or the store is closed.
func (l *Lease[K, V]) Done() <-chan struct{} {
	if _, err := l.s.enter(); err != nil {
		over := make(chan struct{})
		close(over)
		return over
	}
	defer l.s.leave()
	if l.done == nil {
		l.done = make(chan struct{})
		if l.end == leaseHeld {
			l.s.watchLocked(1)
		} else {
			close(l.done)
		}
	}
	return l.done
}

// Get returns the value. It counts as an access.
//
// Errors: [ErrLeaseLost], [ErrClosed].
func (l *Lease[K, V]) Get() (V, error) {
	var none V
	now, err := l.enter()
	if err != nil {
		return none, err
	}
	defer l.s.leave()
	l.s.stats.Hits++
	l.s.useLocked(l.e, now)
	l.e.accesses++
	return l.e.value, nil
}

// Set replaces the value: the next revision, and an access. The entry's own
// TTL starts anew.
//
// Errors: [ErrLeaseLost], in which case nothing is written, [ErrClosed], and in
// a store with a folder the codec's on this value.
func (l *Lease[K, V]) Set(value V) error {
	data, err := l.s.encode(l.e.key, value)
	if err != nil {
		return err
	}
	now, err := l.enter()
	if err != nil {
		return err
	}
	defer l.s.leave()
	l.s.overwriteLocked(l.e, value, data, keepTTL, now)
	return nil
}

// Delete removes the entry and so ends the lease: those who wait for it get
// [ErrNotFound].
//
// Errors: [ErrLeaseLost], [ErrClosed].
func (l *Lease[K, V]) Delete() error {
	if _, err := l.enter(); err != nil {
		return err
	}
	defer l.s.leave()
	l.s.removeLocked(l.e, ReasonDeleted)
	l.end = leaseReleased
	return nil
}

// Extend moves the deadline to d from now; 0 = Options.MaxLease, the longest
// there is.
//
// Errors: [ErrLeaseLost], [ErrClosed], a d below 0 or above MaxLease.
func (l *Lease[K, V]) Extend(d time.Duration) error {
	d, err := l.s.leaseTime(d)
	if err != nil {
		return err
	}
	now, err := l.enter()
	if err != nil {
		return err
	}
	defer l.s.leave()
	l.s.touchLocked(l.e)
	l.until = now.after(d)
	l.s.leases.set(l, l.over())
	l.s.changedLocked(now)
	l.s.busy = true
	return nil
}

// Unlock ends the lease and serves the next waiter. After the holder's own
// Unlock or Delete it does nothing and returns nil, so that it can be deferred.
//
// Errors: [ErrLeaseLost] if the lease ended in another way, [ErrClosed].
func (l *Lease[K, V]) Unlock() error {
	if _, err := l.s.enter(); err != nil {
		return err
	}
	defer l.s.leave()
	switch l.end {
	case leaseReleased:
		return nil
	case leaseLost:
		return ErrLeaseLost
	}
	l.s.endLocked(l, leaseReleased, nil)
	return nil
}

// enter begins an operation of the holder, if it still is the holder.
func (l *Lease[K, V]) enter() (instant, error) {
	now, err := l.s.enter()
	if err != nil {
		return 0, err
	}
	if l.end != leaseHeld {
		l.s.leave()
		return 0, ErrLeaseLost
	}
	return now, nil
}
