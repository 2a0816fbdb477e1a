package main

import (
	"sync"
	"time"
)

// logClock shows the time of the log. What the store wants to do in a while, which
// is to have the disk keep what it has been given, comes in real time: it is about
// real crashes.
type logClock struct {
	mu  sync.Mutex // guards now
	now time.Time
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
	return time.AfterFunc(d, f).Stop
}
