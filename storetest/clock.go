package storetest

import (
	"testing"
	"time"

	"github.com/latchkey-go/latchkey/internal/clock"
)

// Clock is a clock for tests that stands still until it is told to move. It
// fits [store.Options.Clock], and every interface with the same two methods.
//
// The zero Clock is ready too and shows 1970-01-01 00:00:00 UTC: for programs
// that replay recorded time. A Clock is safe for concurrent use, but only one
// goroutine should move it at a time.
type Clock struct {
	t    testing.TB // nil in the zero Clock
	fake clock.Fake
}

// NewClock returns a Clock that shows 2000-01-01 00:00:00 UTC, as the clock of
// a testing/synctest bubble does. Misuse fails t.
func NewClock(t testing.TB) *Clock {
	c := &Clock{t: t}
	c.fake.Set(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC))
	return c
}

// Now returns the time shown.
func (c *Clock) Now() time.Time { return c.fake.Now() }

// AfterFunc has f run by the Advance or Set that reaches d from now. stop
// reports whether it kept f from running.
func (c *Clock) AfterFunc(d time.Duration, f func()) (stop func() bool) {
	return c.fake.AfterFunc(d, f)
}

// Advance moves the clock forward by d. What falls due on the way runs in the
// caller's goroutine, in order and each with the clock at its own time, and
// has returned when Advance returns: nothing is left to wait for. A negative d
// fails the test; use [Clock.Set] to step back.
func (c *Clock) Advance(d time.Duration) {
	if d < 0 {
		const message = "storetest: Advance by a negative duration; Set steps back"
		if c.t == nil {
			panic(message)
		}
		c.t.Helper()
		c.t.Fatal(message)
	}
	c.fake.Advance(d)
}

// Set moves the clock to t. Forward it works like Advance; backward, as the
// wall clock of a machine may step, it runs nothing.
func (c *Clock) Set(t time.Time) { c.fake.Set(t) }

// Timers returns how many timers are armed: a store that has nothing to do on
// its own has none.
func (c *Clock) Timers() int { return c.fake.Timers() }
