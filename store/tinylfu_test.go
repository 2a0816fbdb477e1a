package store_test

import (
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/internal/testenv"
	"github.com/latchkey-go/latchkey/store"
	"github.com/latchkey-go/latchkey/storetest"
)

// A store's hits are those that its policy promises: with the clock of a test, which
// has each use told at once, and with the system's, which has them told in batches.
func TestTinyLFUHits(t *testing.T) {
	const capacity = 1000
	for trace, want := range map[string]struct {
		seeds      int     // of the hash, which is another one in each store
		least, lru float64 // percent of hits, on average
	}{
		// Half of the seeds make 68.3 or more, one in ten less than 66.6, one in a hundred 65.4.
		"lirs_multi1": {18, 66.4, 48},
		// Half make 58.4 or more, one in ten less than 57.9, one in a hundred 52.6.
		"lirs_cs": {18, 55.2, 2},
		// All make 69.1 to 69.8.
		"cache2k_web12": {3, 69, 64},
	} {
		t.Run(trace, func(t *testing.T) {
			keys := testenv.Trace(t, trace)
			if testenv.Race {
				t.Skip("one goroutine has no races")
			}
			hits := func(policy store.Policy, clock store.Clock) float64 {
				s := open(t, store.Options[int64, int64]{Capacity: capacity, Policy: policy, TTL: time.Hour, Clock: clock})
				n := 0
				for _, key := range keys {
					if _, err := s.Get(key); err == nil {
						n++
						continue
					}
					require.NoError(t, s.Set(key, key))
					require.LessOrEqual(t, s.Stats().Entries, capacity)
				}
				return 100 * float64(n) / float64(len(keys))
			}
			lru := hits(store.LRU, storetest.NewClock(t))
			var exact, batched float64
			for range want.seeds {
				exact += hits(store.TinyLFU, storetest.NewClock(t)) / float64(want.seeds)
				batched += hits(store.TinyLFU, nil) / float64(want.seeds)
			}
			t.Logf("LRU %.2f, TinyLFU %.2f, told in batches %.2f", lru, exact, batched)
			require.InDelta(t, want.lru, lru, 3)
			require.Greater(t, exact, want.least)
			require.Greater(t, batched, want.least)
		})
	}
}

// The policy changes who goes, and nothing else: capacity, locks and removals are as
// ever.
func TestTinyLFUKeepsTheRules(t *testing.T) {
	const capacity = 50
	removed := map[int]int{}
	s := open(t, store.Options[int, int]{
		Capacity: capacity, Policy: store.TinyLFU, Clock: storetest.NewClock(t),
		OnRemove: func(r store.Removal[int, int]) {
			if r.Reason == store.ReasonEvicted {
				removed[r.Key]++
			}
		},
	})
	require.Equal(t, "TinyLFU", store.TinyLFU.String())
	leases := map[int]*store.Lease[int, int]{}
	random := rand.New(rand.NewPCG(1, 2))
	added := map[int]int{}
	for range 20_000 {
		key := random.IntN(4 * capacity)
		switch random.IntN(10) {
		case 0:
			if l, err := s.TryLock(key, 0); err == nil && len(leases) < capacity/2 {
				leases[key] = l
			} else if err == nil {
				require.NoError(t, l.Unlock())
			}
		case 1:
			if l := leases[key]; l != nil {
				require.NoError(t, l.Unlock())
				delete(leases, key)
			}
		case 2:
			_, err := s.Resize(capacity - random.IntN(capacity/4))
			require.NoError(t, err)
		case 3, 4, 5:
			_, _ = s.Get(key)
		default:
			had := s.Has(key)
			switch err := s.Set(key, key); {
			case leases[key] != nil:
				require.ErrorIs(t, err, store.ErrLocked)
			case err == nil && !had:
				added[key]++
			default:
				require.NoError(t, err)
			}
		}
		st := s.Stats()
		require.LessOrEqual(t, st.Entries, st.Capacity)
		for key := range leases {
			require.True(t, s.Has(key), "a locked entry stays")
		}
	}
	for key, n := range added {
		there := 0
		if s.Has(key) {
			there = 1
		}
		require.Equal(t, n, removed[key]+there, "key %d", key)
	}
	require.NoError(t, s.Clear())
	for i := range 3 * capacity {
		require.NoError(t, s.Set(i, i))
	}
	require.Equal(t, s.Stats().Capacity, s.Len(), "no eviction while there is room")
}

// Many may read and write at once, while the policy is told in batches.
func TestTinyLFUForMany(t *testing.T) {
	const capacity = 500
	s := open(t, store.Options[int, int]{Capacity: capacity, Policy: store.TinyLFU})
	var all sync.WaitGroup
	for g := range 6 {
		all.Go(func() {
			random := rand.New(rand.NewPCG(uint64(g), 0))
			for range 5_000 {
				key := random.IntN(2 * capacity)
				if v, err := s.Get(key); err == nil && v != key {
					t.Errorf("key %d has %d", key, v)
				} else if err != nil {
					_ = s.Set(key, key)
				}
				if random.IntN(50) == 0 {
					_ = s.Delete(key)
				}
			}
		})
	}
	all.Wait()
	require.LessOrEqual(t, s.Len(), capacity)
	require.Greater(t, s.Len(), capacity/2)
}
