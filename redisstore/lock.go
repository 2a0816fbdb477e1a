package redisstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/latchkey-go/latchkey/store"
)

// MaxLease returns the longest lease, Options.MaxLease.
func (s *Store[K, V]) MaxLease() time.Duration { return s.o.MaxLease }

// TryLock locks the live entry for key for d, of which 0 stands for
// Options.MaxLease, the longest there is. It does not wait for a lock.
//
// Errors: [store.ErrNotFound], [store.ErrLocked], a d below 0 or above MaxLease,
// and those of every operation that changes something. With [ErrUnproven], the lock
// is given back; after any other error there may be a lease that nobody has, until
// its deadline.
func (s *Store[K, V]) TryLock(ctx context.Context, key K, d time.Duration) (store.SharedLease[K, V], error) {
	name, d, err := s.beginLock(ctx, key, d)
	if err != nil {
		return nil, err
	}
	l, _, err := s.tryLock(ctx, key, name, d, "0")
	if err != nil {
		return nil, err
	}
	if l == nil {
		return nil, store.ErrLocked
	}
	return l, nil
}

// Lock is TryLock, but waits while somebody else holds a lease, without polling:
// the server tells when one is given back, and a lease that isn't is over at its
// deadline. Those who wait in this Store are served in the order in which they
// came; among several clients, whoever asks first gets it.
//
// Whoever waits for an entry that is removed gets [store.ErrNotFound], and
// [store.ErrClosed] when the Store is closed. Other errors are those of TryLock.
func (s *Store[K, V]) Lock(ctx context.Context, key K, d time.Duration) (store.SharedLease[K, V], error) {
	name, d, err := s.beginLock(ctx, key, d)
	if err != nil {
		return nil, err
	}
	q := s.hub.join(name)
	defer s.hub.leave(name, q)
	select {
	case q.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-s.hub.closing:
		return nil, store.ErrClosed
	}
	defer func() { <-q.turn }()
	tell := "0" // most locks are free: no need to be told when this one is
	for {
		select {
		case <-q.wake: // for what is looked at now anyway
		default:
		}
		l, left, err := s.tryLock(ctx, key, name, d, tell)
		if err != nil {
			return nil, err
		}
		if l != nil {
			return l, nil
		}
		if err := s.await(ctx, q, tell == "0", left); err != nil {
			return nil, err
		}
		tell = "1"
	}
}

// await waits until the lock may be free, or, to begin with, until it would be
// heard when it is.
func (s *core) await(ctx context.Context, q *queue, first bool, left time.Duration) error {
	heard := s.hub.subscribed()
	if !first {
		heard = nil
	}
	timer := time.NewTimer(left + time.Millisecond) // the clocks need not agree to the last
	defer timer.Stop()
	select {
	case <-q.wake:
	case <-heard:
	case <-timer.C:
	case <-ctx.Done():
		return ctx.Err()
	case <-s.hub.closing:
		return store.ErrClosed
	}
	return nil
}

func (s *Store[K, V]) beginLock(ctx context.Context, key K, d time.Duration) (string, time.Duration, error) {
	if err := s.begin(ctx); err != nil {
		return "", 0, err
	}
	d, err := s.leaseTime(d)
	if err != nil {
		return "", 0, err
	}
	name, err := s.name(key)
	return name, d, err
}

// leaseTime returns the length of a lease when d was asked for.
func (s *core) leaseTime(d time.Duration) (time.Duration, error) {
	if d < 0 || d > s.o.MaxLease {
		return 0, fmt.Errorf("redisstore: a lease of %v; it must be between 0 and MaxLease, %v", d, s.o.MaxLease)
	}
	return orDefault(d, s.o.MaxLease), nil
}

// tryLock asks the server for the lock. If somebody else has it, there is no lease
// and no error, but how long that can last.
func (s *Store[K, V]) tryLock(ctx context.Context, key K, name string, d time.Duration, tell string) (*lease[K, V], time.Duration, error) {
	asked := time.Now()
	message, err := s.run(ctx, scriptLock, name, number(micros(d)), tell)
	if err != nil && !applied(err) {
		if errors.Is(err, ErrUnknown) {
			s.noted(name, message, err)
		}
		return nil, 0, err
	}
	if message.IsInt64() {
		left, err := message.AsInt64()
		return nil, time.Duration(left) * time.Microsecond, err
	}
	l, leaseErr := s.newLease(key, name, asked, message)
	if leaseErr != nil {
		return nil, 0, leaseErr
	}
	if err != nil { // a failover could give the lock to somebody else
		giveBack, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.o.Timeout)
		defer cancel()
		_ = l.Unlock(giveBack) // at the latest it ends at its deadline
		return nil, 0, err
	}
	return l, 0, nil
}

// Resume takes up the lease on key with the fence given, which may have been
// granted to another client. All who have it are its holder.
//
// Errors: [store.ErrNotFound], [store.ErrLeaseLost] if there is no such lease any
// more, and those of every operation.
func (s *Store[K, V]) Resume(ctx context.Context, key K, fence uint64) (store.SharedLease[K, V], error) {
	name, err := s.beginWith(ctx, key)
	if err != nil {
		return nil, err
	}
	asked := time.Now()
	message, err := s.run(ctx, scriptResume, name, number(fence))
	if err != nil {
		return nil, err
	}
	l, err := s.newLease(key, name, asked, message)
	if err != nil {
		return nil, err
	}
	return l, nil
}

// ForceUnlock takes the lease on key away from its holder, who gets
// [store.ErrLeaseLost] from then on, and reports whether there was one. It is meant
// for operators.
//
// Errors: those of every operation that changes something.
func (s *Store[K, V]) ForceUnlock(ctx context.Context, key K) (unlocked bool, err error) {
	name, err := s.beginWith(ctx, key)
	if err != nil {
		return false, err
	}
	message, err := s.run(ctx, scriptForce, name, s.channel)
	if err != nil {
		return false, err
	}
	n, err := message.AsInt64()
	return n == 1, err
}
