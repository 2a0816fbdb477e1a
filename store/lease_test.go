package store_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/store"
)

// Nobody comes by any more, and still an abandoned lease keeps no memory.
func TestAbandonedLeaseIsSweptUp(t *testing.T) {
	var gone removals[string, int]
	s, clock := fake(t, store.Options[string, int]{
		IdleTimeout: time.Minute, SweepInterval: time.Second, MaxLease: 5 * time.Minute, OnRemove: gone.add,
	})
	set(t, s, "k")
	lock(t, s, "k")
	clock.Advance(6*time.Minute - 1)
	require.Empty(t, gone.take())
	clock.Advance(1)
	require.Equal(t, []store.Removal[string, int]{{Key: "k", Value: 1, Reason: store.ReasonExpired}}, gone.take())
	require.Zero(t, s.Stats().Entries)
	require.Zero(t, clock.Timers())
}

// The end of a lease counts as a use, and one that comes after it as a later one.
func TestUseAfterALapse(t *testing.T) {
	for name, use := range map[string]func(*store.Store[string, int]) error{
		"Get":   func(s *store.Store[string, int]) error { _, err := s.Get("b"); return err },
		"Entry": func(s *store.Store[string, int]) error { _, err := s.Entry("b"); return err },
		"Touch": func(s *store.Store[string, int]) error { return s.Touch("b") },
		"Set":   func(s *store.Store[string, int]) error { return s.Set("b", 1) },
		"Update": func(s *store.Store[string, int]) error {
			_, err := s.Update("b", func(n int, _ bool) (int, error) { return n, nil })
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, clock := fake(t, store.Options[string, int]{Capacity: 2})
			set(t, s, "a", "b")
			lock(t, s, "a")
			clock.Advance(store.DefaultMaxLease)
			require.NoError(t, use(s)) // the first to see that the lease is over
			set(t, s, "c")
			require.Equal(t, []string{"b", "c"}, has(s, "a", "b", "c"))
		})
	}
}
