package store

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Whoever reads, misses, or overwrites what is live does not wait for who has mu, nor does
// TinyLFU have to be told of it before mu is free.
func TestNobodyWaitsForTheLock(t *testing.T) {
	for name, o := range map[string]Options[string, int]{
		"LRU":               {TTL: time.Hour, IdleTimeout: time.Hour},
		"TinyLFU":           {TTL: time.Hour, IdleTimeout: time.Hour, Policy: TinyLFU},
		"LRU, coarse clock": {TTL: time.Hour, IdleTimeout: time.Hour, Clock: CoarseClock(time.Millisecond)},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := New(o)
			require.NoError(t, err)
			defer s.Close()
			require.NoError(t, s.Set("a", 1))
			s.mu.Lock()
			defer s.mu.Unlock() // lets those go who do wait
			for _, c := range []struct {
				does string
				do   func() bool // reports whether it went as it should
			}{
				{"Get", func() bool { v, err := s.Get("a"); return v == 1 && err == nil }},
				{"Get, miss", func() bool { _, err := s.Get("b"); return errors.Is(err, ErrNotFound) }},
				{"Peek", func() bool { v, ok := s.Peek("a"); return v == 1 && ok }},
				{"Peek, miss", func() bool { _, ok := s.Peek("b"); return !ok }},
				{"Has", func() bool { return s.Has("a") }},
				{"Has, miss", func() bool { return !s.Has("b") }},
				{"Set", func() bool { return s.Set("a", 2) == nil && s.Set("a", 1) == nil }},
				{"SetWithTTL", func() bool { return s.SetWithTTL("a", 1, 2*time.Hour) == nil }},
			} {
				done := make(chan bool, 1)
				go func() {
					for range 3 * tellEvery {
						if !c.do() {
							done <- false
							return
						}
					}
					done <- true
				}()
				select {
				case ok := <-done:
					require.True(t, ok, c.does)
				case <-time.After(10 * time.Second):
					require.Fail(t, c.does+" waits for the lock")
				}
			}
		})
	}
}
