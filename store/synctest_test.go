package store_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/persist"
	"github.com/latchkey-go/latchkey/store"
	"github.com/latchkey-go/latchkey/storetest"
)

// inBubble runs f as a test in a bubble, where sleeping takes no time.
func inBubble(t *testing.T, name string, f func(*testing.T)) {
	t.Run(name, func(t *testing.T) { synctest.Test(t, f) })
}

// sleep lets time pass in a bubble, and everything that falls due be done.
func sleep(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// A store with the system clock works in a bubble as it is.
func TestBubble(t *testing.T) {
	inBubble(t, "the TTL ends to the nanosecond", func(t *testing.T) {
		s := open(t, options{TTL: time.Hour})
		set(t, s, "k")
		sleep(time.Hour - 1)
		require.True(t, s.Has("k"))
		sleep(1)
		require.False(t, s.Has("k"))
	})
	inBubble(t, "the idle timeout ends to the nanosecond", func(t *testing.T) {
		s := open(t, options{IdleTimeout: time.Minute})
		set(t, s, "used", "idle")
		sleep(time.Minute - 1)
		require.NoError(t, s.Touch("used"))
		sleep(1)
		require.Equal(t, []string{"used"}, has(s, "used", "idle"))
		sleep(time.Minute - 2)
		require.True(t, s.Has("used"))
		sleep(1)
		require.False(t, s.Has("used"))
	})
	inBubble(t, "the sweep frees and reports", func(t *testing.T) {
		var told removals[string, int]
		s := open(t, options{TTL: time.Hour, SweepInterval: time.Minute, OnRemove: told.add})
		set(t, s, "a")
		require.NoError(t, s.SetWithTTL("b", 2, 2*time.Hour))
		sleep(time.Hour + time.Minute)
		require.Equal(t, []removed{{Key: "a", Value: 1, Reason: store.ReasonExpired}}, told.take())
		require.Equal(t, 1, s.Stats().Entries)
		sleep(time.Hour)
		require.Equal(t, []removed{{Key: "b", Value: 2, Reason: store.ReasonExpired}}, told.take())
		require.Zero(t, s.Stats().Entries)
	})
	inBubble(t, "the end of a lease wakes the waiter, and Done, at its time", func(t *testing.T) {
		s := open(t, options{MaxLease: time.Minute})
		set(t, s, "k")
		first := lock(t, s, "k")
		start := time.Now()
		second, err := s.Lock(t.Context(), "k", 10*time.Second)
		require.NoError(t, err)
		require.Equal(t, time.Minute, time.Since(start))
		require.Greater(t, second.Fence(), first.Fence())
		<-second.Done()
		require.Equal(t, 70*time.Second, time.Since(start))
	})
	inBubble(t, "the TTL of a locked entry tells the waiter at its time", func(t *testing.T) {
		s := open(t, options{TTL: time.Second})
		set(t, s, "k")
		lock(t, s, "k")
		start := time.Now()
		_, err := s.Lock(t.Context(), "k", 0)
		require.Same(t, store.ErrNotFound, err)
		require.Equal(t, time.Second, time.Since(start))
	})
	inBubble(t, "a waiter leaves when its context ends", func(t *testing.T) {
		s := open(t, options{})
		set(t, s, "k")
		lock(t, s, "k")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		_, err := s.Lock(ctx, "k", 0)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, time.Second, time.Since(start))
		require.Zero(t, s.Stats().Waiting)
	})
	inBubble(t, "a snapshot is taken an interval after a change", func(t *testing.T) {
		o := inFolder(folder(t))
		o.Persist.SnapshotInterval = time.Minute
		s := open(t, o)
		sleep(time.Hour)
		require.Zero(t, s.Stats().Snapshots, "nothing changed")
		set(t, s, "k")
		sleep(time.Minute - 1)
		require.Zero(t, s.Stats().Snapshots)
		sleep(1)
		require.EqualValues(t, 1, s.Stats().Snapshots)
		require.Equal(t, map[string]int{"k": 1}, content(open(t, inFolder(crash(t, o.Persist.Dir)))))
		sleep(time.Hour)
		require.EqualValues(t, 1, s.Stats().Snapshots, "nothing changed")
	})
	inBubble(t, "it need not be closed", func(t *testing.T) {
		s, err := store.New(options{TTL: time.Hour})
		require.NoError(t, err)
		set(t, s, "a", "b")
		lock(t, s, "a").Done()
		sleep(time.Minute)
	})
}

