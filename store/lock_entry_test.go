package store_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/store"
	"github.com/latchkey-go/latchkey/storetest"
)

// What is locked is not evicted, however long ago its last use is.
func TestLockedIsNotEvicted(t *testing.T) {
	s, _ := fake(t, store.Options[string, int]{Capacity: 3})
	set(t, s, "a", "b", "c")
	a := lock(t, s, "a")
	for i := range 100 {
		require.NoError(t, s.Set(strconv.Itoa(i), i))
		require.Equal(t, 3, s.Len())
	}
	require.Equal(t, []string{"a", "98", "99"}, has(s, "a", "b", "c", "97", "98", "99"))

	lock(t, s, "98")
	lock(t, s, "99")
	require.Equal(t, store.ErrFull, s.Set("new", 1))
	stored, err := s.SetIfAbsent("new", 1)
	require.Equal(t, store.ErrFull, err)
	require.False(t, stored)
	require.NoError(t, a.Set(7), "overwriting needs no room")
	evicted, err := s.Resize(2)
	require.Equal(t, store.ErrFull, err)
	require.Zero(t, evicted)
	require.Equal(t, 3, s.Len())

	require.NoError(t, a.Unlock())
	require.NoError(t, s.Set("new", 1))
	require.Equal(t, []string{"98", "99", "new"}, has(s, "a", "98", "99", "new"))
}

// The end of a lease is a use: the entry is the last to be evicted.
func TestLockUnlockedIsMostRecent(t *testing.T) {
	s, clock := fake(t, store.Options[string, int]{Capacity: 3})
	set(t, s, "a", "b", "c")
	require.NoError(t, lock(t, s, "a").Unlock())
	set(t, s, "d")
	require.Equal(t, []string{"a", "c", "d"}, has(s, "a", "b", "c", "d"))
	lock(t, s, "c")
	set(t, s, "e", "f")
	clock.Advance(store.DefaultMaxLease)
	set(t, s, "g")
	require.Equal(t, []string{"c", "f", "g"}, has(s, "a", "c", "d", "e", "f", "g"))
}

// A locked entry does not idle out; its idle timeout starts anew when the lease
// ends, and not when somebody notices that it has.
func TestLockedDoesNotIdleOut(t *testing.T) {
	for name, end := range map[string]func(l *store.Lease[string, int], clock *storetest.Clock) error{
		"lapse": func(_ *store.Lease[string, int], clock *storetest.Clock) error {
			clock.Advance(1)
			return nil
		},
		"Unlock": func(l *store.Lease[string, int], clock *storetest.Clock) error {
			err := l.Unlock()
			clock.Advance(1) // as in the other case
			return err
		},
	} {
		for look, dead := range map[string]func(s *store.Store[string, int]) bool{
			"Get":     func(s *store.Store[string, int]) bool { _, err := s.Get("a"); return err == store.ErrNotFound },
			"Entry":   func(s *store.Store[string, int]) bool { _, err := s.Entry("a"); return err == store.ErrNotFound },
			"Touch":   func(s *store.Store[string, int]) bool { return s.Touch("a") == store.ErrNotFound },
			"Has":     func(s *store.Store[string, int]) bool { return !s.Has("a") },
			"Len":     func(s *store.Store[string, int]) bool { return s.Len() == 0 },
			"TryLock": func(s *store.Store[string, int]) bool { _, err := s.TryLock("a", 0); return err == store.ErrNotFound },
			"Resume":  func(s *store.Store[string, int]) bool { _, err := s.Resume("a", 1); return err == store.ErrNotFound },
			"Status": func(s *store.Store[string, int]) bool {
				status, ok := s.Status("a")
				return !ok || status == store.Expired
			},
			"SetIfAbsent": func(s *store.Store[string, int]) bool { stored, _ := s.SetIfAbsent("a", 7); return stored },
		} {
			t.Run(name+" and "+look, func(t *testing.T) {
				s, clock := fake(t, store.Options[string, int]{IdleTimeout: 10 * time.Second, SweepInterval: time.Hour})
				set(t, s, "a")
				l, err := s.TryLock("a", 30*time.Second)
				require.NoError(t, err)
				clock.Advance(30*time.Second - 1)
				require.NoError(t, end(l, clock))
				clock.Advance(10 * time.Second)
				require.True(t, dead(s), "the first to come by since the lease")

				set(t, s, "a")
				l, err = s.TryLock("a", 30*time.Second)
				require.NoError(t, err)
				clock.Advance(30*time.Second - 1)
				m, ok := s.Metadata("a")
				require.True(t, ok)
				require.Equal(t, store.Locked, m.Status)
				require.Zero(t, m.Expires)
				require.Equal(t, l.Deadline(), m.LockedUntil)
				require.NoError(t, end(l, clock))
				clock.Advance(10*time.Second - 2)
				m, ok = s.Metadata("a")
				require.True(t, ok)
				require.Equal(t, store.Active, m.Status)
				require.Equal(t, m.Accessed.Add(10*time.Second), m.Expires)
				require.False(t, dead(s), "a little before")
			})
		}
	}
}

// The TTL ends a locked entry, and its lease with it; the holder's Set starts it
// anew.
func TestLockTTLEndsLockedEntry(t *testing.T) {
	var events removals[string, int]
	s, clock := fake(t, store.Options[string, int]{TTL: 10 * time.Second, OnRemove: events.add})
	set(t, s, "a")
	l := lock(t, s, "a")
	clock.Advance(10*time.Second - 1)
	require.NoError(t, l.Set(2))
	require.NoError(t, l.Extend(0))
	done := l.Done()
	clock.Advance(10*time.Second - 1)
	value, err := l.Get()
	require.NoError(t, err)
	require.Equal(t, 2, value)
	require.False(t, closed(done))
	events.take()
	clock.Advance(1)
	require.True(t, closed(done))
	_, err = l.Get()
	require.Equal(t, store.ErrLeaseLost, err)
	require.Equal(t, store.ErrLeaseLost, l.Set(3), "it does not come back")
	require.Equal(t, store.ErrLeaseLost, l.Unlock())
	_, err = s.Get("a")
	require.Equal(t, store.ErrNotFound, err)
	require.Zero(t, s.Len())
	want := []store.Removal[string, int]{{Key: "a", Value: 2, Reason: store.ReasonExpired}}
	require.Empty(t, cmp.Diff(want, events.take()))
	require.Zero(t, s.Stats().Locked)
}

// A lease is no access, its end is one, and it leaves the value alone.
func TestLockLeaseMetadata(t *testing.T) {
	s, clock := fake(t, store.Options[string, int]{})
	set(t, s, "a")
	start := clock.Now()
	clock.Advance(time.Second)
	l := lock(t, s, "a")
	m, _ := s.Metadata("a")
	require.Empty(t, cmp.Diff(store.Metadata{
		Weight: 1, Status: store.Locked, Created: start, Updated: start, Accessed: start, Revision: 1,
		Fence: l.Fence(), LockedUntil: clock.Now().Add(store.DefaultMaxLease),
	}, m))
	clock.Advance(time.Second)
	_, err := l.Get()
	require.NoError(t, err)
	require.NoError(t, l.Set(2))
	clock.Advance(time.Second)
	require.NoError(t, l.Unlock())
	m, _ = s.Metadata("a")
	require.Empty(t, cmp.Diff(store.Metadata{
		Weight: 1, Status: store.Active, Created: start, Updated: start.Add(2 * time.Second), Accessed: start.Add(3 * time.Second),
		Accesses: 1, Revision: 2, Fence: l.Fence(),
	}, m))
}
