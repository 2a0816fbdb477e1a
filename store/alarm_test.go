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

// movingClock is moved by somebody else just before a timer is armed.
type movingClock struct {
	*storetest.Clock
	once time.Duration // by so much, the next time
}

func (c *movingClock) AfterFunc(d time.Duration, f func()) (stop func() bool) {
	by := c.once
	c.once = 0
	c.Advance(by)
	return c.Clock.AfterFunc(d, f)
}

// A waiter is served at the lease's deadline, also if the clock has moved
// between the look at it and the arming of the timer.
func TestAlarmOfMovingClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := &movingClock{Clock: storetest.NewClock(t), once: 5 * time.Second}
		s, err := store.New(store.Options[string, int]{Clock: clock})
		require.NoError(t, err)
		require.NoError(t, s.Set("a", 1))
		_, err = s.TryLock("a", 10*time.Second)
		require.NoError(t, err)

		served := make(chan error, 1)
		go func() {
			_, err := s.Lock(context.Background(), "a", 0)
			served <- err
		}()
		synctest.Wait()
		clock.Advance(5*time.Second - 1)
		synctest.Wait()
		require.Empty(t, served)
		clock.Advance(1)
		synctest.Wait()
		require.Len(t, served, 1)
		require.NoError(t, <-served)
		require.NoError(t, s.Close())
	})
}