// A store arms a timer only while there is something for it to do.
func TestTimers(t *testing.T) {
	expiring := options{TTL: time.Minute, IdleTimeout: 30 * time.Second, SweepInterval: time.Minute}
	for name, c := range map[string]struct {
		o      options
		during int // timers while there is something to do
		act    func(t *testing.T, s *store.Store[string, int], clock *storetest.Clock)
		then   func(t *testing.T, s *store.Store[string, int], clock *storetest.Clock)
	}{
		"new": {o: expiring},
		"new, in a folder": {
			o: options{TTL: time.Minute, Persist: persist.Config{Dir: folder(t)}},
		},
		"entries that live for ever": {
			act: func(t *testing.T, s *store.Store[string, int], _ *storetest.Clock) { set(t, s, "a", "b", "a") },
		},
		"a lease that nobody waits for, on an entry that lives for ever": {
			act: func(t *testing.T, s *store.Store[string, int], _ *storetest.Clock) {
				set(t, s, "k")
				lock(t, s, "k")
			},
		},
		"swept": {
			o: expiring, during: 1,
			act: func(t *testing.T, s *store.Store[string, int], _ *storetest.Clock) { set(t, s, "a", "b") },
			then: func(_ *testing.T, _ *store.Store[string, int], clock *storetest.Clock) {
				clock.Advance(2 * time.Minute)
			},
		},
		"cleared": {
			o: expiring, during: 1,
			act:  func(t *testing.T, s *store.Store[string, int], _ *storetest.Clock) { set(t, s, "a", "b") },
			then: func(t *testing.T, s *store.Store[string, int], _ *storetest.Clock) { require.NoError(t, s.Clear()) },
		},
		"deleted": {
			o: expiring, during: 1,
			act: func(t *testing.T, s *store.Store[string, int], _ *storetest.Clock) { set(t, s, "a", "b") },
			then: func(t *testing.T, s *store.Store[string, int], _ *storetest.Clock) {
				require.NoError(t, s.Delete("a"))
				require.NoError(t, s.Delete("b"))
			},
		},
		"overwritten by what lives for ever": {
			o: options{TTL: time.Minute}, during: 1,
			act: func(t *testing.T, s *store.Store[string, int], _ *storetest.Clock) { set(t, s, "k") },
			then: func(t *testing.T, s *store.Store[string, int], clock *storetest.Clock) {
				require.NoError(t, s.SetWithTTL("k", 2, store.NoExpiry))
				clock.Advance(2 * time.Minute) // once, to see that there is nothing to do
			},
		},
		"the last waiter has left": {
			during: 1,
			act: func(t *testing.T, s *store.Store[string, int], _ *storetest.Clock) {
				set(t, s, "k")
				lock(t, s, "k").Done()
			},
			then: func(_ *testing.T, s *store.Store[string, int], _ *storetest.Clock) { s.ForceUnlock("k") },
		},
		"the lease that was watched has lapsed": {
			during: 1,
			act: func(t *testing.T, s *store.Store[string, int], _ *storetest.Clock) {
				set(t, s, "k")
				lock(t, s, "k").Done()
			},
			then: func(_ *testing.T, _ *store.Store[string, int], clock *storetest.Clock) {
				clock.Advance(store.DefaultMaxLease)
			},
		},
		"after a snapshot": {
			o: options{Persist: persist.Config{Dir: folder(t), Sync: persist.OnSnapshot}}, during: 1,
			act:  func(t *testing.T, s *store.Store[string, int], _ *storetest.Clock) { set(t, s, "k") },
			then: func(t *testing.T, s *store.Store[string, int], _ *storetest.Clock) { require.NoError(t, s.Sync()) },
		},
		"when all is synced": {
			o: options{Persist: persist.Config{Dir: folder(t)}}, during: 1,
			act:  func(t *testing.T, s *store.Store[string, int], _ *storetest.Clock) { set(t, s, "k") },
			then: func(t *testing.T, s *store.Store[string, int], _ *storetest.Clock) { require.NoError(t, s.Sync()) },
		},
		"after the journal is synced by itself": {
			o: options{Persist: persist.Config{Dir: folder(t)}}, during: 1,
			act:  func(t *testing.T, s *store.Store[string, int], _ *storetest.Clock) { set(t, s, "k") },
			then: func(_ *testing.T, _ *store.Store[string, int], clock *storetest.Clock) { clock.Advance(time.Second) },
		},
		"every change synced": {
			o:   options{Persist: persist.Config{Dir: folder(t), Sync: persist.Always}},
			act: func(t *testing.T, s *store.Store[string, int], _ *storetest.Clock) { set(t, s, "k") },
		},
		"after the periodic snapshot": {
			o: options{Persist: persist.Config{Dir: folder(t), SnapshotInterval: time.Second, Sync: persist.OnSnapshot}}, during: 1,
			act:  func(t *testing.T, s *store.Store[string, int], _ *storetest.Clock) { set(t, s, "k") },
			then: func(_ *testing.T, _ *store.Store[string, int], clock *storetest.Clock) { clock.Advance(time.Second) },
		},
		"closed": {
			o: options{TTL: time.Minute, Persist: persist.Config{Dir: folder(t)}}, during: 3,
			act: func(t *testing.T, s *store.Store[string, int], _ *storetest.Clock) {
				set(t, s, "k")
				lock(t, s, "k").Done()
			},
			then: func(t *testing.T, s *store.Store[string, int], _ *storetest.Clock) { require.NoError(t, s.Close()) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, clock := fake(t, c.o)
			if c.act != nil {
				c.act(t, s, clock)
			}
			require.Equal(t, c.during, clock.Timers(), "meanwhile")
			if c.then != nil {
				c.then(t, s, clock)
			}
			require.Zero(t, clock.Timers(), "in the end")
		})
	}
}

