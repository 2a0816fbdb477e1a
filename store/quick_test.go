package store_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/internal/testenv"
	"github.com/latchkey-go/latchkey/store"
)

// What is there all the time is found all the time, with its value, while the index
// grows and shrinks around it.
func TestWhatStaysIsAlwaysFound(t *testing.T) {
	const all, stay = 40_000, 97 // every 97th stays
	s := open(t, store.Options[string, int]{Capacity: all})
	name := func(i int) string { return fmt.Sprint("key ", i) }
	for i := 0; i < all; i += stay {
		require.NoError(t, s.Set(name(i), i))
	}
	var over atomic.Bool
	var readers sync.WaitGroup
	for r := range 3 {
		readers.Go(func() {
			for i := r; !over.Load(); i++ {
				k := i * stay % (all - all%stay)
				if v, err := s.Get(name(k)); err != nil || v != k {
					t.Errorf("key %d: %d, %v", k, v, err)
					return
				}
			}
		})
	}
	for round := range 3 {
		for i := range all {
			if i%stay != 0 {
				require.NoError(t, s.Set(name(i), round))
			}
		}
		for i := range all {
			if i%stay != 0 {
				require.NoError(t, s.Delete(name(i)))
			}
		}
	}
	over.Store(true)
	readers.Wait()
	require.Equal(t, (all+stay-1)/stay, s.Len())
	st := s.Stats()
	require.Zero(t, st.Misses)
}

// However many read at once, and whatever is written meanwhile, each read counts
// once.
func TestAccessesAreExactBesideWrites(t *testing.T) {
	s := open(t, store.Options[string, int]{IdleTimeout: time.Hour})
	require.NoError(t, s.Set("a", 0))
	const readers, reads = 4, 5_000
	var done sync.WaitGroup
	for range readers {
		done.Go(func() {
			for range reads {
				if _, err := s.Get("a"); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for i := range 2_000 {
		require.NoError(t, s.Set("a", i))
	}
	done.Wait()
	about, ok := s.Metadata("a")
	require.True(t, ok)
	require.Equal(t, uint64(readers*reads), about.Accesses)
	require.Equal(t, uint64(readers*reads), s.Stats().Hits)
	require.Equal(t, uint64(2_001), about.Revision)
}

// Who holds the lease alone decides: no read gets through that begins after
// TryLock has returned.
func TestNoReadPastALease(t *testing.T) {
	s := open(t, store.Options[string, int]{})
	require.NoError(t, s.Set("a", 0))
	var over atomic.Bool
	var readers sync.WaitGroup
	for range 3 {
		readers.Go(func() {
			for !over.Load() {
				_, _ = s.Get("a")
			}
		})
	}
	for range 2_000 {
		l, err := s.TryLock("a", 0)
		require.NoError(t, err)
		_, err = s.Get("a")
		require.ErrorIs(t, err, store.ErrLocked)
		require.NoError(t, l.Unlock())
		_, err = s.Get("a")
		require.NoError(t, err)
	}
	over.Store(true)
	readers.Wait()
}

// A read shows at once: in the time of the last access, in their number, and in the
// order in which entries go.
func TestReadsShowAtOnce(t *testing.T) {
	s := open(t, store.Options[string, int]{Capacity: 2, IdleTimeout: time.Hour})
	require.NoError(t, s.Set("a", 1))
	require.NoError(t, s.Set("b", 2))
	before, _ := s.Metadata("a")
	for range 3 {
		_, err := s.Get("a")
		require.NoError(t, err)
	}
	after, _ := s.Metadata("a")
	require.True(t, after.Accessed.After(before.Accessed))
	require.True(t, after.Expires.After(before.Expires))
	require.Equal(t, uint64(3), after.Accesses)
	require.NoError(t, s.Set("c", 3))
	require.True(t, s.Has("a"), "used after b")
	require.False(t, s.Has("b"))
}

// Reads that go past the lock leave the order that golang-lru would have.
func TestQuickReadsEvictLikeGolangLRU(t *testing.T) {
	for trace, sizes := range map[string][]int{
		"lirs_multi1": {400, 2000}, "lirs_gli": {500}, "corda_vaultservice": {5000}, "weblog_meatlabel_2025-12_visitor": {100, 1000},
	} {
		t.Run(trace, func(t *testing.T) {
			keys := testenv.Trace(t, trace)
			if testenv.Race {
				keys = keys[:min(len(keys), 5_000)]
			}
			for _, size := range sizes {
				s := open(t, store.Options[int64, int64]{Capacity: size, TTL: time.Hour})
				lru, err := simplelru.NewLRU[int64, int64](size, nil)
				require.NoError(t, err)
				for i, key := range keys {
					_, hit := lru.Get(key)
					_, err := s.Get(key)
					if hit != (err == nil) {
						t.Fatalf("size %d, request %d: %v, golang-lru: %v", size, i, err, hit)
					}
					if !hit {
						lru.Add(key, key)
						require.NoError(t, s.Set(key, key))
					}
				}
			}
		})
	}
}
