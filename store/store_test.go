package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/persist"
	"github.com/latchkey-go/latchkey/store"
	"github.com/latchkey-go/latchkey/storetest"
)

func TestSmoke(t *testing.T) {
	clock := storetest.NewClock(t)
	dir := t.TempDir() + "/s"
	var gone []store.Removal[string, int]
	o := store.Options[string, int]{Capacity: 3, TTL: time.Hour, Clock: clock,
		OnRemove: func(r store.Removal[string, int]) { gone = append(gone, r) },
		Persist:  persist.Config{Dir: dir}}
	s, err := store.New(o)
	require.NoError(t, err)
	for i, k := range []string{"a", "b", "c", "d"} {
		require.NoError(t, s.Set(k, i))
	}
	_, err = s.Get("a")
	require.ErrorIs(t, err, store.ErrNotFound)
	l, err := s.TryLock("b", 0)
	require.NoError(t, err)
	require.ErrorIs(t, s.Set("b", 7), store.ErrLocked)
	require.NoError(t, l.Set(8))
	require.NoError(t, s.Snapshot(context.Background()))
	require.NoError(t, s.Close())
	s, err = store.New(o)
	require.NoError(t, err)
	_, err = s.Get("b")
	require.ErrorIs(t, err, store.ErrLocked)
	l2, err := s.Resume("b", l.Fence())
	require.NoError(t, err)
	require.NoError(t, l2.Unlock())
	require.NoError(t, l2.Unlock())
	v, err := s.Get("b")
	require.NoError(t, err)
	require.Equal(t, 8, v)
	v, err = s.Update("b", func(old int, found bool) (int, error) { return old + 1, nil })
	require.NoError(t, err)
	require.Equal(t, 9, v)
	t.Log(gone, s, s.Stats())
	clock.Advance(time.Hour)
	require.Equal(t, 0, s.Len())
	require.NoError(t, s.Close())
	require.Zero(t, clock.Timers())
}