// Waiters whose contexts end take the timer with them.
func TestTimersOfWaiters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		s, clock := fake(t, options{})
		set(t, s, "k")
		lock(t, s, "k")
		for range 3 {
			go func() { _, _ = s.Lock(ctx, "k", 0) }()
		}
		synctest.Wait()
		require.Equal(t, 3, s.Stats().Waiting)
		require.Equal(t, 1, clock.Timers())
		cancel()
		synctest.Wait()
		require.Zero(t, s.Stats().Waiting)
		require.Zero(t, clock.Timers())
	})
}

// A clock that is stepped back, without a monotonic reading to tell: what was
// dead stays dead, what was lost stays lost, and time goes on once the clock is
// back where it was.
func TestClockSteppedBack(t *testing.T) {
	for _, back := range []time.Duration{1, time.Minute, time.Hour, 20 * 365 * 24 * time.Hour} {
		t.Run(back.String(), func(t *testing.T) {
			var told removals[string, int]
			s, clock := fake(t, options{MaxLease: time.Minute, SweepInterval: time.Hour, OnRemove: told.add})
			require.NoError(t, s.SetWithTTL("dead", 1, time.Minute))
			require.NoError(t, s.SetWithTTL("live", 2, 2*time.Minute))
			require.NoError(t, s.SetWithTTL("leased", 3, store.NoExpiry))
			l := lock(t, s, "leased")
			clock.Advance(time.Minute)
			require.Equal(t, []string{"live", "leased"}, has(s, "dead", "live", "leased"))
			then := clock.Now()

			clock.Set(then.Add(-back))
			require.Equal(t, []string{"live", "leased"}, has(s, "dead", "live", "leased"))
			require.Equal(t, map[string]int{"live": 2, "leased": 3}, content(s))
			require.Same(t, store.ErrLeaseLost, l.Set(4))
			require.NoError(t, s.Set("new", 5))
			m, _ := s.Metadata("new")
			require.Equal(t, then, m.Created, "the latest time seen")
			require.NoError(t, lock(t, s, "leased").Set(6))

			clock.Set(then.Add(time.Minute - 1))
			require.True(t, s.Has("live"))
			clock.Set(then.Add(time.Minute))
			require.False(t, s.Has("live"))
			clock.Advance(time.Hour)
			require.Zero(t, clock.Timers())
			require.Equal(t, 2, s.Len())
		})
	}
}
