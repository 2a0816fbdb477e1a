package redisstore_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/redisstore"
	"github.com/latchkey-go/latchkey/store"
)

// patient repeats what fails because a part of the cluster is down, until it works.
func patient(ctx context.Context, f func() error) error {
	for {
		err := f()
		if !errors.Is(err, redisstore.ErrUnavailable) && !errors.Is(err, redisstore.ErrUnproven) && !errors.Is(err, store.ErrReadOnly) {
			return err
		}
		select {
		case <-ctx.Done():
			return errors.Join(err, ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// A primary that is killed while somebody has a lock takes no change with it that
// was replicated; the lock is held on, fences rise, and the late are refused.
func TestFailoverDuringLock(t *testing.T) {
	c := startCluster(t)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	o := redisstore.Options{Prefix: prefix(t), Durability: redisstore.Replicated, Timeout: 2 * time.Second}
	a, b := open[string, int](t, connect(t, c.options()), o), open[string, int](t, connect(t, c.options()), o)
	require.NoError(t, a.Set(ctx, "a", 1))
	held, err := a.TryLock(ctx, "a", 20*time.Second)
	require.NoError(t, err)
	require.NoError(t, held.Set(ctx, 2))
	waiting := make(chan store.SharedLease[string, int], 1)
	go func() {
		_ = patient(ctx, func() error { // else nobody comes
			l, err := b.Lock(ctx, "a", 0)
			if err == nil {
				waiting <- l
			}
			return err
		})
	}()

	primary, replica := c.primaryOf(t, prefix(t)+"s:a")
	primary.kill()
	c.waitFor(t, replica, prefix(t)+"s:a")
	primary.start(t) // or else there is nobody to replicate to
	require.NoError(t, patient(ctx, func() error {
		_, err := b.TryLock(ctx, "a", 0)
		if err == store.ErrLocked {
			return nil
		}
		return errors.Join(err, errors.New("not locked"))
	}))
	require.NoError(t, patient(ctx, func() error { return held.Set(ctx, 3) }))
	require.NoError(t, patient(ctx, func() error { return held.Unlock(ctx) }))
	next := <-waiting
	require.Greater(t, next.Fence(), held.Fence())
	got, err := next.Get(ctx)
	require.NoError(t, err)
	require.Equal(t, 3, got)
	require.Equal(t, store.ErrLeaseLost, held.Set(ctx, 4))
	n, err := b.Len(ctx)
	require.NoError(t, err)
	require.Equal(t, 1, n)

	c.settled(t)
	l, err := a.Resume(ctx, "a", next.Fence())
	require.NoError(t, err)
	require.NoError(t, l.Unlock(ctx))
}
