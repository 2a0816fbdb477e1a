package redisstore_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/redisstore"
	"github.com/latchkey-go/latchkey/store"
)

func TestSmoke(t *testing.T) {
	ctx := t.Context()
	s := open[string, int](t, connect(t, plainServer(t).options()), redisstore.Options{Prefix: prefix(t), IdleTimeout: time.Minute, TTL: time.Hour})
	_, err := s.Get(ctx, "a")
	require.Equal(t, store.ErrNotFound, err)
	require.NoError(t, s.Set(ctx, "a", 1))
	v, err := s.Get(ctx, "a")
	require.NoError(t, err)
	require.Equal(t, 1, v)
	e, err := s.Entry(ctx, "a")
	require.NoError(t, err)
	t.Logf("%+v", e)
	v, err = s.Update(ctx, "a", func(old int, found bool) (int, error) { return old + 1, nil })
	require.NoError(t, err)
	require.Equal(t, 2, v)
	l, err := s.TryLock(ctx, "a", 0)
	require.NoError(t, err)
	_, err = s.Get(ctx, "a")
	require.Equal(t, store.ErrLocked, err)
	require.NoError(t, l.Set(ctx, 7))
	n, err := s.Len(ctx)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	for e, err := range s.All(ctx) {
		require.NoError(t, err)
		t.Logf("%+v", e)
	}
	require.NoError(t, l.Unlock(ctx))
	require.NoError(t, l.Unlock(ctx))
	t.Log(plainServer(t).do(t, "HGETALL", prefix(t)+"s:a"))
	require.NoError(t, s.Delete(ctx, "a"))
}
