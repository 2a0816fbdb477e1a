package store_test

import (
	"context"
	"errors"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/persist"
	"github.com/latchkey-go/latchkey/store"
	"github.com/latchkey-go/latchkey/storetest"
)

func shared(t testing.TB, o store.Options[string, int]) (store.Shared[string, int], *storetest.Clock) {
	s, clock := fake(t, o)
	return s.Shared(), clock
}

// sharedCalls are the calls of a Shared, and of a lease on key "a" of it.
func sharedCalls(s store.Shared[string, int], l store.SharedLease[string, int]) map[string]func(ctx context.Context) error {
	unused := func(int, bool) (int, error) { panic("called") }
	return map[string]func(ctx context.Context) error{
		"Get":           func(ctx context.Context) error { _, err := s.Get(ctx, "a"); return err },
		"Peek":          func(ctx context.Context) error { _, err := s.Peek(ctx, "a"); return err },
		"Entry":         func(ctx context.Context) error { _, err := s.Entry(ctx, "a"); return err },
		"Set":           func(ctx context.Context) error { return s.Set(ctx, "a", 2) },
		"SetWithTTL":    func(ctx context.Context) error { return s.SetWithTTL(ctx, "a", 2, time.Hour) },
		"SetIfAbsent":   func(ctx context.Context) error { _, err := s.SetIfAbsent(ctx, "b", 2); return err },
		"CompareAndSet": func(ctx context.Context) error { return s.CompareAndSet(ctx, "a", 1, 2) },
		"Update":        func(ctx context.Context) error { _, err := s.Update(ctx, "a", unused); return err },
		"Touch":         func(ctx context.Context) error { return s.Touch(ctx, "a") },
		"Delete":        func(ctx context.Context) error { return s.Delete(ctx, "a") },
		"TryLock":       func(ctx context.Context) error { _, err := s.TryLock(ctx, "a", 0); return err },
		"Lock":          func(ctx context.Context) error { _, err := s.Lock(ctx, "a", 0); return err },
		"Resume":        func(ctx context.Context) error { _, err := s.Resume(ctx, "a", l.Fence()); return err },
		"ForceUnlock":   func(ctx context.Context) error { _, err := s.ForceUnlock(ctx, "a"); return err },
		"Len":           func(ctx context.Context) error { _, err := s.Len(ctx); return err },
		"All": func(ctx context.Context) error {
			for _, err := range s.All(ctx) {
				return err
			}
			return nil
		},
		"Lease.Get":        func(ctx context.Context) error { _, err := l.Get(ctx); return err },
		"Lease.Set":        func(ctx context.Context) error { return l.Set(ctx, 2) },
		"Lease.SetWithTTL": func(ctx context.Context) error { return l.SetWithTTL(ctx, 2, time.Hour) },
		"Lease.Delete":     func(ctx context.Context) error { return l.Delete(ctx) },
		"Lease.Extend":     func(ctx context.Context) error { return l.Extend(ctx, 0) },
		"Lease.Unlock":     func(ctx context.Context) error { return l.Unlock(ctx) },
	}
}

// A call whose context has ended does nothing but to say so.
func TestSharedContextHasEnded(t *testing.T) {
	s, _ := shared(t, store.Options[string, int]{})
	live := t.Context()
	require.NoError(t, s.Set(live, "a", 1))
	l, err := s.TryLock(live, "a", 0)
	require.NoError(t, err)
	ended, cancel := context.WithCancel(live)
	cancel()
	for name, call := range sharedCalls(s, l) {
		require.Equal(t, context.Canceled, call(ended), name)
	}
	value, err := l.Get(live)
	require.NoError(t, err)
	require.Equal(t, 1, value)
	n, err := s.Len(live)
	require.NoError(t, err)
	require.Equal(t, 1, n)
}

func TestSharedClosed(t *testing.T) {
	s, _ := shared(t, store.Options[string, int]{})
	ctx := t.Context()
	require.NoError(t, s.Set(ctx, "a", 1))
	l, err := s.TryLock(ctx, "a", 0)
	require.NoError(t, err)
	require.NoError(t, s.Close())
	for name, call := range sharedCalls(s, l) {
		require.Equal(t, store.ErrClosed, call(ctx), name)
	}
	require.NoError(t, s.Close())
	require.True(t, closed(l.Done()))
	require.Equal(t, "a", l.Key())
}

// A lease that was not granted is nil, and not a pointer to nothing.
func TestSharedWithoutLease(t *testing.T) {
	s, _ := shared(t, store.Options[string, int]{})
	ctx := t.Context()
	for name, lock := range map[string]func() (store.SharedLease[string, int], error){
		"TryLock": func() (store.SharedLease[string, int], error) { return s.TryLock(ctx, "a", 0) },
		"Lock":    func() (store.SharedLease[string, int], error) { return s.Lock(ctx, "a", 0) },
		"Resume":  func() (store.SharedLease[string, int], error) { return s.Resume(ctx, "a", 1) },
	} {
		l, err := lock()
		require.Equal(t, store.ErrNotFound, err, name)
		require.True(t, l == nil, name)
	}
	_, err := s.Peek(ctx, "a")
	require.Equal(t, store.ErrNotFound, err)
	unlocked, err := s.ForceUnlock(ctx, "a")
	require.NoError(t, err)
	require.False(t, unlocked)
}

