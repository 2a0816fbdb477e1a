package store

import "time"

// Key returns the key that is locked.
func (l *Lease[K, V]) Key() K { return l.key }

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
func (l *Lease[K, V]) Get() (value V, err error) {
	err = l.s.attemptRead(func(now instant) (*batch[K, V], *entry[K, V], error) {
		if b, err := l.heldLocked(now); err != nil {
			return b, nil, err
		}
		if l.e.packed {
			return nil, l.e, nil
		}
		l.s.stats.Hits++
		l.s.readingLocked(l.e, now)
		value = l.e.version().value
		return nil, nil, nil
	})
	return value, err
}

// Set replaces the value: the next revision, and an access. The entry's own
// TTL starts anew.
//
// Errors: [ErrLeaseLost], in which case nothing is written, [ErrFull] for a value too
// heavy, [ErrReadOnly], [ErrClosed], and in a store with a folder the codec's on this value and those
// of the disk.
func (l *Lease[K, V]) Set(value V) error { return l.write(value, keepTTL) }

// SetWithTTL is [Lease.Set] with another TTL for the entry from now on: more than
// 0, at most [MaxDuration], or [NoExpiry].
func (l *Lease[K, V]) SetWithTTL(value V, ttl time.Duration) error {
	if err := checkTTL(ttl); err != nil {
		return err
	}
	return l.write(value, ttl)
}

func (l *Lease[K, V]) write(value V, ttl time.Duration) error {
	w, err := l.s.newWriting(l.key, value, ttl)
	if err != nil {
		return err
	}
	defer l.s.giveBack(&w)
	return l.change(func(now instant) (*batch[K, V], error) {
		if err := w.data.fits(l.e.data); err != nil {
			return nil, err
		}
		if b, err := l.s.lightenLocked(l.e, &w, now); err != nil {
			return b, err
		}
		return l.s.doLocked(l.s.overwriting(l.e, &w, now))
	})
}

// Delete removes the entry and so ends the lease: those who wait for it get
// [ErrNotFound].
//
// Errors: [ErrLeaseLost], [ErrReadOnly], [ErrClosed], and in a store with a
// journal those of the disk.
func (l *Lease[K, V]) Delete() error {
	return l.change(func(now instant) (*batch[K, V], error) {
		return l.s.doLocked(change[K, V]{kind: changeRemove, at: now, e: l.e, reason: ReasonDeleted, lease: l})
	})
}

// Extend moves the deadline to d from now; 0 = Options.MaxLease, the longest
// there is.
//
// Errors: [ErrLeaseLost], [ErrReadOnly], [ErrClosed], a d below 0 or above
// MaxLease, and in a store with a journal those of the disk.
func (l *Lease[K, V]) Extend(d time.Duration) error {
	d, err := l.s.leaseTime(d)
	if err != nil {
		return err
	}
	return l.change(func(now instant) (*batch[K, V], error) {
		return l.s.doLocked(change[K, V]{kind: changeExtend, at: now, e: l.e, lease: l, until: now.after(d)})
	})
}

// Unlock ends the lease and serves the next waiter. After the holder's own
// Unlock or Delete it does nothing and returns nil, so that it can be deferred.
//
// Errors: [ErrLeaseLost] if the lease ended in another way, [ErrReadOnly],
// [ErrClosed], and in a store with a journal those of the disk.
func (l *Lease[K, V]) Unlock() error {
	err := l.change(func(now instant) (*batch[K, V], error) {
		return l.s.doLocked(change[K, V]{kind: changeUnlock, at: now, e: l.e, lease: l, how: leaseReleased})
	})
	if err == ErrLeaseLost && l.released() {
		return nil
	}
	return err
}

func (l *Lease[K, V]) released() bool {
	l.s.mu.Lock()
	defer l.s.mu.Unlock()
	return l.end == leaseReleased
}

// change does what changes the entry, if the caller still is the holder.
func (l *Lease[K, V]) change(f func(now instant) (*batch[K, V], error)) error {
	return l.s.attempt(func(now instant) (*batch[K, V], error) {
		if b, err := l.heldLocked(now); err != nil {
			return b, err
		}
		if b := l.s.pendingLocked(l.key, l.e); b != nil {
			return b, errAgain
		}
		return f(now)
	})
}

// heldLocked returns an error unless the lease is held; errAgain if that is known
// only after the batch that comes with it.
func (l *Lease[K, V]) heldLocked(now instant) (*batch[K, V], error) {
	switch {
	case l.end != leaseHeld:
		return nil, ErrLeaseLost
	case dead(now, l.over()): // it would have been settled, were nothing pending
		return l.e.pending, errAgain
	}
	return nil, nil
}
