package store_test

import (
	"bytes"
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/latchkey-go/latchkey/store"
	"github.com/latchkey-go/latchkey/storetest"
)

// queued is a call of Lock in a goroutine of its own.
type queued struct {
	lease    *store.Lease[string, int]
	err      error
	returned bool
}

// queue calls Lock, in a bubble, and returns when that waits or has returned.
func queue(ctx context.Context, s *store.Store[string, int], d time.Duration) *queued {
	q := new(queued)
	go func() {
		q.lease, q.err = s.Lock(ctx, "a", d)
		q.returned = true
	}()
	synctest.Wait()
	return q
}

// queueUp has n callers wait for the lease on "a".
func queueUp(t *testing.T, s *store.Store[string, int], n int) []*queued {
	t.Helper()
	all := make([]*queued, n)
	for i := range all {
		all[i] = queue(context.Background(), s, 10*time.Second)
		require.False(t, all[i].returned)
	}
	require.Equal(t, n, s.Stats().Waiting)
	return all
}

// served returns the numbers of those who have got the lease.
func served(all []*queued) (numbers []int) {
	synctest.Wait()
	for i, q := range all {
		if q.returned && q.err == nil {
			numbers = append(numbers, i)
		}
	}
	return numbers
}

// refused requires that all have got the error.
func refused(t *testing.T, s *store.Store[string, int], all []*queued, want error) {
	t.Helper()
	synctest.Wait()
	for i, q := range all {
		require.True(t, q.returned, "waiter %d", i)
		require.Equal(t, want, q.err, "waiter %d", i)
		require.Nil(t, q.lease)
	}
	require.Zero(t, s.Stats().Waiting)
}

// bubble runs f in a bubble of testing/synctest, with a store that has one
// entry, "a", and a clock that f moves.
func bubble(t *testing.T, o store.Options[string, int], f func(t *testing.T, s *store.Store[string, int], clock *storetest.Clock)) {
	synctest.Test(t, func(t *testing.T) {
		s, clock := fake(t, o)
		set(t, s, "a")
		f(t, s, clock)
	})
}

// A thousand waiters are served in the order in which they came. In the bubble,
// time passes only when somebody waits for it, as one who polls would do.
func TestLockThousandWaiters(t *testing.T) {
	const waiters = 1000
	before := goleak.IgnoreCurrent()
	synctest.Test(t, func(t *testing.T) {
		s := open(t, store.Options[string, int]{})
		set(t, s, "a")
		start := time.Now()
		first := lock(t, s, "a")
		var order []int // only the holder appends
		var all sync.WaitGroup
		for i := range waiters {
			all.Go(func() {
				l, err := s.Lock(context.Background(), "a", 0)
				if err != nil {
					t.Error(err)
					return
				}
				order = append(order, i)
				if err := l.Unlock(); err != nil {
					t.Error(err)
				}
			})
			synctest.Wait()
		}
		require.Equal(t, waiters, s.Stats().Waiting)
		require.NoError(t, first.Unlock())
		all.Wait()
		require.Len(t, order, waiters)
		for i, got := range order {
			require.Equal(t, i, got)
		}
		require.Zero(t, time.Since(start), "nobody has waited for time to pass")
		require.Zero(t, s.Stats().Waiting)
		require.Zero(t, s.Stats().Locked)
	})
	goleak.VerifyNone(t, before)
}

// While they wait, nobody asks the clock, and one timer serves them all.
func TestLockWaitersDoNotPoll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := &askedClock{Clock: storetest.NewClock(t)}
		s := open(t, store.Options[string, int]{Clock: clock})
		set(t, s, "a")
		lock(t, s, "a")
		all := queueUp(t, s, 100)
		require.Equal(t, 1, clock.Timers())
		asked := clock.asked.Load()
		<-time.After(time.Minute) // of the bubble's time, for those who go by that
		clock.Advance(store.DefaultMaxLease - 1)
		synctest.Wait()
		require.Equal(t, asked, clock.asked.Load())
		clock.Advance(1)
		require.Equal(t, []int{0}, served(all))
		require.LessOrEqual(t, clock.asked.Load(), asked+3, "the timer alone has done it, and armed the next")
		require.NoError(t, s.Clear())
		refused(t, s, all[1:], store.ErrNotFound)
		require.Zero(t, clock.Timers())
	})
}

type askedClock struct {
	*storetest.Clock
	asked atomic.Int64
}

func (c *askedClock) Now() time.Time {
	c.asked.Add(1)
	return c.Clock.Now()
}

