package persist_test

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/internal/disk"
	"github.com/latchkey-go/latchkey/store"
)

func TestLeasesComeBack(t *testing.T) {
	d := disk.New()
	o := options(t, d)
	o.IdleTimeout, o.MaxLease = time.Minute, time.Hour
	clock := clockOf(o)
	s := mustNew(t, o)
	fill(t, s, map[string]int{"short": 1, "long": 2, "free": 3})
	short, err := s.TryLock("short", 10*time.Second)
	require.NoError(t, err)
	long, err := s.TryLock("long", 30*time.Minute)
	require.NoError(t, err)
	require.NoError(t, s.Snapshot(context.Background()))

	// As after a crash: the old store is not asked.
	s = mustNew(t, on(o, d.Image().Boot()))
	_, err = s.Get("short")
	require.ErrorIs(t, err, store.ErrLocked)
	require.ErrorIs(t, s.Set("long", 0), store.ErrLocked)
	_, err = s.Resume("long", short.Fence())
	require.ErrorIs(t, err, store.ErrLeaseLost)
	resumed, err := s.Resume("long", long.Fence())
	require.NoError(t, err)
	require.Equal(t, long.Deadline(), resumed.Deadline())
	require.Equal(t, "long", resumed.Key())

	// The short one ends at its deadline, the idle timeout runs from there,
	// and does not run for the other.
	clock.Advance(10 * time.Second)
	_, err = s.Resume("short", short.Fence())
	require.ErrorIs(t, err, store.ErrLeaseLost)
	clock.Advance(time.Minute - 1)
	require.True(t, s.Has("short"))
	require.False(t, s.Has("free"))
	clock.Advance(1)
	require.False(t, s.Has("short"))
	require.NoError(t, resumed.Set(20))
	require.NoError(t, resumed.Unlock())
	value, err := s.Get("long")
	require.NoError(t, err)
	require.Equal(t, 20, value)
}

// A lease that lapses while the store is closed is over, and its end counts as
// an access, as it would have in an open store.
func TestLeaseThatLapsesWhileClosed(t *testing.T) {
	o := options(t, disk.New())
	o.IdleTimeout = time.Minute
	clock := clockOf(o)
	s := mustNew(t, o)
	fill(t, s, map[string]int{"a": 1})
	l, err := s.TryLock("a", 10*time.Second)
	require.NoError(t, err)
	require.NoError(t, s.Close())
	clock.Advance(10*time.Second + time.Minute - 1)
	s = mustNew(t, o)
	m, ok := s.Metadata("a")
	require.True(t, ok)
	require.Equal(t, store.Active, m.Status)
	require.Equal(t, l.Deadline(), m.Accessed)
	require.NoError(t, s.Close())
	clock.Advance(1)
	s = mustNew(t, o)
	require.False(t, s.Has("a"))
}

// A step of the wall clock expires nothing and revives nothing, also by way of
// the disk.
func TestWallClockIsSteppedBack(t *testing.T) {
	d := disk.New()
	o := options(t, d)
	o.TTL = time.Hour
	clock := clockOf(o)
	s := mustNew(t, o)
	require.NoError(t, s.SetWithTTL("dead", 0, time.Minute))
	clock.Advance(time.Minute)
	require.NoError(t, s.Set("a", 1))
	_, err := s.TryLock("a", 10*time.Second)
	require.NoError(t, err)
	clock.Set(clock.Now().Add(-24 * time.Hour))
	require.Empty(t, cmp.Diff(map[string]int{"a": 1}, contents(s)))

	// Exported and imported again at the stepped time.
	var b bytes.Buffer
	require.NoError(t, s.Export(&b))
	require.NoError(t, s.Import(&b))
	require.Empty(t, cmp.Diff(map[string]int{"a": 1}, contents(s)))

	s = reopen(t, s, o)
	require.Empty(t, cmp.Diff(map[string]int{"a": 1}, contents(s)))
	m, ok := s.Metadata("a")
	require.True(t, ok)
	require.Equal(t, clock.Now().Add(time.Hour), m.Expires, "an hour is left as it was")
	require.Equal(t, clock.Now().Add(10*time.Second), m.LockedUntil)
	clock.Advance(time.Hour - 1)
	require.True(t, s.Has("a"))
	clock.Advance(1)
	require.False(t, s.Has("a"))
}

// While a store is closed, only the wall clock is left: a deadline on disk is a
// time of day.
func TestWallClockIsSteppedWhileClosed(t *testing.T) {
	o := options(t, disk.New())
	o.IdleTimeout = time.Hour
	clock := clockOf(o)
	s := mustNew(t, o)
	require.NoError(t, s.Set("a", 1))
	require.NoError(t, s.Close())
	clock.Set(clock.Now().Add(-24 * time.Hour))
	s = mustNew(t, o)
	m, ok := s.Metadata("a")
	require.True(t, ok)
	require.False(t, m.Accessed.After(clock.Now()), "nothing was accessed in the future")
	clock.Advance(time.Hour)
	require.False(t, s.Has("a"), "it does not live a day longer")
	require.NoError(t, s.Close())
}
