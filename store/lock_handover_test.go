package store_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/store"
	"github.com/latchkey-go/latchkey/storetest"
)

// A lease that is handed over runs from then on, not from when its holder began
// to wait.
func TestLockHandOverDeadline(t *testing.T) {
	bubble(t, store.Options[string, int]{}, func(t *testing.T, s *store.Store[string, int], clock *storetest.Clock) {
		start := clock.Now()
		holder, err := s.TryLock("a", 20*time.Second)
		require.NoError(t, err)
		all := queueUp(t, s, 3) // for 10 s each
		clock.Advance(15 * time.Second)
		require.NoError(t, holder.Unlock())
		require.Equal(t, []int{0}, served(all))
		require.Equal(t, start.Add(25*time.Second), all[0].lease.Deadline())
		clock.Advance(10*time.Second - 1)
		require.Equal(t, []int{0}, served(all))
		require.NoError(t, all[0].lease.Set(7), "still the holder")
		clock.Advance(1)
		require.Equal(t, []int{0, 1}, served(all), "a lapse hands over too")
		require.Equal(t, start.Add(35*time.Second), all[1].lease.Deadline())
		require.Equal(t, store.ErrLeaseLost, all[0].lease.Set(8))
		clock.Advance(time.Hour)
		require.Equal(t, []int{0, 1, 2}, served(all))
		require.Equal(t, start.Add(45*time.Second), all[2].lease.Deadline())
		require.Equal(t, store.ErrLeaseLost, all[2].lease.Unlock())
		require.NoError(t, s.CompareAndSet("a", 2, 9), "one write, by the one who held it")
	})
}

// The deadline moves with Extend for those who wait, too.
func TestLockWaitForExtendedLease(t *testing.T) {
	bubble(t, store.Options[string, int]{}, func(t *testing.T, s *store.Store[string, int], clock *storetest.Clock) {
		holder, err := s.TryLock("a", 10*time.Second)
		require.NoError(t, err)
		all := queueUp(t, s, 2)
		require.NoError(t, holder.Extend(20*time.Second), "longer")
		clock.Advance(20*time.Second - 1)
		require.Empty(t, served(all))
		clock.Advance(1)
		require.Equal(t, []int{0}, served(all))
		require.NoError(t, all[0].lease.Extend(3*time.Second), "shorter")
		clock.Advance(3*time.Second - 1)
		require.Equal(t, []int{0}, served(all))
		clock.Advance(1)
		require.Equal(t, []int{0, 1}, served(all))
	})
}

// tardyClock runs no timer: whatever ends by time is noticed by who comes by.
type tardyClock struct{ *storetest.Clock }

func (tardyClock) AfterFunc(time.Duration, func()) (stop func() bool) {
	return func() bool { return true }
}

// The next waiter has the lease before anybody who comes later, even if the one
// who comes is the first to notice the end.
func TestLockNoBarging(t *testing.T) {
	for name, end := range map[string]func(s *store.Store[string, int], holder *store.Lease[string, int], clock *storetest.Clock) error{
		"lapse": func(_ *store.Store[string, int], _ *store.Lease[string, int], clock *storetest.Clock) error {
			clock.Advance(5 * time.Second)
			return nil
		},
		"Unlock": func(_ *store.Store[string, int], holder *store.Lease[string, int], _ *storetest.Clock) error {
			return holder.Unlock()
		},
		"ForceUnlock": func(s *store.Store[string, int], _ *store.Lease[string, int], _ *storetest.Clock) error {
			s.ForceUnlock("a")
			return nil
		},
	} {
		for who, barge := range map[string]func(s *store.Store[string, int]) error{
			"TryLock": func(s *store.Store[string, int]) error { _, err := s.TryLock("a", 0); return err },
			"Set":     func(s *store.Store[string, int]) error { return s.Set("a", 7) },
			"Get":     func(s *store.Store[string, int]) error { _, err := s.Get("a"); return err },
			"Delete":  func(s *store.Store[string, int]) error { return s.Delete("a") },
		} {
			t.Run(name+" before "+who, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					clock := storetest.NewClock(t)
					s := open(t, store.Options[string, int]{Clock: tardyClock{clock}})
					set(t, s, "a")
					holder, err := s.TryLock("a", 5*time.Second)
					require.NoError(t, err)
					all := queueUp(t, s, 2)
					require.NoError(t, end(s, holder, clock))
					require.Equal(t, store.ErrLocked, barge(s), "whoever comes first")
					require.Equal(t, []int{0}, served(all))
					late := queue(context.Background(), s, 0)
					require.NoError(t, all[0].lease.Unlock())
					require.Equal(t, []int{0, 1}, served(all))
					require.False(t, late.returned)
					require.NoError(t, all[1].lease.Unlock())
					synctest.Wait()
					require.True(t, late.returned)
				})
			})
		}
	}
}

func TestLockForceUnlock(t *testing.T) {
	bubble(t, store.Options[string, int]{}, func(t *testing.T, s *store.Store[string, int], clock *storetest.Clock) {
		require.False(t, s.ForceUnlock("a"), "not locked")
		holder := lock(t, s, "a")
		done := holder.Done()
		all := queueUp(t, s, 2)
		require.True(t, s.ForceUnlock("a"))
		require.True(t, closed(done))
		require.Equal(t, []int{0}, served(all))
		require.Equal(t, store.ErrLeaseLost, holder.Set(7))
		require.Equal(t, store.ErrLeaseLost, holder.Unlock())
		require.NoError(t, all[0].lease.Set(8), "the one served is no loser")
		require.True(t, s.ForceUnlock("a"))
		require.Equal(t, []int{0, 1}, served(all))
		clock.Advance(10 * time.Second)
		require.False(t, s.ForceUnlock("a"), "the lease has lapsed")
		value, err := s.Get("a")
		require.NoError(t, err)
		require.Equal(t, 8, value)
	})
}

// Who waits for one key gets nothing from another.
func TestLockQueuesByKey(t *testing.T) {
	bubble(t, store.Options[string, int]{}, func(t *testing.T, s *store.Store[string, int], clock *storetest.Clock) {
		set(t, s, "a", "b")
		holder := lock(t, s, "a")
		all := queueUp(t, s, 1)
		other, err := s.TryLock("b", time.Second)
		require.NoError(t, err)
		clock.Advance(time.Second)
		require.Empty(t, served(all))
		require.Equal(t, store.ErrLeaseLost, other.Unlock())
		require.NoError(t, lock(t, s, "b").Unlock())
		require.Empty(t, served(all))
		require.NoError(t, holder.Unlock())
		require.Equal(t, []int{0}, served(all))
	})
}
