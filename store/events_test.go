package store_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/store"
)

// With many writers at once, every value that is set goes once, in the order of
// its key, and OnRemove is never called by two at a time.
func TestEventsOfManyWriters(t *testing.T) {
	const writers, each, keys = 8, 2000, 4
	var inside, overlaps atomic.Int32
	var gone removals[int, int]
	s := open(t, store.Options[int, int]{Capacity: 3, OnRemove: func(r store.Removal[int, int]) {
		if inside.Add(1) > 1 {
			overlaps.Add(1)
		}
		runtime.Gosched() // lets others in
		gone.add(r)
		inside.Add(-1)
	}})
	var next atomic.Int64
	var all sync.WaitGroup
	for id := range writers {
		random := rand.New(rand.NewPCG(1, uint64(id)))
		all.Go(func() {
			for range each {
				key := random.IntN(keys)
				if random.IntN(10) == 0 {
					_ = s.Delete(key)
				}
				// Values rise with the order of the writes to a key.
				_, _ = s.Update(key, func(int, bool) (int, error) { return int(next.Add(1)), nil })
			}
		})
	}
	all.Wait()
	require.NoError(t, s.Clear())

	require.Zero(t, overlaps.Load(), "calls of OnRemove at the same time")
	stats := s.Stats()
	events := gone.take()
	require.Len(t, events, int(stats.Sets), "each value goes once")
	seen := make(map[int]bool)
	for _, r := range events {
		require.False(t, seen[r.Value], "each value goes once")
		seen[r.Value] = true
	}
	require.EqualValues(t, len(events), stats.Evicted+stats.Deleted+stats.Replaced+stats.Cleared)
}

// The events of one key come in the order of its values.
func TestEventsOfOneKey(t *testing.T) {
	var gone removals[string, int]
	s := open(t, store.Options[string, int]{OnRemove: gone.add})
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 1000 {
				_, _ = s.Update("k", func(old int, _ bool) (int, error) { return old + 1, nil })
			}
		})
	}
	all.Wait()
	for i, r := range gone.take() {
		require.Equal(t, store.Removal[string, int]{Key: "k", Value: i + 1, Reason: store.ReasonReplaced}, r)
	}
	value, _ := s.Peek("k")
	require.Equal(t, 8000, value)
}

// A walk over more entries than are read at a time, while others come and go.
func TestAllWhileOthersWrite(t *testing.T) {
	const stay = 1000
	s := open(t, store.Options[string, int]{Capacity: 10 * stay})
	for i := range stay {
		require.NoError(t, s.Set(fmt.Sprintf("stays %d", i), i))
		require.NoError(t, s.Set(fmt.Sprintf("goes %d", i), i))
	}
	seen := make(map[string]int)
	i := 0
	for key := range s.All() {
		seen[key]++
		// Frees places that new keys take, ahead of the walk and behind it.
		_ = s.Delete(fmt.Sprintf("goes %d", i*7%stay))
		require.NoError(t, s.Set(fmt.Sprintf("comes %d", i), i))
		i++
	}
	for i := range stay {
		require.Equal(t, 1, seen[fmt.Sprintf("stays %d", i)], "what is there all the time comes once")
	}
	for key, times := range seen {
		require.Equal(t, 1, times, key)
		require.NotContains(t, key, "comes", "what is new is not part of the walk")
	}
}

func TestEqual(t *testing.T) {
	o := store.Options[string, int]{Capacity: 5}
	filled := func(o store.Options[string, int], keys ...string) *store.Store[string, int] {
		s, _ := fake(t, o)
		set(t, s, keys...)
		return s
	}
	s := filled(o, "a", "b")
	require.True(t, s.Equal(s))
	require.True(t, s.Equal(filled(o, "a", "b")))
	lock(t, s, "a")
	require.True(t, s.Equal(filled(o, "a", "b")), "locked or not")
	require.False(t, s.Equal(nil))
	require.False(t, s.Equal(filled(o, "a")))
	require.False(t, filled(o, "a").Equal(s))
	require.False(t, s.Equal(filled(o, "b", "a")), "other values")
	for _, other := range []store.Options[string, int]{{Capacity: 6}, {Capacity: 5, TTL: 1e12}, {Capacity: 5, IdleTimeout: 1e12}} {
		require.False(t, s.Equal(filled(other, "a", "b")))
	}
	require.Equal(t, "store.Store{2 of 5 entries}", s.String())
}
