package store

import (
	"context"
	"iter"
	"time"
)

// Shared returns the store as a [Shared], for code that is to run on another
// engine too. They are one client: to close either is to close both.
//
// A change waits for the disk, where the store has one, whether its ctx ends or
// not. Fences rise over all keys, and waiters are served in the order in which
// they came.
func (s *Store[K, V]) Shared() Shared[K, V] { return shared[K, V]{s} }

// shared is a pointer in a struct, as is sharedLease: an interface holds these
// without an allocation.
type shared[K comparable, V any] struct{ s *Store[K, V] }

// MaxLease returns Options.MaxLease.
func (a shared[K, V]) MaxLease() time.Duration { return a.s.o.MaxLease }

func (a shared[K, V]) Get(ctx context.Context, key K) (value V, err error) {
	if err := ctx.Err(); err != nil {
		return value, err
	}
	return a.s.Get(key)
}

func (a shared[K, V]) Peek(ctx context.Context, key K) (value V, err error) {
	if err := ctx.Err(); err != nil {
		return value, err
	}
	return a.s.peek(key)
}

func (a shared[K, V]) Entry(ctx context.Context, key K) (found Entry[K, V], err error) {
	if err := ctx.Err(); err != nil {
		return found, err
	}
	return a.s.Entry(key)
}

func (a shared[K, V]) Set(ctx context.Context, key K, value V) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return a.s.Set(key, value)
}

func (a shared[K, V]) SetWithTTL(ctx context.Context, key K, value V, ttl time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return a.s.SetWithTTL(key, value, ttl)
}

func (a shared[K, V]) SetIfAbsent(ctx context.Context, key K, value V) (stored bool, err error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	return a.s.SetIfAbsent(key, value)
}

func (a shared[K, V]) CompareAndSet(ctx context.Context, key K, revision uint64, value V) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return a.s.CompareAndSet(key, revision, value)
}

func (a shared[K, V]) Update(ctx context.Context, key K, f func(old V, found bool) (V, error)) (value V, err error) {
	if err := ctx.Err(); err != nil {
		return value, err
	}
	return a.s.Update(key, func(old V, found bool) (none V, err error) {
		if err := ctx.Err(); err != nil {
			return none, err
		}
		return f(old, found)
	})
}

func (a shared[K, V]) Touch(ctx context.Context, key K) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return a.s.Touch(key)
}

func (a shared[K, V]) Delete(ctx context.Context, key K) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return a.s.Delete(key)
}

func (a shared[K, V]) TryLock(ctx context.Context, key K, d time.Duration) (SharedLease[K, V], error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return orNil(a.s.TryLock(key, d))
}

func (a shared[K, V]) Lock(ctx context.Context, key K, d time.Duration) (SharedLease[K, V], error) {
	return orNil(a.s.Lock(ctx, key, d)) // which looks at ctx itself
}

func (a shared[K, V]) Resume(ctx context.Context, key K, fence uint64) (SharedLease[K, V], error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return orNil(a.s.Resume(key, fence))
}

// orNil returns no lease as a nil interface.
func orNil[K comparable, V any](l *Lease[K, V], err error) (SharedLease[K, V], error) {
	if l == nil {
		return nil, err
	}
	return sharedLease[K, V]{l}, err
}

func (a shared[K, V]) ForceUnlock(ctx context.Context, key K) (unlocked bool, err error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	if err = a.s.forceUnlock(key); err == ErrNotFound {
		return false, nil
	}
	return err == nil, err
}

func (a shared[K, V]) All(ctx context.Context) iter.Seq2[Entry[K, V], error] {
	return func(yield func(Entry[K, V], error) bool) {
		if err := ctx.Err(); err != nil {
			yield(Entry[K, V]{}, err)
			return
		}
		for e, err := range a.s.entries() {
			if !yield(e, err) {
				return
			}
			if err := ctx.Err(); err != nil {
				yield(Entry[K, V]{}, err)
				return
			}
		}
	}
}

func (a shared[K, V]) Len(ctx context.Context) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	return a.s.countLive(false)
}

func (a shared[K, V]) Close() error { return a.s.Close() }

// sharedLease is a Lease as a SharedLease.
type sharedLease[K comparable, V any] struct{ l *Lease[K, V] }

func (a sharedLease[K, V]) Key() K                { return a.l.Key() }
func (a sharedLease[K, V]) Fence() uint64         { return a.l.Fence() }
func (a sharedLease[K, V]) Deadline() time.Time   { return a.l.Deadline() }
func (a sharedLease[K, V]) Done() <-chan struct{} { return a.l.Done() }

func (a sharedLease[K, V]) Get(ctx context.Context) (value V, err error) {
	if err := ctx.Err(); err != nil {
		return value, err
	}
	return a.l.Get()
}

func (a sharedLease[K, V]) Set(ctx context.Context, value V) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return a.l.Set(value)
}

func (a sharedLease[K, V]) SetWithTTL(ctx context.Context, value V, ttl time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return a.l.SetWithTTL(value, ttl)
}

func (a sharedLease[K, V]) Delete(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return a.l.Delete()
}

func (a sharedLease[K, V]) Extend(ctx context.Context, d time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return a.l.Extend(d)
}

func (a sharedLease[K, V]) Unlock(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return a.l.Unlock()
}
