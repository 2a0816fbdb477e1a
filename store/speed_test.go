package store_test

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/hashicorp/golang-lru/v2/expirable"
	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/internal/testenv"
	"github.com/latchkey-go/latchkey/store"
)

// TestAllocations: reading allocates nothing, whatever comes of it, and writing no more than
// it has to keep.
func TestAllocations(t *testing.T) {
	if testenv.Race {
		return // the race detector allocates
	}
	s, err := store.New(store.Options[string, int]{TTL: time.Hour, IdleTimeout: time.Hour})
	require.NoError(t, err)
	defer s.Close()
	require.NoError(t, s.Set("hit", 1))
	require.NoError(t, s.Set("locked", 2))
	_, err = s.TryLock("locked", 0)
	require.NoError(t, err)

	ctx, load := t.Context(), constant(1, nil)
	refreshing, err := store.New(store.Options[string, int]{TTL: time.Hour, RefreshAfter: time.Minute})
	require.NoError(t, err)
	defer refreshing.Close()
	require.NoError(t, refreshing.Set("hit", 1))

	for name, test := range map[string]struct {
		most float64
		do   func()
	}{
		"Get, hit":           {0, func() { _, _ = s.Get("hit") }},
		"GetOrLoad, hit":     {0, func() { _, _ = s.GetOrLoad(ctx, "hit", load) }},
		"GetOrLoad, not due": {0, func() { _, _ = refreshing.GetOrLoad(ctx, "hit", load) }},
		"Get, miss":          {0, func() { _, _ = s.Get("miss") }},
		"Get, refusal":       {0, func() { _, _ = s.Get("locked") }},
		"Peek":               {0, func() { s.Peek("hit") }},
		"Touch":              {0, func() { _ = s.Touch("hit") }},
		"Metadata":           {0, func() { s.Metadata("hit") }},
		// The version, so that it can be read while the next is written.
		"Set, overwrite": {1, func() { _ = s.Set("hit", 3) }},
		// The entry, too.
		"Set, insert":          {2, inserts(t, store.LRU)},
		"Set, insert, TinyLFU": {2, inserts(t, store.TinyLFU)},
		"Set, refusal":         {0, func() { _ = s.Set("locked", 3) }},
		"CompareAndSet":        {0, func() { _ = s.CompareAndSet("hit", 0, 3) }},
		"Delete, miss":         {0, func() { _ = s.Delete("miss") }},
		"TryLock, taken":       {0, func() { _, _ = s.TryLock("locked", 0) }},
		// The lease.
		"TryLock, Unlock": {1, func() {
			lease, err := s.TryLock("hit", 0)
			if err != nil || lease.Unlock() != nil {
				panic("the lease can't be had")
			}
		}},
	} {
		require.LessOrEqual(t, testing.AllocsPerRun(1000, test.do), test.most, name)
	}
}

// inserts returns a Set of a new key in a store that is at its capacity.
func inserts(t *testing.T, policy store.Policy) func() {
	const capacity = 1000
	s := open(t, store.Options[string, int]{Capacity: capacity, TTL: time.Hour, IdleTimeout: time.Hour, Policy: policy})
	keys, next := benchKeys(3*capacity), 0
	insert := func() {
		if s.Set(keys[next], next) != nil {
			panic("it is refused")
		}
		next++
	}
	for range capacity {
		insert()
	}
	return insert
}

// What an entry takes beyond its key's text, the string header and the int.
func TestBytesPerEntry(t *testing.T) {
	if testenv.Race {
		return // the race detector makes everything larger
	}
	// An eighth of what command bench measures, so that the index is as full as there.
	const entries, keyAndValue = 125_000, 16 + 8
	keys := benchKeys(entries)
	for policy, most := range map[store.Policy]float64{store.LRU: 180, store.TinyLFU: 196} {
		before := heap()
		s := open(t, store.Options[string, int]{Capacity: entries, TTL: time.Hour, IdleTimeout: time.Hour, Policy: policy})
		for i, key := range keys {
			require.NoError(t, s.Set(key, i))
		}
		bytes := float64(heap()-before)/entries - keyAndValue
		t.Logf("%v: %.1f bytes", policy, bytes)
		require.LessOrEqual(t, bytes, most, policy.String())
		require.NoError(t, s.Close()) // the next is measured without it
	}
	runtime.KeepAlive(keys)
}

// heap returns the bytes in use.
func heap() int64 {
	for range 3 { // cleanups free more
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// The benchmarks measure the store beside golang-lru's expirable. Command bench
// does it with more care; these are for `go test -bench` and a profile.

const benchEntries = 100_000

func benchKeys(n int) []string {
	keys := make([]string, n)
	for i := range keys {
		keys[i] = fmt.Sprintf("%032x%08x", uint64(i)*0x9e3779b97f4a7c15, i)
	}
	return keys
}

func benchStore(b *testing.B, keys []string) *store.Store[string, int] {
	s, err := store.New(store.Options[string, int]{Capacity: benchEntries, TTL: time.Hour, IdleTimeout: time.Hour})
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, s.Close()) })
	for i, key := range keys[:benchEntries] {
		require.NoError(b, s.Set(key, i))
	}
	return s
}

func benchExpirable(keys []string) *expirable.LRU[string, int] {
	lru := expirable.NewLRU[string, int](benchEntries, nil, time.Hour)
	for i, key := range keys[:benchEntries] {
		lru.Add(key, i)
	}
	return lru
}

func eachOf(b *testing.B, keys []string, do func(i int, key string)) {
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		do(i, keys[i*7919%len(keys)])
	}
}

func BenchmarkGet(b *testing.B) {
	keys := benchKeys(2 * benchEntries)
	in, out := keys[:benchEntries], keys[benchEntries:]
	s, lru := benchStore(b, keys), benchExpirable(keys)
	b.Run("hit/latchkey", func(b *testing.B) { eachOf(b, in, func(_ int, key string) { _, _ = s.Get(key) }) })
	b.Run("hit/expirable", func(b *testing.B) { eachOf(b, in, func(_ int, key string) { lru.Get(key) }) })
	b.Run("miss/latchkey", func(b *testing.B) { eachOf(b, out, func(_ int, key string) { _, _ = s.Get(key) }) })
	b.Run("miss/expirable", func(b *testing.B) { eachOf(b, out, func(_ int, key string) { lru.Get(key) }) })
}

func BenchmarkSet(b *testing.B) {
	keys := benchKeys(4 * benchEntries)
	in := keys[:benchEntries]
	s, lru := benchStore(b, keys), benchExpirable(keys)
	b.Run("overwrite/latchkey", func(b *testing.B) { eachOf(b, in, func(i int, key string) { _ = s.Set(key, i) }) })
	b.Run("overwrite/expirable", func(b *testing.B) { eachOf(b, in, func(i int, key string) { lru.Add(key, i) }) })
	b.Run("evict/latchkey", func(b *testing.B) { eachOf(b, keys, func(i int, key string) { _ = s.Set(key, i) }) })
	b.Run("evict/expirable", func(b *testing.B) { eachOf(b, keys, func(i int, key string) { lru.Add(key, i) }) })
}

func BenchmarkLock(b *testing.B) {
	keys := benchKeys(benchEntries)
	s := benchStore(b, keys)
	b.Run("free", func(b *testing.B) {
		eachOf(b, keys, func(_ int, key string) {
			lease, err := s.Lock(context.Background(), key, 0)
			if err != nil || lease.Unlock() != nil {
				b.Fatal("the lease can't be had")
			}
		})
	})
}
