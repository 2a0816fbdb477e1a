package redisstore_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/internal/testenv"
	"github.com/latchkey-go/latchkey/redisstore"
	"github.com/latchkey-go/latchkey/store"
)

// Fences rise over failovers, each to a replica that may have missed the last one,
// and over all else that TestFencesRise has.
func TestFencesRiseOverFailovers(t *testing.T) {
	draws := 10_000
	if testenv.Race {
		draws = 2000
	}
	t.Parallel()
	c := startCluster(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	s := open[string, int](t, connect(t, c.options()), redisstore.Options{Prefix: prefix(t), Timeout: time.Second})
	name := prefix(t) + "s:a"
	last := uint64(0)
	for i := range draws {
		require.NoError(t, patient(ctx, func() error { return draw(ctx, t, s, i, &last) }))
		switch {
		case i == draws/3:
			primary, replica := c.primaryOf(t, name)
			primary.kill()
			c.waitFor(t, replica, name)
			primary.start(t)
		case i == draws*2/3:
			c.settled(t)
			primary, replica := c.primaryOf(t, name)
			primary.kill()
			c.waitFor(t, replica, name)
		case i%500 == 0:
			c.alive(t).do(t, "SCRIPT", "FLUSH")
		}
	}
}

// draw takes the lock on an entry, which is removed now and then, and makes sure of
// its fence.
func draw(ctx context.Context, t *testing.T, s *redisstore.Store[string, int], i int, last *uint64) error {
	if _, err := s.SetIfAbsent(ctx, "a", i); err != nil {
		return err
	}
	l, err := s.Lock(ctx, "a", time.Second) // the one before may be held still: its end was not replicated
	if err != nil {
		return err
	}
	require.Greater(t, l.Fence(), *last)
	*last = l.Fence()
	end := l.Unlock
	if i%3 == 2 {
		end = l.Delete
	}
	if err := end(ctx); err != store.ErrLeaseLost {
		return err
	}
	return nil // it took too long; the fence is what counts
}