// A context that ends while Update is at it changes nothing.
func TestSharedUpdateEnds(t *testing.T) {
	s, _ := shared(t, store.Options[string, int]{})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	runs := 0
	_, err := s.Update(ctx, "a", func(old int, _ bool) (int, error) {
		runs++
		require.NoError(t, s.Set(ctx, "a", 1)) // so that it would run again
		cancel()
		return old + 1, nil
	})
	require.Equal(t, context.Canceled, err)
	require.Equal(t, 1, runs)
	value, err := s.Peek(t.Context(), "a")
	require.NoError(t, err)
	require.Equal(t, 1, value)
}

func TestSharedAll(t *testing.T) {
	s, clock := shared(t, store.Options[string, int]{TTL: time.Minute})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for key, value := range map[string]int{"a": 1, "b": 2, "c": 3} {
		require.NoError(t, s.Set(ctx, key, value))
	}
	require.NoError(t, s.SetWithTTL(ctx, "dead", 4, time.Second))
	clock.Advance(time.Second)
	_, err := s.TryLock(ctx, "b", 0)
	require.NoError(t, err)
	got := map[string]int{}
	for e, err := range s.All(ctx) {
		require.NoError(t, err)
		got[e.Key] = e.Value
		require.Equal(t, uint64(1), e.Metadata.Revision)
		require.Equal(t, e.Key == "b", e.Metadata.Status == store.Locked)
	}
	require.Equal(t, map[string]int{"a": 1, "b": 2, "c": 3}, got)

	var errs []error
	for _, err := range s.All(ctx) {
		cancel()
		errs = append(errs, err)
	}
	require.Equal(t, []error{nil, context.Canceled}, errs, "it ends in the middle")
}

// What ends the loop over a store is not taken for its end.
func TestSharedAllClosed(t *testing.T) {
	const many = 200 // more than are read at once
	o := store.Options[int, int]{}
	s := open(t, o)
	for key := range many {
		require.NoError(t, s.Set(key, key))
	}
	var last error
	n := 0
	for _, err := range s.Shared().All(t.Context()) {
		require.NoError(t, s.Close())
		n, last = n+1, err
	}
	require.Equal(t, store.ErrClosed, last)
	require.Less(t, n, many)
}

// A value that can't be decoded fails its own entry, and the loop goes on.
func TestSharedAllUndecodable(t *testing.T) {
	const many = 2000 // New decodes every other value
	codec := &hooked{}
	o := store.Options[int, int]{Capacity: many, Persist: persist.Config{Dir: folder(t), Codec: codec}}
	s := open(t, o)
	for key := range many {
		require.NoError(t, s.Set(key, key))
	}
	require.NoError(t, s.Close())
	s = open(t, o)
	codec.unmarshal = func([]byte) error { return errUnlucky }
	failed, keys := 0, map[int]bool{}
	for e, err := range s.Shared().All(t.Context()) {
		keys[e.Key] = true
		if err != nil {
			require.ErrorIs(t, err, errUnlucky)
			require.Equal(t, store.Entry[int, int]{Key: e.Key}, e)
			failed++
		}
	}
	require.Len(t, keys, many)
	require.Equal(t, many-1000, failed)
}

// A disk that fails keeps a lease on its entry, and ForceUnlock tells.
func TestSharedForceUnlockFails(t *testing.T) {
	disk := storetest.NewDisk()
	s, _ := shared(t, store.Options[string, int]{Persist: persist.Config{Dir: "/data", FS: disk, Sync: persist.Always}})
	ctx := t.Context()
	require.NoError(t, s.Set(ctx, "a", 1))
	_, err := s.TryLock(ctx, "a", 0)
	require.NoError(t, err)
	disk.Fail(syscall.EIO)
	unlocked, err := s.ForceUnlock(ctx, "a")
	require.ErrorIs(t, err, syscall.EIO)
	require.False(t, unlocked)
	_, err = s.ForceUnlock(ctx, "a")
	require.ErrorIs(t, err, store.ErrReadOnly)
	disk.Fail(nil)
}

// The same calls cost no more allocations through a Shared.
func TestSharedAllocations(t *testing.T) {
	s := open(t, store.Options[string, int]{})
	a, ctx := s.Shared(), t.Context()
	require.NoError(t, s.Set("a", 1))
	var err error
	for name, pair := range map[string][2]func(){
		"Get":    {func() { _, err = s.Get("a") }, func() { _, err = a.Get(ctx, "a") }},
		"miss":   {func() { _, err = s.Get("b") }, func() { _, err = a.Get(ctx, "b") }},
		"Peek":   {func() { s.Peek("a") }, func() { _, err = a.Peek(ctx, "a") }},
		"Set":    {func() { err = s.Set("a", 2) }, func() { err = a.Set(ctx, "a", 2) }},
		"Shared": {func() {}, func() { a = s.Shared() }},
		"TryLock": {
			func() { l, e := s.TryLock("a", 0); err = errors.Join(e, l.Unlock()) },
			func() { l, e := a.TryLock(ctx, "a", 0); err = errors.Join(e, l.Unlock(ctx)) },
		},
	} {
		require.LessOrEqual(t, testing.AllocsPerRun(100, pair[1]), testing.AllocsPerRun(100, pair[0]), name)
	}
	_ = err
}