// One whose context ends leaves the queue, and the others keep their order.
func TestLockWaiterGivesUp(t *testing.T) {
	bubble(t, store.Options[string, int]{}, func(t *testing.T, s *store.Store[string, int], _ *storetest.Clock) {
		holder := lock(t, s, "a")
		var all []*queued
		var giveUp []context.CancelFunc
		for range 6 {
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			all = append(all, queue(ctx, s, 0))
			giveUp = append(giveUp, cancel)
		}
		for i, gone := range []int{3, 0, 5} { // from the middle, the front, the back
			giveUp[gone]()
			synctest.Wait()
			require.True(t, all[gone].returned)
			require.Equal(t, context.Canceled, all[gone].err)
			require.Nil(t, all[gone].lease)
			require.Equal(t, 5-i, s.Stats().Waiting)
		}
		require.Empty(t, served(all), "the holder is still there")
		require.NoError(t, holder.Unlock())
		require.Equal(t, []int{1}, served(all))
		giveUp[1]() // too late
		synctest.Wait()
		require.NoError(t, all[1].lease.Set(7))
		require.NoError(t, all[1].lease.Unlock())
		require.Equal(t, []int{1, 2}, served(all))
		require.NoError(t, all[2].lease.Unlock())
		require.Equal(t, []int{1, 2, 4}, served(all))
		require.NoError(t, all[4].lease.Unlock())
		require.Zero(t, s.Stats().Locked)
		require.NoError(t, lock(t, s, "a").Unlock())
	})
}

// The queue is empty again when the last waiter has left it, and the lease goes
// on as if nobody had come.
func TestLockOnlyWaiterGivesUp(t *testing.T) {
	bubble(t, store.Options[string, int]{}, func(t *testing.T, s *store.Store[string, int], clock *storetest.Clock) {
		holder := lock(t, s, "a")
		ctx, cancel := context.WithCancel(context.Background())
		q := queue(ctx, s, 0)
		require.Equal(t, 1, clock.Timers())
		cancel()
		refused(t, s, []*queued{q}, context.Canceled)
		require.Zero(t, clock.Timers(), "nobody wants to know")
		require.Equal(t, store.ErrLocked, s.Set("a", 7))
		require.NoError(t, holder.Unlock())
		require.NoError(t, s.Set("a", 7))
	})
}

// With a context that has ended, Lock returns its error, be the key free or not.
func TestLockWithEndedContext(t *testing.T) {
	s, _ := fake(t, store.Options[string, int]{})
	set(t, s, "a")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for range 2 {
		_, err := s.Lock(ctx, "a", 0)
		require.Equal(t, context.Canceled, err)
		l := lock(t, s, "a")
		_, err = s.Lock(ctx, "a", 0)
		require.Equal(t, context.Canceled, err)
		require.NoError(t, l.Unlock())
	}
}

// A waiter that gives up just when its turn comes either has the lease or has
// left the queue: the lock is never lost on the way.
func TestLockWaiterGivesUpWhenServed(t *testing.T) {
	s, _ := fake(t, store.Options[string, int]{})
	set(t, s, "a")
	for range 500 {
		holder := lock(t, s, "a")
		ctx, cancel := context.WithCancel(context.Background())
		var all sync.WaitGroup
		for range 3 {
			all.Go(func() {
				l, err := s.Lock(ctx, "a", 0)
				if err == nil {
					err = l.Unlock()
				}
				if err != nil && err != context.Canceled {
					t.Error(err)
				}
			})
		}
		all.Go(cancel)
		require.NoError(t, holder.Unlock())
		all.Wait()
		require.Zero(t, s.Stats().Waiting)
		require.Zero(t, s.Stats().Locked)
	}
}

// Those who wait for an entry that goes are told so; a new entry for the key is
// nobody's.
func TestLockWaitersOfRemovedEntry(t *testing.T) {
	for name, remove := range map[string]func(s *store.Store[string, int], holder *store.Lease[string, int], clock *storetest.Clock) error{
		"Lease.Delete": func(_ *store.Store[string, int], holder *store.Lease[string, int], _ *storetest.Clock) error {
			return holder.Delete()
		},
		"Clear": func(s *store.Store[string, int], _ *store.Lease[string, int], _ *storetest.Clock) error {
			return s.Clear()
		},
		"TTL": func(_ *store.Store[string, int], _ *store.Lease[string, int], clock *storetest.Clock) error {
			clock.Advance(20 * time.Second)
			return nil
		},
		"Import": func(s *store.Store[string, int], _ *store.Lease[string, int], clock *storetest.Clock) error {
			var snapshot bytes.Buffer
			other, err := store.New(store.Options[string, int]{Clock: clock})
			if err == nil {
				err = other.Export(&snapshot)
			}
			if err == nil {
				err = other.Close()
			}
			if err == nil {
				err = s.Import(&snapshot)
			}
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, store.Options[string, int]{TTL: 20 * time.Second}, func(t *testing.T, s *store.Store[string, int], clock *storetest.Clock) {
				holder := lock(t, s, "a")
				all := queueUp(t, s, 3)
				require.NoError(t, remove(s, holder, clock))
				refused(t, s, all, store.ErrNotFound)
				require.Equal(t, 0, s.Len())
				set(t, s, "a")
				require.NoError(t, lock(t, s, "a").Unlock())
			})
		})
	}
}

func TestLockWaitersAtClose(t *testing.T) {
	bubble(t, store.Options[string, int]{}, func(t *testing.T, s *store.Store[string, int], clock *storetest.Clock) {
		holder := lock(t, s, "a")
		all := queueUp(t, s, 10)
		require.NoError(t, s.Close())
		refused(t, s, all, store.ErrClosed)
		require.Equal(t, store.ErrClosed, holder.Unlock())
		require.Zero(t, clock.Timers())
	})
}
