package store_test

import (
	"maps"
	"slices"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/store"
	"github.com/latchkey-go/latchkey/storetest"
)

// The faults of the first version of this store, by their numbers in the design;
// each subtest is a clause. A deadlock shows as the test's timeout.

func TestOriginal1Deadlocks(t *testing.T) {
	t.Run("reading an expired key", func(t *testing.T) {
		s, clock := fake(t, store.Options[string, int]{TTL: time.Second})
		set(t, s, "k")
		clock.Advance(time.Second)
		_, err := s.Get("k")
		require.Equal(t, store.ErrNotFound, err)
		_, err = s.Entry("k")
		require.Equal(t, store.ErrNotFound, err)
		set(t, s, "k")
		require.True(t, s.Has("k"))
	})
	t.Run("inserting at capacity", func(t *testing.T) {
		s, _ := fake(t, store.Options[string, int]{Capacity: 2})
		set(t, s, "a", "b", "c")
		require.Equal(t, []string{"b", "c"}, has(s, "a", "b", "c"))
	})
	t.Run("the first sweep that finds something", func(t *testing.T) {
		var gone removals[string, int]
		s, clock := fake(t, store.Options[string, int]{TTL: time.Second, OnRemove: gone.add})
		set(t, s, "k")
		clock.Advance(time.Second + store.DefaultSweepInterval)
		require.Equal(t, []store.Removal[string, int]{{Key: "k", Value: 1, Reason: store.ReasonExpired}}, gone.take())
		require.Zero(t, s.Stats().Entries)
		set(t, s, "k")
	})
}

func TestOriginal2OverwritingEvictsNothing(t *testing.T) {
	s, _ := fake(t, store.Options[string, int]{Capacity: 2})
	set(t, s, "a", "b")
	for range 3 {
		set(t, s, "a", "b")
		require.NoError(t, s.CompareAndSet("a", mustRevision(t, s, "a"), 7))
	}
	require.Equal(t, []string{"a", "b"}, has(s, "a", "b"))
	require.Zero(t, s.Stats().Evicted)
}

func mustRevision(t *testing.T, s *store.Store[string, int], key string) uint64 {
	meta, ok := s.Metadata(key)
	require.True(t, ok)
	return meta.Revision
}

func TestOriginal3Locks(t *testing.T) {
	locked := func(t *testing.T, o store.Options[string, int]) (*store.Store[string, int], *storetest.Clock, *store.Lease[string, int]) {
		s, clock := fake(t, o)
		set(t, s, "k")
		return s, clock, lock(t, s, "k")
	}
	none := store.Options[string, int]{}
	t.Run("a second lock is refused", func(t *testing.T) {
		s, _, _ := locked(t, none)
		_, err := s.TryLock("k", 0)
		require.Equal(t, store.ErrLocked, err)
	})
	t.Run("a lock has one owner", func(t *testing.T) {
		s, _, first := locked(t, none)
		require.NoError(t, first.Unlock())
		second := lock(t, s, "k")
		require.NotEqual(t, first.Fence(), second.Fence())
		require.Equal(t, store.ErrLeaseLost, first.Set(7))
		require.NoError(t, first.Unlock(), "which does not unlock the second's")
		require.NoError(t, second.Set(8))
	})
	t.Run("the holder can read", func(t *testing.T) {
		_, _, l := locked(t, none)
		value, err := l.Get()
		require.NoError(t, err)
		require.Equal(t, 1, value)
	})
	t.Run("set neither works nor erases the lock", func(t *testing.T) {
		s, _, l := locked(t, none)
		require.Equal(t, store.ErrLocked, s.Set("k", 7))
		require.Equal(t, store.ErrLocked, s.Set("k", 7))
		require.NoError(t, l.Set(8))
	})
	t.Run("delete respects it", func(t *testing.T) {
		s, _, _ := locked(t, none)
		require.Equal(t, store.ErrLocked, s.Delete("k"))
		require.True(t, s.Has("k"))
	})
	t.Run("clear ends it, and the holder is told", func(t *testing.T) {
		s, _, l := locked(t, none)
		done := l.Done()
		require.NoError(t, s.Clear())
		require.True(t, closed(done))
		set(t, s, "k")
		require.Equal(t, store.ErrLeaseLost, l.Set(7))
	})
	t.Run("eviction respects it", func(t *testing.T) {
		s, _, _ := locked(t, store.Options[string, int]{Capacity: 2})
		set(t, s, "a", "b")
		require.Equal(t, []string{"k", "b"}, has(s, "k", "a", "b"))
	})
	t.Run("cleanup respects it", func(t *testing.T) {
		s, clock, l := locked(t, store.Options[string, int]{IdleTimeout: time.Second, SweepInterval: time.Second})
		clock.Advance(store.DefaultMaxLease - 1)
		require.NoError(t, l.Set(7))
		require.Equal(t, 1, s.Len())
	})
	t.Run("a lapsed lock does not show", func(t *testing.T) {
		s, clock, _ := locked(t, none)
		clock.Advance(store.DefaultMaxLease)
		status, _ := s.Status("k")
		require.Equal(t, store.Active, status)
		meta, _ := s.Metadata("k")
		require.Equal(t, store.Active, meta.Status)
		require.Zero(t, meta.LockedUntil)
		require.Zero(t, s.Stats().Locked)
		require.NoError(t, s.Set("k", 7))
	})
	t.Run("durations are checked", func(t *testing.T) {
		s, _ := fake(t, none)
		set(t, s, "k")
		for _, d := range []time.Duration{-1, store.DefaultMaxLease + 1} {
			_, err := s.TryLock("k", d)
			require.Error(t, err)
		}
		require.NoError(t, s.Set("k", 7))
	})
	t.Run("an expired entry can't be locked", func(t *testing.T) {
		s, clock := fake(t, store.Options[string, int]{TTL: time.Second})
		set(t, s, "k")
		clock.Advance(time.Second)
		_, err := s.TryLock("k", 0)
		require.Equal(t, store.ErrNotFound, err)
		_, err = s.Lock(t.Context(), "k", 0)
		require.Equal(t, store.ErrNotFound, err)
	})
}

