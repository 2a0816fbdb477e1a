package store_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/store"
	"github.com/latchkey-go/latchkey/storetest"
)

// armedClock counts the timers that are armed.
type armedClock struct {
	*storetest.Clock
	armed int
}

func (c *armedClock) AfterFunc(d time.Duration, f func()) (stop func() bool) {
	c.armed++
	return c.Clock.AfterFunc(d, f)
}

// After a step back the store's time stands still until the clock has caught up,
// and the store sleeps until then: it does not keep looking.
func TestClockSteppedBackIsWaitedFor(t *testing.T) {
	clock := &armedClock{Clock: storetest.NewClock(t)}
	var gone removals[string, int]
	s := open(t, store.Options[string, int]{
		TTL: time.Minute, SweepInterval: time.Second, Clock: clock, OnRemove: gone.add,
	})
	set(t, s, "k")
	start := clock.Now()
	clock.Set(start.Add(-24 * time.Hour))
	require.NoError(t, s.SetWithTTL("short", 2, time.Nanosecond))
	l, err := s.TryLock("k", time.Second)
	require.NoError(t, err)
	done := l.Done()

	clock.armed = 0
	clock.Set(start)
	require.Empty(t, gone.take())
	require.False(t, closed(done))
	clock.Set(start.Add(time.Second))
	require.True(t, closed(done))
	require.Len(t, gone.take(), 1)
	clock.Set(start.Add(2 * time.Minute))
	require.Len(t, gone.take(), 1)
	require.Less(t, clock.armed, 10)
}
