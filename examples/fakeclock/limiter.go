package main

import (
	"time"

	"github.com/latchkey-go/latchkey/store"
)

// Limiter slows down those who guess passwords: after a number of failures in
// a row a user is locked out, until nobody has tried for a while.
type Limiter struct {
	most     int
	failures *store.Store[string, int] // by user
}

// NewLimiter returns a Limiter that locks out after most failures, for the time
// given. A nil clock is the system's; tests bring their own.
func NewLimiter(most int, lockout time.Duration, clock store.Clock) (*Limiter, error) {
	failures, err := store.New(store.Options[string, int]{Capacity: 100_000, TTL: lockout, Clock: clock})
	if err != nil {
		return nil, err
	}
	return &Limiter{most, failures}, nil
}

// Allowed reports whether user may try.
func (l *Limiter) Allowed(user string) bool {
	n, _ := l.failures.Peek(user) // 0 if there is no entry
	return n < l.most
}

// Failed counts a wrong password. Each one starts the lockout time anew, since
// the TTL runs from the last write.
func (l *Limiter) Failed(user string) error {
	_, err := l.failures.Update(user, func(n int, _ bool) (int, error) { return n + 1, nil })
	return err
}

// Succeeded forgets the failures of user.
func (l *Limiter) Succeeded(user string) error { return l.failures.Delete(user) }

// Close releases what the Limiter holds.
func (l *Limiter) Close() error { return l.failures.Close() }