func TestOriginal4Expiry(t *testing.T) {
	t.Run("a key's own TTL counts", func(t *testing.T) {
		s, clock := fake(t, store.Options[string, int]{TTL: time.Minute})
		require.NoError(t, s.SetWithTTL("short", 1, time.Second))
		require.NoError(t, s.SetWithTTL("long", 1, time.Hour))
		require.NoError(t, s.SetWithTTL("for ever", 1, store.NoExpiry))
		set(t, s, "default")
		all := []string{"short", "default", "long", "for ever"}
		require.Equal(t, all, has(s, all...))
		clock.Advance(time.Second)
		require.Equal(t, all[1:], has(s, all...))
		clock.Advance(time.Minute)
		require.Equal(t, all[2:], has(s, all...))
		clock.Advance(time.Hour)
		require.Equal(t, all[3:], has(s, all...))
		clock.Advance(store.MaxDuration)
		require.Equal(t, all[3:], has(s, all...))
	})
	t.Run("there is an idle timeout", func(t *testing.T) {
		s, clock := fake(t, store.Options[string, int]{IdleTimeout: time.Minute})
		set(t, s, "used", "touched", "peeked")
		for range 3 {
			clock.Advance(time.Minute - 1)
			_, err := s.Get("used")
			require.NoError(t, err)
			require.NoError(t, s.Touch("touched"))
			s.Peek("peeked")
		}
		require.Equal(t, []string{"used", "touched"}, has(s, "used", "touched", "peeked"))
	})
	t.Run("steps of the wall clock are not seen", testWallClockSteps)
	t.Run("Expired is reported", func(t *testing.T) {
		s, clock := fake(t, store.Options[string, int]{TTL: time.Second, SweepInterval: time.Hour})
		set(t, s, "k")
		require.Equal(t, 1, s.Len()) // a sweep: the next is an hour away
		clock.Advance(time.Second)
		status, ok := s.Status("k")
		require.True(t, ok)
		require.Equal(t, store.Expired, status)
		meta, ok := s.Metadata("k")
		require.True(t, ok)
		require.Equal(t, store.Expired, meta.Status)
		require.Equal(t, "Expired", meta.Status.String())
	})
	t.Run("Len and Keys agree", func(t *testing.T) {
		s, clock := fake(t, store.Options[string, int]{TTL: time.Minute})
		set(t, s, "a", "b")
		clock.Advance(time.Minute - 1)
		set(t, s, "c")
		clock.Advance(1)
		require.Equal(t, []string{"c"}, slices.Collect(s.Keys()))
		require.Equal(t, []int{1}, slices.Collect(s.Values()))
		require.Equal(t, 1, s.Len())
	})
	t.Run("there is one rule at the boundary", func(t *testing.T) {
		s, clock := fake(t, store.Options[string, int]{TTL: time.Minute, MaxLease: time.Minute, SweepInterval: time.Hour})
		set(t, s, "k")
		l := lock(t, s, "k")
		s.Len()
		clock.Advance(time.Minute - 1)
		require.True(t, s.Has("k"))
		require.NoError(t, l.Extend(0))
		clock.Advance(1) // now = deadline
		_, err := s.Get("k")
		require.Equal(t, store.ErrNotFound, err)
		require.False(t, s.Has("k"))
		require.Empty(t, maps.Collect(s.All()))
		require.Equal(t, store.ErrLeaseLost, l.Unlock())
		require.Zero(t, s.Len())
	})
}

