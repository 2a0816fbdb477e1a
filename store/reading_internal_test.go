package store

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/internal/clock"
)

// countingClock moves with each reading, so that reads go past mu.
type countingClock struct{ n, armed atomic.Int64 }

func (c *countingClock) Steady() {}

func (c *countingClock) Now() time.Time { return time.Unix(1e9, c.n.Add(1)) }

func (c *countingClock) AfterFunc(time.Duration, func()) (stop func() bool) {
	c.armed.Add(1)
	return func() bool { return true }
}

// skip moves it on.
func (c *countingClock) skip(d time.Duration) { c.n.Add(int64(d)) }

// An operation reads the clock once, whether it goes past mu, or turns out to need that. To
// arm a timer takes two more.
func TestOneReadingOfTheClock(t *testing.T) {
	c := new(countingClock)
	s, err := New(Options[string, int]{TTL: time.Hour, IdleTimeout: time.Minute, Clock: c})
	require.NoError(t, err)
	defer s.Close()
	require.True(t, s.quickSets, "the clock is steady")
	reads := func(f func()) int {
		before, armed := c.n.Load(), c.armed.Load()
		f()
		return int(c.n.Load() - before - 2*(c.armed.Load()-armed))
	}
	operations := map[string]func(){
		"Get":         func() { _, _ = s.Get("a") },
		"Entry":       func() { _, _ = s.Entry("a") },
		"Peek":        func() { _, _ = s.Peek("a") },
		"Has":         func() { _ = s.Has("a") },
		"Metadata":    func() { _, _ = s.Metadata("a") },
		"Set":         func() { _ = s.Set("a", 1) },
		"a short Set": func() { _ = s.SetWithTTL("a", 1, time.Minute) },
		"SetIfAbsent": func() { _, _ = s.SetIfAbsent("a", 1) },
		"Touch":       func() { _ = s.Touch("a") },
		"Delete":      func() { _ = s.Delete("a") },
		"TryLock":     func() { _, _ = s.TryLock("a", time.Hour) },
	}
	states := map[string]func(){
		"absent": func() {},
		"live":   func() { require.NoError(t, s.Set("a", 1)) },
		"locked": func() {
			require.NoError(t, s.Set("a", 1))
			_, err := s.TryLock("a", 0)
			require.NoError(t, err)
		},
		"dead": func() {
			require.NoError(t, s.Set("a", 1))
			c.skip(time.Minute)
		},
	}
	for state, prepare := range states {
		for name, operation := range operations {
			require.NoError(t, s.Clear())
			prepare()
			require.LessOrEqual(t, reads(operation), 1, "%s: %s", state, name)
		}
	}
}

// tickingClock moves by so much with every so many readings.
type tickingClock struct {
	countingClock
	by    time.Duration
	every int64
}

func (c *tickingClock) Now() time.Time {
	return time.Unix(1e9, c.n.Add(1)/c.every*int64(c.by))
}

// Reads go past mu only if the clock tells one operation from the next.
func TestSteadyClocks(t *testing.T) {
	require.True(t, isSteady(&tickingClock{by: 42, every: 3}), "as on some laptops")
	require.True(t, isSteady(&tickingClock{by: 100, every: 5}), "as in some virtual machines")
	require.False(t, isSteady(&tickingClock{by: 500_000, every: 900}), "moved by an interrupt")
	require.False(t, isSteady(&tickingClock{by: 1, every: 1 << 40}), "stands still")
	require.True(t, isSteady(clock.System{}))
}

// An error of a load that is remembered no longer keeps no write under mu.
func TestWritesForgetErrorsThatAreOver(t *testing.T) {
	c := new(clock.Fake)
	c.Set(time.Unix(1e9, 0))
	s, err := New(Options[string, int]{ErrorTTL: time.Minute, Clock: c})
	require.NoError(t, err)
	defer s.Close()
	_, err = s.GetOrLoad(t.Context(), "a", func(context.Context, string) (int, error) { return 0, errors.New("none") })
	require.Error(t, err)
	require.NoError(t, s.Set("b", 1))
	require.NotZero(t, s.loads.active.Load())
	c.Advance(time.Minute)
	require.NoError(t, s.Set("b", 2))
	require.Zero(t, s.loads.active.Load())
}
