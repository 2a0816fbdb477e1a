package clock

import (
	"container/heap"
	"sync"
	"time"
)

// Fake is a clock that stands still until [Fake.Advance] or [Fake.Set] moves
// it. The zero Fake is ready to use and shows 1970-01-01 00:00:00 UTC. It is
// safe for concurrent use, but only one goroutine should move it at a time.
type Fake struct {
	mu     sync.Mutex // guards the fields below
	now    time.Time  // zero stands for 1970
	timers timerHeap  // what is still to run, earliest first
	armed  uint64     // timers ever armed; breaks ties between equal times
}

// Now returns the time shown.
func (c *Fake) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.nowLocked()
}

func (c *Fake) nowLocked() time.Time {
	if c.now.IsZero() {
		return time.Unix(0, 0).UTC()
	}
	return c.now
}

// AfterFunc has f run by the Advance or Set that moves the clock to d from
// now or beyond. It never runs f itself, not even when d is 0 or less. stop
// reports whether it kept f from running.
func (c *Fake) AfterFunc(d time.Duration, f func()) (stop func() bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.armed++
	t := &timer{at: c.nowLocked().Add(max(d, 0)), seq: c.armed, f: f}
	heap.Push(&c.timers, t)
	return func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		if t.index < 0 {
			return false
		}
		heap.Remove(&c.timers, t.index)
		return true
	}
}

// Advance moves the clock by d, running on the way what falls due; see Set.
func (c *Fake) Advance(d time.Duration) { c.Set(c.Now().Add(d)) }

// Set moves the clock to target. What falls due on the way runs in the
// caller's goroutine, in the order of its time and with the clock at that
// time, also what is armed by what runs. Set returns when all of it has
// returned. A target in the past moves the clock back and runs nothing.
func (c *Fake) Set(target time.Time) {
	for {
		f := c.step(target)
		if f == nil {
			return
		}
		f()
	}
}

// step moves the clock to the next timer due by target and takes that timer
// off, or, when there is none, to target itself and returns nil.
func (c *Fake) step(target time.Time) func() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.timers) == 0 || c.timers[0].at.After(target) {
		c.now = target
		return nil
	}
	t := heap.Pop(&c.timers).(*timer)
	if t.at.After(c.now) {
		c.now = t.at
	}
	return t.f
}

// Timers returns how many timers are armed.
func (c *Fake) Timers() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.timers)
}

type timer struct {
	at    time.Time
	seq   uint64
	f     func()
	index int // in the heap; -1 once it has run or was stopped
}

type timerHeap []*timer

func (h timerHeap) Len() int { return len(h) }

func (h timerHeap) Less(i, j int) bool {
	if h[i].at.Equal(h[j].at) {
		return h[i].seq < h[j].seq
	}
	return h[i].at.Before(h[j].at)
}

func (h timerHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

func (h *timerHeap) Push(x any) {
	t := x.(*timer)
	t.index = len(*h)
	*h = append(*h, t)
}

func (h *timerHeap) Pop() any {
	old := *h
	t := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	t.index = -1
	return t
}
