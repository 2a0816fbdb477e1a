package store

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
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
