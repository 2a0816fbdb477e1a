package store_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/store"
)

// soon fails the test if f takes as long as only a deadlock does.
func soon(t *testing.T, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		t.Fatal("this does not end")
	}
	if t.Failed() {
		t.FailNow()
	}
}

// overwrites are all ways to write to a key that is there, but for a lease's.
var overwrites = map[string]func(s *store.Store[string, int], key string, value int) error{
	"Set": (*store.Store[string, int]).Set,
	"SetWithTTL": func(s *store.Store[string, int], key string, value int) error {
		return s.SetWithTTL(key, value, store.NoExpiry)
	},
	"CompareAndSet": func(s *store.Store[string, int], key string, value int) error {
		m, _ := s.Metadata(key)
		return s.CompareAndSet(key, m.Revision, value)
	},
	"Update": func(s *store.Store[string, int], key string, value int) error {
		_, err := s.Update(key, func(int, bool) (int, error) { return value, nil })
		return err
	},
}

// What took a lock that it held already must not do so for a callback either.
func TestOriginal1DeadlocksInOnRemove(t *testing.T) {
	var s *store.Store[string, int]
	told := 0
	s, clock := fake(t, options{Capacity: 2, TTL: time.Minute, SweepInterval: time.Minute, OnRemove: func(removed) {
		s.Len()
		_, _ = s.Get("a")
		told++
	}})
	soon(t, func() {
		set(t, s, "a", "b", "c")
		require.Equal(t, 1, told, "inserting at capacity")
		clock.Advance(time.Minute)
		_, err := s.Get("b")
		require.ErrorIs(t, err, store.ErrNotFound)
		clock.Advance(time.Minute)
		require.Equal(t, 3, told, "the sweep")
	})
}

func TestOriginal2OverwritingEvictsNothingInAnyWay(t *testing.T) {
	for name, overwrite := range overwrites {
		t.Run(name, func(t *testing.T) {
			s, _ := fake(t, options{Capacity: 3})
			set(t, s, "a", "b", "c")
			lock(t, s, "b")
			require.NoError(t, overwrite(s, "c", 4))
			require.NoError(t, overwrite(s, "a", 5))
			require.Equal(t, map[string]int{"a": 5, "b": 2, "c": 4}, content(s))
			lock(t, s, "c")
			require.NoError(t, overwrite(s, "a", 6), "all others are locked")
		})
	}
	t.Run("Lease.Set", func(t *testing.T) {
		s, _ := fake(t, options{Capacity: 2})
		set(t, s, "a", "b")
		require.NoError(t, lock(t, s, "b").Set(3))
		require.Equal(t, map[string]int{"a": 1, "b": 3}, content(s))
	})
}

// Whatever others try on a locked key, the lock and the value stay.
func TestOriginal3LocksInAnyWay(t *testing.T) {
	refused := map[string]func(s *store.Store[string, int], key string, value int) error{
		"Get":    func(s *store.Store[string, int], key string, _ int) error { _, err := s.Get(key); return err },
		"Entry":  func(s *store.Store[string, int], key string, _ int) error { _, err := s.Entry(key); return err },
		"Touch":  func(s *store.Store[string, int], key string, _ int) error { return s.Touch(key) },
		"Delete": func(s *store.Store[string, int], key string, _ int) error { return s.Delete(key) },
		"SetIfAbsent": func(s *store.Store[string, int], key string, value int) error {
			_, err := s.SetIfAbsent(key, value)
			return err
		},
		"TryLock": func(s *store.Store[string, int], key string, _ int) error { _, err := s.TryLock(key, 0); return err },
	}
	for name, overwrite := range overwrites {
		refused[name] = overwrite
	}
	for name, try := range refused {
		t.Run(name, func(t *testing.T) {
			s, _ := fake(t, options{})
			set(t, s, "k")
			l := lock(t, s, "k")
			before, _ := s.Metadata("k")
			require.Same(t, store.ErrLocked, try(s, "k", 9))
			after, _ := s.Metadata("k")
			require.Equal(t, before, after)
			value, err := l.Get()
			require.NoError(t, err)
			require.Equal(t, 1, value)
		})
	}
	t.Run("eviction, when all are locked", func(t *testing.T) {
		s, _ := fake(t, options{Capacity: 2})
		set(t, s, "a", "b")
		lock(t, s, "a")
		lock(t, s, "b")
		require.Same(t, store.ErrFull, s.Set("c", 3))
		_, err := s.Resize(1)
		require.ErrorIs(t, err, store.ErrFull)
		require.Equal(t, map[string]int{"a": 1, "b": 2}, content(s))
	})
	t.Run("unlocking by one who lost it", func(t *testing.T) {
		s, _ := fake(t, options{})
		set(t, s, "k")
		lost := lock(t, s, "k")
		require.True(t, s.ForceUnlock("k"))
		l := lock(t, s, "k")
		require.Same(t, store.ErrLeaseLost, lost.Unlock())
		_, err := s.Resume("k", lost.Fence())
		require.Same(t, store.ErrLeaseLost, err)
		require.NoError(t, l.Set(2))
	})
}
