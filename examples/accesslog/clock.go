package main

import (
	"slices"
	"sync"
	"time"
)

// logClock shows the time of the log. What the store wants to do in a while, which
// is to have the disk keep what it has been given, comes in real time, as it is about
// real crashes: by the next request then, so that all is told in one goroutine.
type logClock struct {
	mu      sync.Mutex // guards the fields below
	now     time.Time
	waiting []*timer
}

type timer struct {
	at time.Time // in real time
	f  func()
}

func (c *logClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Set moves the clock to t.
func (c *logClock) Set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = t
}

func (c *logClock) AfterFunc(d time.Duration, f func()) (stop func() bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := &timer{time.Now().Add(d), f}
	c.waiting = append(c.waiting, t)
	return func() bool { return c.take(func(w *timer) bool { return w == t }) != nil }
}

// take takes the first timer that is the one off the list; nil = there is none.
func (c *logClock) take(is func(*timer) bool) *timer {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.IndexFunc(c.waiting, is)
	if i < 0 {
		return nil
	}
	t := c.waiting[i]
	c.waiting = slices.Delete(c.waiting, i, i+1)
	return t
}

// ring does what is due in real time.
func (c *logClock) ring() {
	now := time.Now()
	due := func(t *timer) bool { return !t.at.After(now) }
	for t := c.take(due); t != nil; t = c.take(due) {
		t.f()
	}
}
