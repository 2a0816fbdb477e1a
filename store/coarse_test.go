package store_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/store"
)

// With a coarse clock, entries and leases end as with the system's, at most its
// resolution later; and it lets a store that nobody uses sleep, in a bubble too.
func TestCoarseClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const resolution = 10 * time.Millisecond
		s := open(t, store.Options[string, int]{
			TTL: time.Second, SweepInterval: time.Second, Clock: store.CoarseClock(resolution),
		})
		defer s.Close()
		set(t, s, "a", "b")
		l := lock(t, s, "b")
		done := l.Done()
		for elapsed := time.Duration(0); elapsed < time.Second; elapsed += time.Millisecond {
			require.True(t, s.Has("a"), "after %v", elapsed)
			time.Sleep(time.Millisecond)
		}
		time.Sleep(resolution)
		require.False(t, s.Has("a"))
		require.True(t, closed(done), "with its entry")
		time.Sleep(time.Hour)
		require.Zero(t, s.Stats().Entries, "the sweep has woken up")

		set(t, s, "c")
		m, ok := s.Metadata("c")
		require.True(t, ok)
		require.Equal(t, time.Now(), m.Created, "it was asleep, and is right to the nanosecond")
	})
}

// Reads past the lock leave their marks and counts with it, too.
func TestCoarseClockReads(t *testing.T) {
	s := open(t, store.Options[string, int]{Capacity: 2, TTL: time.Hour, Clock: store.CoarseClock(time.Microsecond)})
	set(t, s, "a", "b")
	old, _ := s.Metadata("b")
	for n := uint64(1); ; n++ {
		_, err := s.Get("a")
		require.NoError(t, err)
		m, _ := s.Metadata("a")
		require.Equal(t, n, m.Accesses)
		if m.Accessed.After(old.Created) { // the clock has been read anew
			break
		}
	}
	set(t, s, "c")
	require.Equal(t, []string{"a", "c"}, has(s, "a", "b", "c"))
}

// One clock may be that of many stores, in bubbles and outside.
func TestCoarseClockOfManyStores(t *testing.T) {
	shared := store.CoarseClock(10 * time.Millisecond)
	expires := func(t *testing.T) {
		s := open(t, store.Options[string, int]{TTL: time.Second, Clock: shared})
		set(t, s, "a")
		require.True(t, s.Has("a"))
		for range 200 { // it is asked all the time
			time.Sleep(10 * time.Millisecond)
			s.Has("a")
		}
		require.False(t, s.Has("a"))
		require.NoError(t, s.Close())
	}
	synctest.Test(t, expires)
	outside := open(t, store.Options[string, int]{Clock: shared})
	set(t, outside, "a")
	synctest.Test(t, expires)
	require.True(t, outside.Has("a"))
}
