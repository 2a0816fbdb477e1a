package store_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/persist"
	"github.com/latchkey-go/latchkey/store"
)

// In a bubble of testing/synctest the store works as it is: with the system's
// clock, which there moves as soon as everybody waits.

func TestBubbleExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, store.Options[string, int]{TTL: time.Hour, IdleTimeout: time.Minute})
		set(t, s, "k")
		for range 59 {
			time.Sleep(time.Minute - 1)
			require.NoError(t, s.Touch("k"))
		}
		require.True(t, s.Has("k"))
		time.Sleep(time.Minute - 1)
		require.True(t, s.Has("k"))
		time.Sleep(time.Nanosecond)
		require.False(t, s.Has("k"))
	})
}

func TestBubbleSweep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var gone removals[string, int]
		s := open(t, store.Options[string, int]{TTL: time.Hour, SweepInterval: time.Minute, OnRemove: gone.add})
		set(t, s, "a", "b")
		time.Sleep(time.Hour + time.Minute)
		synctest.Wait()
		require.Len(t, gone.take(), 2)
		require.Zero(t, s.Stats().Entries)
	})
}

func TestBubbleDone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, store.Options[string, int]{})
		set(t, s, "k")
		l := lock(t, s, "k")
		start := time.Now()
		<-l.Done()
		require.Equal(t, store.DefaultMaxLease, time.Since(start))
	})
}

func TestBubblePeriodicSnapshot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := store.Options[string, int]{Persist: persist.Config{Dir: folder(t), SnapshotInterval: time.Minute}}
		s := open(t, o)
		time.Sleep(time.Hour)
		synctest.Wait()
		require.Zero(t, s.Stats().Snapshots, "nothing has changed")

		set(t, s, "k")
		time.Sleep(time.Minute - 1)
		synctest.Wait()
		require.Zero(t, s.Stats().Snapshots)
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		require.EqualValues(t, 1, s.Stats().Snapshots)
		time.Sleep(time.Hour)
		synctest.Wait()
		require.EqualValues(t, 1, s.Stats().Snapshots, "nothing has changed since")

		o.Persist.Dir = crash(t, o.Persist.Dir)
		require.True(t, open(t, o).Has("k"))
	})
}

// A bubble may end without Close: no goroutine is left in it.
func TestBubbleEndsWithoutClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := store.New(store.Options[string, int]{TTL: time.Hour, IdleTimeout: time.Minute})
		require.NoError(t, err)
		set(t, s, "a", "b")
		require.False(t, closed(lock(t, s, "a").Done()))
	})
}

// A store that has nothing to do on its own has no timer.
func TestIdleStoreHasNoTimer(t *testing.T) {
	forEver := store.Options[string, int]{}
	mortal := store.Options[string, int]{TTL: time.Hour}
	saved := store.Options[string, int]{Persist: persist.Config{Dir: folder(t)}}
	type steps = func(*testing.T, *store.Store[string, int])
	for name, test := range map[string]struct {
		o    store.Options[string, int]
		do   steps
		want int
	}{
		"new":                {mortal, func(*testing.T, *store.Store[string, int]) {}, 0},
		"entries for ever":   {forEver, func(t *testing.T, s *store.Store[string, int]) { set(t, s, "a", "b") }, 0},
		"entries that die":   {mortal, func(t *testing.T, s *store.Store[string, int]) { set(t, s, "a", "b") }, 1},
		"a miss":             {mortal, func(_ *testing.T, s *store.Store[string, int]) { _, _ = s.Get("a") }, 0},
		"a lease, unwatched": {forEver, func(t *testing.T, s *store.Store[string, int]) { set(t, s, "a"); lock(t, s, "a") }, 0},
		"a lease, watched": {forEver, func(t *testing.T, s *store.Store[string, int]) {
			set(t, s, "a")
			lock(t, s, "a").Done()
		}, 1},
		"a lease, watched, that is over": {forEver, func(t *testing.T, s *store.Store[string, int]) {
			set(t, s, "a")
			l := lock(t, s, "a")
			l.Done()
			require.NoError(t, l.Unlock())
		}, 0},
		"all deleted": {mortal, func(t *testing.T, s *store.Store[string, int]) {
			set(t, s, "a")
			require.NoError(t, s.Delete("a"))
		}, 0},
		"cleared": {mortal, func(t *testing.T, s *store.Store[string, int]) {
			set(t, s, "a", "b")
			require.NoError(t, s.Clear())
		}, 0},
		"unsaved": {saved, func(t *testing.T, s *store.Store[string, int]) { set(t, s, "a") }, 1},
		"saved": {saved, func(t *testing.T, s *store.Store[string, int]) {
			set(t, s, "b")
			require.NoError(t, s.Sync())
		}, 0},
		"closed": {mortal, func(t *testing.T, s *store.Store[string, int]) {
			set(t, s, "a")
			require.NoError(t, s.Close())
		}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			s, clock := fake(t, test.o)
			test.do(t, s)
			require.Equal(t, test.want, clock.Timers())
			clock.Advance(3 * time.Hour)
			require.Zero(t, clock.Timers(), "it has nothing to do any more")
			require.NoError(t, s.Close())
		})
	}
}