// steppedClock stands still but for what is added to elapsed, and its wall clock
// can be stepped. Its readings are monotonic, as the system's.
type steppedClock struct {
	start       time.Time
	elapsed, by time.Duration
}

func (c *steppedClock) Now() time.Time {
	now := c.start.Add(c.elapsed)
	// Seconds of wall time stand above the 30 bits of nanoseconds. There is
	// no other way to have a time as it is after a step.
	*(*uint64)(unsafe.Pointer(&now)) += uint64(c.by/time.Second) << 30
	return now
}

func (c *steppedClock) AfterFunc(time.Duration, func()) (stop func() bool) {
	return func() bool { return true }
}

func testWallClockSteps(t *testing.T) {
	clock := &steppedClock{start: time.Now()}
	const far = 100 * 24 * time.Hour
	clock.by = far
	require.Equal(t, far.Nanoseconds(), clock.Now().UnixNano()-clock.start.UnixNano(), "a step")
	require.Zero(t, clock.Now().Sub(clock.start), "of the wall clock alone")
	clock.by = 0

	s := open(t, store.Options[string, int]{TTL: time.Minute, IdleTimeout: time.Minute, Clock: clock})
	set(t, s, "k")
	l := lock(t, s, "k")
	for _, by := range []time.Duration{far, -far, 0} {
		clock.by = by
		require.True(t, s.Has("k"))
		require.NoError(t, l.Set(1))
	}
	require.NoError(t, l.Unlock())
	clock.elapsed, clock.by = time.Minute-1, far
	require.True(t, s.Has("k"))
	clock.elapsed, clock.by = time.Minute, -far
	require.False(t, s.Has("k"), "nothing is revived")
}

func TestOriginal5Metadata(t *testing.T) {
	t.Run("Set keeps Created and Accesses", func(t *testing.T) {
		s, clock := fake(t, store.Options[string, int]{})
		start := clock.Now()
		set(t, s, "k")
		_, err := s.Get("k")
		require.NoError(t, err)
		clock.Advance(time.Second)
		set(t, s, "k")
		meta, _ := s.Metadata("k")
		require.Equal(t, store.Metadata{
			Status: store.Active, Created: start, Updated: clock.Now(), Accessed: clock.Now(), Accesses: 1, Revision: 2, Weight: 1,
		}, meta)
	})
	t.Run("Has is no access, and works on locked keys", func(t *testing.T) {
		s, clock := fake(t, store.Options[string, int]{Capacity: 2, IdleTimeout: time.Minute})
		set(t, s, "a", "b")
		before, _ := s.Metadata("a")
		clock.Advance(time.Second)
		require.True(t, s.Has("a"))
		_, ok := s.Peek("a")
		require.True(t, ok)
		after, _ := s.Metadata("a")
		require.Equal(t, before, after)
		lock(t, s, "b")
		require.True(t, s.Has("b"))
		set(t, s, "c") // a is still the least recently used
		require.Equal(t, []string{"b", "c"}, has(s, "a", "b", "c"))
		require.Zero(t, s.Stats().Hits+s.Stats().Misses+s.Stats().Refusals)
	})
	t.Run("a zero value is there", func(t *testing.T) {
		s := open(t, store.Options[string, *int]{})
		require.NoError(t, s.Set("k", nil))
		value, err := s.Get("k")
		require.NoError(t, err)
		require.Nil(t, value)
		require.True(t, s.Has("k"))
		stored, err := s.SetIfAbsent("k", new(int))
		require.NoError(t, err)
		require.False(t, stored)
		_, err = s.Update("k", func(old *int, found bool) (*int, error) {
			require.True(t, found)
			return old, nil
		})
		require.NoError(t, err)
	})
}

func TestOriginal6Iterators(t *testing.T) {
	for name, loop := range map[string]func(*store.Store[string, int], func(string)){
		"Keys": func(s *store.Store[string, int], mutate func(string)) {
			for key := range s.Keys() {
				mutate(key)
			}
		},
		"Values": func(s *store.Store[string, int], mutate func(string)) {
			for value := range s.Values() {
				mutate(string(rune('a' + value)))
			}
		},
		"All": func(s *store.Store[string, int], mutate func(string)) {
			for key := range s.All() {
				mutate(key)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := fake(t, store.Options[string, int]{Capacity: 10})
			for i := range 10 {
				require.NoError(t, s.Set(string(rune('a'+i)), i))
			}
			seen := 0
			loop(s, func(key string) {
				seen++
				require.NoError(t, s.Delete(key))
				require.NoError(t, s.Set("new "+key, 100))
				_, err := s.Get("new " + key)
				require.NoError(t, err)
				_ = s.Len()
			})
			require.Equal(t, 10, seen)
			require.Equal(t, 10, s.Len())
			loop(s, func(string) { require.NoError(t, s.Clear()) })
			require.Zero(t, s.Len())
		})
	}
}
