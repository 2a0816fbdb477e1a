package store_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/persist"
	"github.com/latchkey-go/latchkey/store"
	"github.com/latchkey-go/latchkey/storetest"
)

// A lease that lapsed long ago does not keep its entry alive: the idle timeout
// has run since, and a Get that is the first to come by sees it.
func TestLapsedLeaseLetsIdleOut(t *testing.T) {
	clock := storetest.NewClock(t)
	s, err := store.New(store.Options[string, int]{IdleTimeout: time.Minute, SweepInterval: time.Hour, Clock: clock})
	require.NoError(t, err)
	defer s.Close()
	require.NoError(t, s.Set("k", 1))
	_, err = s.TryLock("k", 10*time.Second)
	require.NoError(t, err)

	clock.Advance(69 * time.Second)
	require.True(t, s.Has("k"))
	clock.Advance(time.Second)
	_, err = s.Get("k")
	require.ErrorIs(t, err, store.ErrNotFound)
}

// hugeCodec encodes the value 1 into more than a snapshot takes.
type hugeCodec struct{ persist.JSON }

func (c hugeCodec) Marshal(v any) ([]byte, error) {
	if v == 1 {
		return make([]byte, persist.MaxRecord+1), nil
	}
	return c.JSON.Marshal(v)
}

// What no snapshot could hold fails its own Set, and no snapshot.
func TestHugeValue(t *testing.T) {
	s, err := store.New(store.Options[string, int]{Persist: persist.Config{Dir: t.TempDir(), Codec: hugeCodec{}}})
	require.NoError(t, err)
	require.ErrorContains(t, s.Set("k", 1), "an entry of")
	require.NoError(t, s.Set("k", 2))
	require.NoError(t, s.Close())
}

// A loop over All that goes on for longer than the entries live yields none that
// has died meanwhile.
func TestAllOutlivesEntries(t *testing.T) {
	clock := storetest.NewClock(t)
	s, err := store.New(store.Options[int, int]{TTL: time.Minute, SweepInterval: time.Hour, Clock: clock})
	require.NoError(t, err)
	defer s.Close()
	for key := range 500 {
		require.NoError(t, s.Set(key, key))
	}
	seen := 0
	for range s.All() {
		seen++
		clock.Advance(time.Second)
	}
	require.Less(t, seen, 200, "about one batch after the minute is over")
}

// NoExpiry means the same wherever a life can be given.
func TestNoExpiryInOptions(t *testing.T) {
	clock := storetest.NewClock(t)
	s, err := store.New(store.Options[string, int]{TTL: store.NoExpiry, IdleTimeout: store.NoExpiry, Clock: clock})
	require.NoError(t, err)
	defer s.Close()
	require.NoError(t, s.Set("k", 1))
	clock.Advance(store.MaxDuration)
	require.True(t, s.Has("k"))
}
