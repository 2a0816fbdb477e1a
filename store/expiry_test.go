package store_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/store"
	"github.com/latchkey-go/latchkey/storetest"
)

// However many entries have TTLs of their own, each dies at its time, and nobody is evicted
// while there is a dead one.
func TestManyTTLs(t *testing.T) {
	const entries = 2000
	for _, span := range []time.Duration{time.Second, time.Hour, 1000 * time.Hour} {
		r := rand.New(rand.NewPCG(1, 2))
		clock := storetest.NewClock(t)
		deadlines := make(map[int]time.Time)
		dead := func() (n int) {
			for _, at := range deadlines {
				if !clock.Now().Before(at) {
					n++
				}
			}
			return n
		}
		s := open(t, store.Options[int, int]{
			Capacity: entries, TTL: store.NoExpiry, Clock: clock, SweepInterval: 10_000 * time.Hour,
			OnRemove: func(gone store.Removal[int, int]) {
				if gone.Reason == store.ReasonEvicted {
					require.Zero(t, dead())
				} else {
					require.Equal(t, store.ReasonExpired, gone.Reason)
					require.False(t, clock.Now().Before(deadlines[gone.Key]))
				}
				delete(deadlines, gone.Key)
			},
		})
		for key := range 4 * entries {
			ttl := 1 + time.Duration(r.Int64N(int64(span)))
			require.NoError(t, s.SetWithTTL(key, key, ttl))
			deadlines[key] = clock.Now().Add(ttl)
			if key%100 == 0 {
				clock.Advance(span / 300)
			}
			if key%500 == 0 {
				live := len(deadlines) - dead()
				require.Equal(t, live, s.Len())
				require.Len(t, deadlines, live)
			}
		}
	}
}
