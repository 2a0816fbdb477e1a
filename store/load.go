package store

import (
	"context"
	"errors"
	"fmt"
	"runtime"
)

// Loader gets the value for a key from where it comes from: a database, say. An
// error of it reaches all who wait, and nothing is stored; [ErrNotFound], or one
// that wraps it, is for a key that has no value there.
//
// It runs in a goroutine of its own, outside every lock, and may use the store,
// but must not ask for its own key again, and must not call Close. Its ctx has the
// values of the first caller's, not its deadline: it ends when nobody waits any
// more, and when the store is closed.
type Loader[K comparable, V any] func(ctx context.Context, key K) (V, error)

// GetOrLoad is [Store.Get], and if there is no live entry, it calls load and stores
// what that returns, for the store's TTL. However many ask for a key at once, one
// load runs and all get what it returns. Each waits as long as its own ctx lasts;
// when the last has left, the load is cancelled and what it returns is dropped.
//
// Whoever writes, deletes or locks the key during the load wins over it: what was
// loaded is then not stored. Those who wait get the value that is in the store by
// then, or the loaded one if there is none; who asks later has it loaded anew, as
// soon as this load has ended or nobody waits for it any more.
//
// A value that can't be stored ([ErrFull], [ErrReadOnly], an error of the codec or
// the disk) is returned, with that error. If load panics or calls runtime.Goexit,
// so do all who wait, as with golang.org/x/sync/singleflight: the panic's value is
// a [*PanicError]. If nobody waits, a panic is contained and logged. One of the Weigher, of
// what was loaded, is as good as one of load.
//
// A hit does not look at ctx, and allocates nothing of its own. With
// Options.RefreshAfter it may start a load in the background; with
// Options.ErrorTTL a miss may get an error from before.
//
// Errors: those of Get but ErrNotFound, of load, of ctx, of storing.
func (s *Store[K, V]) GetOrLoad(ctx context.Context, key K, load Loader[K, V]) (V, error) {
	if s.o.RefreshAfter == 0 {
		value, err := s.Get(key)
		if err != ErrNotFound {
			return value, err
		}
		return s.loadMissing(ctx, key, load)
	}
	e, err := s.Entry(key)
	if err == ErrNotFound {
		return s.loadMissing(ctx, key, load)
	}
	// Reading it was an access: Accessed is the present.
	if err == nil && e.Metadata.Accessed.Sub(e.Metadata.Updated) >= s.o.RefreshAfter {
		s.refresh(ctx, key, load, e.Metadata)
	}
	return e.Value, err
}

// loadMissing waits for the value for a key that has none.
func (s *Store[K, V]) loadMissing(ctx context.Context, key K, load Loader[K, V]) (value V, err error) {
	promises, err := s.want(ctx, []K{key}, one(load))
	if err != nil {
		return value, err
	}
	o, err := s.await(ctx, promises[0])
	if err != nil {
		return value, err
	}
	return o.value, o.err
}

// bulk is a Loader for some keys at once. Those that it leaves out have no value.
type bulk[K comparable, V any] func(ctx context.Context, keys []K) (map[K]V, error)

// one makes a bulk of a Loader, for one key.
func one[K comparable, V any](load Loader[K, V]) bulk[K, V] {
	return func(ctx context.Context, keys []K) (map[K]V, error) {
		value, err := load(ctx, keys[0])
		if err != nil {
			return nil, err
		}
		return map[K]V{keys[0]: value}, nil
	}
}

// want returns a promise for each of the keys, and starts a load for those that
// nobody else is loading.
func (s *Store[K, V]) want(ctx context.Context, keys []K, load bulk[K, V]) ([]*promise[K, V], error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	now, err := s.loadTime()
	if err != nil {
		return nil, err
	}
	promises, own, err := s.loads.join(ctx, keys, now)
	for _, l := range own {
		go s.run(l, load)
	}
	return promises, err
}

// loadTime returns the time if anything about loads depends on it.
func (s *Store[K, V]) loadTime() (now instant, err error) {
	if s.o.ErrorTTL == 0 && s.o.RefreshAfter == 0 {
		return 0, nil
	}
	if now, err = s.enter(); err == nil {
		s.leave()
	}
	return now, err
}

// await waits for a promise to be kept, as long as ctx lasts.
func (s *Store[K, V]) await(ctx context.Context, p *promise[K, V]) (*outcome[V], error) {
	defer s.loads.leave(p)
	select {
	case <-p.done:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	switch {
	case p.panicked != nil:
		panic(p.panicked)
	case p.exited:
		runtime.Goexit()
	}
	return &p.outcome, nil
}

// PanicError is what those who have waited for a load panic with if that has
// panicked. Its text leaves out the value, which may hold a key.
type PanicError struct {
	Value any    // what the load has panicked with
	Stack string // function, file and line of those who have called
}

// newPanicError is called by the deferred function that has recovered value.
func newPanicError(value any) *PanicError { return &PanicError{value, callers()} }

// Error tells the type of the value, and the stack.
func (e *PanicError) Error() string {
	return fmt.Sprintf("store: a load has panicked with a %T (see Value)\n\n%s", e.Value, e.Stack)
}

// Unwrap returns the value if it is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// isContextError reports whether a load has ended because its time was over.
func isContextError(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}
