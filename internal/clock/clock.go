// Package clock has the clocks of the store: the system's, the same read only once in
// a while, and a fake one that moves only when it is told to.
package clock

import "time"

// System is the clock of the machine. Its readings carry a monotonic part, so
// differences between them do not see steps of the wall clock.
type System struct{}

// Now returns the current time.
func (System) Now() time.Time { return time.Now() }

// Steady says that of two readings, one after the other, the second is the later.
func (System) Steady() {}

// AfterFunc runs f in a goroutine of its own once d has passed. stop reports
// whether it kept f from running.
func (System) AfterFunc(d time.Duration, f func()) (stop func() bool) {
	return time.AfterFunc(d, f).Stop
}
