package clock_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/internal/clock"
)

var start = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// newFake returns a clock that shows start, and a way to arm timers that note
// in log when they ran.
func newFake() (c *clock.Fake, arm func(d time.Duration, name string) (stop func() bool), log *[]string) {
	c, log = new(clock.Fake), new([]string)
	c.Set(start)
	arm = func(d time.Duration, name string) func() bool {
		return c.AfterFunc(d, func() { *log = append(*log, name+" at "+c.Now().Sub(start).String()) })
	}
	return c, arm, log
}

func TestZeroFake(t *testing.T) {
	var c clock.Fake
	require.Equal(t, time.Unix(0, 0).UTC(), c.Now())
	ran := false
	c.AfterFunc(time.Hour, func() { ran = true })
	c.Advance(time.Hour - 1)
	require.False(t, ran)
	c.Advance(1)
	require.True(t, ran)
	require.Equal(t, time.Unix(3600, 0).UTC(), c.Now())
}

func TestTimersRunInOrderEachAtItsTime(t *testing.T) {
	c, arm, log := newFake()
	arm(3*time.Second, "c")
	arm(time.Second, "a")
	arm(3*time.Second, "d: armed after c")
	arm(2*time.Second, "b")
	arm(4*time.Second, "e")
	c.Advance(3 * time.Second)
	require.Empty(t, cmp.Diff([]string{"a at 1s", "b at 2s", "c at 3s", "d: armed after c at 3s"}, *log))
	require.Equal(t, start.Add(3*time.Second), c.Now())
	require.Equal(t, 1, c.Timers())
	c.Set(start.Add(time.Minute))
	require.Equal(t, "e at 4s", (*log)[4])
	require.Equal(t, start.Add(time.Minute), c.Now())
	require.Zero(t, c.Timers())
}

func TestTimerIsNotEarly(t *testing.T) {
	c, arm, log := newFake()
	arm(time.Second, "a")
	c.Advance(time.Second - 1)
	require.Empty(t, *log)
	c.Advance(1)
	require.Len(t, *log, 1)
}

func TestTimerAtOnceWaitsForTheClock(t *testing.T) {
	c, arm, log := newFake()
	arm(0, "a")
	arm(-time.Hour, "b")
	require.Empty(t, *log, "AfterFunc itself runs nothing")
	c.Advance(0)
	require.Empty(t, cmp.Diff([]string{"a at 0s", "b at 0s"}, *log))
}

func TestTimerArmsTheNext(t *testing.T) {
	c, _, _ := newFake()
	var at []time.Duration
	var tick func()
	tick = func() {
		at = append(at, c.Now().Sub(start))
		c.AfterFunc(time.Second, tick)
	}
	c.AfterFunc(time.Second, tick)
	c.Advance(3500 * time.Millisecond)
	require.Empty(t, cmp.Diff([]time.Duration{time.Second, 2 * time.Second, 3 * time.Second}, at))
	require.Equal(t, 1, c.Timers())
}

func TestTimerMovesTheClock(t *testing.T) {
	c, arm, log := newFake()
	c.AfterFunc(time.Second, func() { c.Advance(2 * time.Second) })
	arm(2*time.Second, "inner")
	arm(10*time.Second, "outer")
	c.Advance(20 * time.Second)
	require.Empty(t, cmp.Diff([]string{"inner at 2s", "outer at 10s"}, *log))
	require.Equal(t, start.Add(20*time.Second), c.Now())
}

func TestStop(t *testing.T) {
	c, arm, log := newFake()
	stopA, stopB, stopC := arm(time.Second, "a"), arm(time.Second, "b"), arm(time.Second, "c")
	require.True(t, stopB())
	require.False(t, stopB(), "the second time")
	require.Equal(t, 2, c.Timers())
	c.Advance(time.Second)
	require.Empty(t, cmp.Diff([]string{"a at 1s", "c at 1s"}, *log))
	require.False(t, stopA(), "it has run")
	require.False(t, stopC())

	var stop func() bool
	c.AfterFunc(time.Second, func() { require.True(t, stop(), "one due at the same time") })
	stop = arm(time.Second, "never")
	c.Advance(time.Hour)
	require.Len(t, *log, 2)
}

func TestSetBack(t *testing.T) {
	c, arm, log := newFake()
	arm(time.Second, "a")
	c.Set(start.Add(-time.Hour))
	require.Equal(t, start.Add(-time.Hour), c.Now())
	require.Empty(t, *log)
	require.Equal(t, 1, c.Timers(), "still armed")
	c.Advance(time.Hour)
	require.Empty(t, *log)
	c.Advance(time.Second)
	require.Empty(t, cmp.Diff([]string{"a at 1s"}, *log))
}

func TestSetBackByATimer(t *testing.T) {
	c, arm, log := newFake()
	c.AfterFunc(time.Second, func() { c.Set(start) })
	arm(2*time.Second, "b")
	c.Advance(5 * time.Second)
	require.Empty(t, cmp.Diff([]string{"b at 2s"}, *log))
	require.Equal(t, start.Add(5*time.Second), c.Now())
}

// While the clock is moved, others read it, arm timers and stop them: each
// timer runs once or is stopped, and none runs early.
func TestConcurrentUse(t *testing.T) {
	c, _, _ := newFake()
	var armed, ran, stopped atomic.Int64
	var users sync.WaitGroup
	for range 4 {
		users.Go(func() {
			for i := range 500 {
				due := c.Now().Add(time.Duration(i % 7))
				stop := c.AfterFunc(time.Duration(i%7), func() {
					ran.Add(1)
					if now := c.Now(); now.Before(due) {
						t.Errorf("due at %v, ran at %v", due, now)
					}
				})
				armed.Add(1)
				if i%3 == 0 && stop() {
					stopped.Add(1)
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { users.Wait(); close(done) }()
	for moving := true; moving; c.Advance(1) {
		select {
		case <-done:
			moving = false
		default:
		}
	}
	c.Advance(10)
	require.Equal(t, armed.Load(), ran.Load()+stopped.Load())
	require.Zero(t, c.Timers())
}

func TestSystem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c clock.System
		require.Equal(t, time.Now(), c.Now())
		ran := make(chan time.Time, 1)
		c.AfterFunc(time.Hour, func() { ran <- c.Now() })
		before := c.Now()
		require.Equal(t, time.Hour, (<-ran).Sub(before))

		stop := c.AfterFunc(time.Hour, func() { t.Error("stopped, and ran") })
		require.True(t, stop())
		require.False(t, stop())
	})
}
