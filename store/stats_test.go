package store_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/internal/disk"
	"github.com/latchkey-go/latchkey/persist"
	"github.com/latchkey-go/latchkey/store"
	"github.com/latchkey-go/latchkey/storetest"
)

// histogram returns what one of the durations would be.
func histogram(all ...time.Duration) (h persist.Histogram) {
	for _, d := range all {
		h.Observe(d)
	}
	return h
}

// Who waits in Lock is counted with the time until it was served, or had enough.
func TestStatsLockWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, store.Options[string, int]{})
		defer s.Close()
		set(t, s, "a")
		l := lock(t, s, "a")
		granted := queue(context.Background(), s, time.Second)
		ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
		defer cancel()
		impatient := queue(ctx, s, time.Second)
		_, err := s.TryLock("a", 0)
		require.Equal(t, store.ErrLocked, err, "does not wait")

		time.Sleep(4 * time.Second)
		require.NoError(t, l.Unlock())
		synctest.Wait()
		require.NotNil(t, granted.lease)
		require.Equal(t, context.DeadlineExceeded, impatient.err)
		require.Equal(t, histogram(3*time.Second, 4*time.Second), s.Stats().LockWaits)

		late := queue(context.Background(), s, time.Second) // the lease ends before it gets it
		time.Sleep(2 * time.Second)
		synctest.Wait() // until its goroutine has noted that
		require.NotNil(t, late.lease)
		require.Equal(t, histogram(3*time.Second, 4*time.Second, time.Second), s.Stats().LockWaits)
	})
}

func TestStatsLoadTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, store.Options[string, int]{})
		defer s.Close()
		load := func(d time.Duration, err error) store.Loader[string, int] {
			return func(context.Context, string) (int, error) {
				time.Sleep(d)
				return 1, err
			}
		}
		ctx := context.Background()
		_, err := s.GetOrLoad(ctx, "a", load(time.Second, nil))
		require.NoError(t, err)
		_, err = s.GetOrLoad(ctx, "b", load(2*time.Second, errors.New("gone")))
		require.Error(t, err)
		_, err = s.GetOrLoad(ctx, "a", load(time.Hour, nil)) // is there
		require.NoError(t, err)
		require.Panics(t, func() {
			_, _ = s.GetOrLoad(ctx, "c", func(context.Context, string) (int, error) { panic("no") })
		})
		require.Equal(t, histogram(time.Second, 2*time.Second, 0), s.Stats().LoadTimes)
	})
}

// What counts is how long an evicted entry has been there, whatever was done to it.
func TestStatsEvictedAges(t *testing.T) {
	s, clock := fake(t, store.Options[string, int]{Capacity: 2, TTL: 3 * time.Hour})
	set(t, s, "a", "b")
	clock.Advance(time.Hour)
	set(t, s, "b", "a")
	clock.Advance(time.Minute)
	set(t, s, "c") // b goes
	require.Equal(t, []string{"a", "c"}, has(s, "a", "b", "c"))
	require.Equal(t, histogram(time.Hour+time.Minute), s.Stats().EvictedAges)
	_, err := s.Resize(1) // a goes
	require.NoError(t, err)
	require.Equal(t, histogram(time.Hour+time.Minute, time.Hour+time.Minute), s.Stats().EvictedAges)

	require.NoError(t, s.Delete("c"))
	set(t, s, "d")
	clock.Advance(4 * time.Hour)
	set(t, s, "e") // d was dead
	require.EqualValues(t, 2, s.Stats().EvictedAges.Count())
}

// The instant of the last snapshot is known after a restart, and whether there is
// something that it does not have.
func TestStatsSnapshot(t *testing.T) {
	memory, _ := fake(t, store.Options[string, int]{})
	set(t, memory, "a")
	require.False(t, memory.Stats().Durable)
	require.False(t, memory.Stats().Unsaved)

	d, clock := disk.New(), storetest.NewClock(t)
	o := journaled(d, persist.Always)
	o.Clock = clock
	s := open(t, o)
	require.True(t, s.Stats().Durable)
	require.False(t, s.Stats().Unsaved)
	require.Zero(t, s.Stats().LastSnapshot)

	before := s.Stats().Journal.SyncTimes
	set(t, s, "a")
	require.True(t, s.Stats().Unsaved)
	syncs := s.Stats().Journal.SyncTimes.Since(before)
	require.EqualValues(t, 1, syncs.Count())
	require.NoError(t, s.Snapshot(context.Background()))
	require.False(t, s.Stats().Unsaved)
	at := clock.Now()
	require.True(t, at.Equal(s.Stats().LastSnapshot))

	clock.Advance(time.Hour)
	require.NoError(t, s.Close())
	s = open(t, o)
	require.True(t, at.Equal(s.Stats().LastSnapshot), "%v", s.Stats().LastSnapshot)
	require.Zero(t, s.Stats().Snapshots)
	require.False(t, s.Stats().Unsaved)
}

func TestAllMetadata(t *testing.T) {
	s, clock := fake(t, store.Options[string, int]{TTL: time.Hour})
	for i := range 200 { // more than are read at once
		require.NoError(t, s.Set(fmt.Sprint(i), i))
	}
	clock.Advance(time.Minute)
	l := lock(t, s, "7")
	n := 0
	for key, got := range s.AllMetadata() {
		want, ok := s.Metadata(key)
		require.True(t, ok)
		require.Equal(t, want, got)
		if key == "7" {
			require.Equal(t, store.Locked, got.Status)
			require.Equal(t, l.Fence(), got.Fence)
		}
		n++
	}
	require.Equal(t, 200, n)
	for range s.AllMetadata() {
		break
	}
	clock.Advance(time.Hour)
	for range s.AllMetadata() {
		t.Error("what is dead does not come")
	}
}
