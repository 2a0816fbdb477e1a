package clock

import (
	"sync"
	"sync/atomic"
	"time"
)

// Coarse is the system's clock, read once in a while: who asks gets the time of the
// last reading, which costs less than a reading of their own. While nobody asks,
// nothing runs.
type Coarse struct {
	Resolution time.Duration // time between two readings
	base       time.Time

	elapsed atomic.Int64 // from base to the last reading; asleep = nobody has asked since
	used    atomic.Bool  // somebody has asked since the last reading

	mu      sync.Mutex  // guards the fields below; held by who wakes the clock up
	timer   *time.Timer // nil until it has been awake once
	stopped bool
}

const asleep = -1

// NewCoarse returns a clock that is read every so often.
func NewCoarse(resolution time.Duration) *Coarse {
	c := &Coarse{Resolution: resolution, base: time.Now()}
	c.elapsed.Store(asleep)
	return c
}

// Elapsed returns the time from when the clock was made to its last reading.
func (c *Coarse) Elapsed() time.Duration {
	e := c.elapsed.Load()
	if e == asleep {
		return c.wake()
	}
	if !c.used.Load() { // or all who ask would write to one cache line
		c.used.Store(true)
	}
	return time.Duration(e)
}

// ElapsedAt returns what Elapsed was when Now returned t.
func (c *Coarse) ElapsedAt(t time.Time) time.Duration { return t.Sub(c.base) }

// Now returns the time of the last reading.
func (c *Coarse) Now() time.Time { return c.base.Add(c.Elapsed()) }

// AfterFunc is that of [System].
func (c *Coarse) AfterFunc(d time.Duration, f func()) (stop func() bool) {
	return System{}.AfterFunc(d, f)
}

func (c *Coarse) wake() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.elapsed.Load(); e != asleep {
		return time.Duration(e)
	}
	e := time.Since(c.base)
	if c.stopped {
		return e
	}
	c.used.Store(false)
	c.elapsed.Store(int64(e))
	if c.timer == nil {
		c.timer = time.AfterFunc(c.Resolution, c.tick)
	} else {
		c.timer.Reset(c.Resolution)
	}
	return e
}

// tick reads the time, or lets the clock go to sleep if nobody has asked for long.
func (c *Coarse) tick() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.used.Swap(false) || c.stopped {
		c.elapsed.Store(asleep)
		return
	}
	c.elapsed.Store(int64(time.Since(c.base)))
	c.timer.Reset(c.Resolution)
}

// Stop lets the clock go to sleep for good: who asks still gets the time, and it costs a
// reading each time.
func (c *Coarse) Stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stopped = true
	c.elapsed.Store(asleep)
	if c.timer != nil {
		c.timer.Stop()
	}
}
