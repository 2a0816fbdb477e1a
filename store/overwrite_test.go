package store_test

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/latchkey-go/latchkey/persist"
	"github.com/latchkey-go/latchkey/store"
	"github.com/latchkey-go/latchkey/storetest"
)

// What is overwritten without the lock is there at once, and stays, while the index
// grows and shrinks around it.
func TestOverwritesStay(t *testing.T) {
	const others, own, writers = 20_000, 50, 3
	s := open(t, store.Options[string, int]{Capacity: others + writers*own})
	name := func(w, i int) string { return fmt.Sprint("writer ", w, " key ", i) }
	for w := range writers {
		for i := range own {
			require.NoError(t, s.Set(name(w, i), -1))
		}
	}
	var over atomic.Bool
	var all sync.WaitGroup
	last := make([]int, writers)
	for w := range writers {
		all.Go(func() {
			for n := 0; !over.Load(); n++ {
				key := name(w, n%own)
				if err := s.Set(key, n); err != nil {
					t.Error(err)
					return
				}
				if v, err := s.Get(key); err != nil || v != n {
					t.Errorf("%d was set: %d, %v", n, v, err)
					return
				}
				last[w] = n
			}
		})
	}
	for range 3 {
		for i := range others {
			require.NoError(t, s.Set(fmt.Sprint(i), i))
		}
		for i := range others {
			require.NoError(t, s.Delete(fmt.Sprint(i)))
		}
	}
	over.Store(true)
	all.Wait()
	for w := range writers {
		for n := last[w]; n > last[w]-own && n >= 0; n-- {
			v, ok := s.Peek(name(w, n%own))
			require.True(t, ok)
			require.Equal(t, n, v)
		}
	}
}

// However many write and read one key at once, with the lock and without, each write
// is a revision, and each read counts.
func TestOverwritesAreCounted(t *testing.T) {
	for name, o := range map[string]store.Options[string, int]{
		"LRU":     {TTL: time.Hour, IdleTimeout: time.Hour},
		"TinyLFU": {TTL: time.Hour, Policy: store.TinyLFU},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, o)
			require.NoError(t, s.Set("a", 0))
			const n = 5_000
			var all sync.WaitGroup
			do := func(f func() error) {
				all.Go(func() {
					for range n {
						if err := f(); err != nil {
							t.Error(err)
							return
						}
					}
				})
			}
			for range 2 {
				do(func() error { return s.Set("a", 1) })
				do(func() error { _, err := s.Get("a"); return err })
			}
			do(func() error { return s.SetWithTTL("a", 2, 2*time.Hour) })
			do(func() error { _, err := s.Entry("a"); return err })
			do(func() error {
				_, err := s.Update("a", func(old int, _ bool) (int, error) { return old, nil })
				return err
			})
			all.Wait()
			e, err := s.Entry("a")
			require.NoError(t, err)
			require.Equal(t, uint64(4*n+1), e.Metadata.Revision)
			require.Equal(t, uint64(3*n+1), e.Metadata.Accesses)
			st := s.Stats()
			require.Equal(t, uint64(4*n+1), st.Sets)
			require.Equal(t, uint64(4*n), st.Replaced)
			require.Equal(t, uint64(3*n+1), st.Hits)
		})
	}
}

// A revision has one value, and CompareAndSet replaces the one that it was told of,
// though others overwrite without the lock.
func TestCompareAndSetBesideOverwrites(t *testing.T) {
	s := open(t, store.Options[string, int]{})
	require.NoError(t, s.Set("a", 0))
	const n = 20_000
	var mu sync.Mutex
	seen := make(map[uint64]int) // values by revision
	see := func(revision uint64, value int) {
		mu.Lock()
		defer mu.Unlock()
		if other, ok := seen[revision]; ok && other != value {
			t.Errorf("revision %d is %d and %d", revision, value, other)
		}
		seen[revision] = value
	}
	var all sync.WaitGroup
	for w := range 2 {
		all.Go(func() {
			for i := range n {
				if err := s.Set("a", 10*i+2*w); err != nil {
					t.Error(err)
				}
			}
		})
	}
	swapped := 0
	all.Go(func() {
		for range n {
			e, err := s.Entry("a")
			if err != nil {
				t.Error(err)
				return
			}
			see(e.Metadata.Revision, e.Value)
			if e.Value%2 == 0 && s.CompareAndSet("a", e.Metadata.Revision, e.Value+1) == nil {
				see(e.Metadata.Revision+1, e.Value+1)
				swapped++
			}
		}
	})
	all.Wait()
	require.Positive(t, swapped)
	for revision, value := range seen {
		if before, ok := seen[revision-1]; ok && value%2 == 1 {
			require.Equal(t, value-1, before, "revision %d", revision)
		}
	}
}

// An export is of one instant though nobody takes the lock: of two keys that are set in
// turn, the second is never ahead.
func TestExportBesideOverwrites(t *testing.T) {
	const pairs = 200
	o := store.Options[int, int]{Capacity: 2 * pairs}
	s := open(t, o)
	for key := range 2 * pairs {
		require.NoError(t, s.Set(key, 0))
	}
	var over atomic.Bool
	var writers sync.WaitGroup
	for w := range 2 {
		writers.Go(func() {
			for n := 1; !over.Load(); n++ {
				for i := w; i < pairs; i += 2 {
					if s.Set(i, n) != nil || s.Set(2*pairs-1-i, n) != nil {
						t.Error("refused")
						return
					}
				}
			}
		})
	}
	for range 50 {
		var export bytes.Buffer
		require.NoError(t, s.Export(&export))
		copied := open(t, o)
		require.NoError(t, copied.Import(&export))
		got := maps.Collect(copied.All())
		require.Len(t, got, 2*pairs)
		for i := range pairs {
			ahead := got[i] - got[2*pairs-1-i]
			require.True(t, ahead == 0 || ahead == 1, "pair %d: %d and %d", i, got[i], got[2*pairs-1-i])
		}
	}
	over.Store(true)
	writers.Wait()
}

// A store that has somebody to tell of what is replaced overwrites under the lock, and
// does the same.
func TestOverwritingWithoutTheLockIsTheSame(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		o := store.Options[int, int]{
			Capacity:    rapid.IntRange(1, 6).Draw(rt, "capacity"),
			TTL:         rapid.SampledFrom([]time.Duration{0, time.Hour}).Draw(rt, "TTL"),
			IdleTimeout: rapid.SampledFrom([]time.Duration{0, time.Minute}).Draw(rt, "idle timeout"),
		}
		type one struct {
			s     *store.Store[int, int]
			clock *storetest.Clock
		}
		var both [2]one
		for i := range both {
			clock := storetest.NewClock(t)
			o.Clock = &steadyClock{Clock: clock}
			if i == 1 {
				o.OnRemove = func(store.Removal[int, int]) {}
			}
			s, err := store.New(o)
			require.NoError(rt, err)
			defer s.Close()
			both[i] = one{s, clock}
		}
		same := func(do func(s *store.Store[int, int]) any) {
			require.Equal(rt, do(both[1].s), do(both[0].s))
		}
		key := rapid.IntRange(0, 7)
		ttl := rapid.SampledFrom([]time.Duration{time.Minute, time.Hour, 2 * time.Hour, store.NoExpiry})
		value := 0
		set := func(rt *rapid.T) {
			k := key.Draw(rt, "key")
			value++
			same(func(s *store.Store[int, int]) any { return s.Set(k, value) })
		}
		rt.Repeat(map[string]func(*rapid.T){
			"Set": set, "Set again": set,
			"SetWithTTL": func(rt *rapid.T) {
				k, d := key.Draw(rt, "key"), ttl.Draw(rt, "TTL")
				value++
				same(func(s *store.Store[int, int]) any { return s.SetWithTTL(k, value, d) })
			},
			"Get": func(rt *rapid.T) {
				k := key.Draw(rt, "key")
				same(func(s *store.Store[int, int]) any { v, err := s.Get(k); return []any{v, err} })
			},
			"CompareAndSet": func(rt *rapid.T) {
				k, r := key.Draw(rt, "key"), rapid.Uint64Range(0, 3).Draw(rt, "revision")
				value++
				same(func(s *store.Store[int, int]) any { return s.CompareAndSet(k, r, value) })
			},
			"lock and unlock": func(rt *rapid.T) {
				k := key.Draw(rt, "key")
				value++
				same(func(s *store.Store[int, int]) any {
					l, err := s.TryLock(k, 0)
					if err != nil {
						return err
					}
					refused := s.Set(k, -1)
					return []any{refused, l.Set(value), l.Unlock(), l.Fence()}
				})
			},
			"Delete": func(rt *rapid.T) {
				k := key.Draw(rt, "key")
				same(func(s *store.Store[int, int]) any { return s.Delete(k) })
			},
			"time": func(rt *rapid.T) {
				d := rapid.SampledFrom([]time.Duration{time.Second, 50 * time.Second, time.Hour}).Draw(rt, "by")
				for _, x := range both {
					x.clock.Advance(d)
				}
			},
			"": func(rt *rapid.T) {
				same(func(s *store.Store[int, int]) any {
					left := make(map[int][]any)
					for k, m := range s.AllMetadata() {
						v, _ := s.Peek(k)
						left[k] = []any{v, m.Revision, m.Accesses, m.Fence, m.Status, m.Weight, m.Expires.IsZero(), m.Expires.Round(time.Second)}
					}
					st := s.Stats()
					return []any{left, s.Len(), st.Sets, st.Replaced, st.Hits, st.Misses, st.Evicted, st.Expired, st.Refusals}
				})
			},
		})
	})
}

// hookedSteadyClock is a steadyClock that calls a function once when it is read.
type hookedSteadyClock struct {
	*steadyClock
	hook func()
}

func (c *hookedSteadyClock) Now() time.Time {
	if hook := c.hook; hook != nil {
		c.hook = nil
		hook()
	}
	return c.steadyClock.Now()
}

// An export that begins while a Set is on its way, past the lock, does not see it unless
// it comes before.
func TestExportBeginsWithinAnOverwrite(t *testing.T) {
	const entries = 500 // many times what is read at once
	clock := &hookedSteadyClock{steadyClock: &steadyClock{Clock: storetest.NewClock(t)}}
	var meddle func()
	o := store.Options[int, int]{Capacity: entries, Clock: clock, Persist: persist.Config{Codec: meddling{meddle: &meddle}}}
	s := open(t, o)
	for key := range entries {
		require.NoError(t, s.Set(key, 1))
	}
	var export bytes.Buffer
	exported := make(chan error, 1)
	begun, set := make(chan struct{}), make(chan struct{})
	meddle = func() {
		close(begun)
		<-set
	}
	clock.hook = func() {
		go func() { exported <- s.Export(&export) }()
		<-begun
	}
	require.NoError(t, s.Set(entries-1, 2))
	close(set)
	require.NoError(t, <-exported)
	copied := open(t, o)
	require.NoError(t, copied.Import(&export))
	got, _ := copied.Peek(entries - 1)
	require.Equal(t, 1, got)
	got, _ = s.Peek(entries - 1)
	require.Equal(t, 2, got)
}

// A load that begins while a Set is on its way, past the lock, is overtaken by it.
func TestLoadBeginsWithinAnOverwrite(t *testing.T) {
	base := storetest.NewClock(t)
	clock := &hookedSteadyClock{steadyClock: &steadyClock{Clock: base}}
	s := open(t, store.Options[string, int]{Clock: clock, TTL: time.Hour, RefreshAfter: time.Minute})
	require.NoError(t, s.Set("a", 1))
	base.Advance(2 * time.Minute)
	begun, proceed := make(chan struct{}), make(chan struct{})
	old := func(context.Context, string) (int, error) {
		close(begun)
		<-proceed
		return 1, nil
	}
	clock.hook = func() {
		_, err := s.GetOrLoad(t.Context(), "a", old)
		require.NoError(t, err)
		<-begun
	}
	require.NoError(t, s.Set("a", 2))
	base.Advance(2 * time.Hour)
	got := make(chan int, 1)
	go func() {
		value, err := s.GetOrLoad(t.Context(), "a", func(context.Context, string) (int, error) { return 3, nil })
		require.NoError(t, err)
		got <- value
	}()
	close(proceed)
	require.Equal(t, 3, <-got)
}

// Set goes back to the store's TTL, which later writes start anew.
func TestOverwritesStartTheStoresTTL(t *testing.T) {
	s := open(t, store.Options[string, int]{TTL: time.Hour})
	require.NoError(t, s.SetWithTTL("a", 1, time.Minute))
	require.NoError(t, s.Set("a", 2))
	require.NoError(t, s.CompareAndSet("a", 2, 3))
	about, ok := s.Metadata("a")
	require.True(t, ok)
	require.Greater(t, time.Until(about.Expires), 59*time.Minute)
}

// Like a map, a store keeps the key that it has: that of an overwrite may be part of a
// request's memory, which would stay for as long as the entry.
func TestOverwritesKeepTheKey(t *testing.T) {
	for name, o := range map[string]store.Options[string, int]{
		"past the lock": {},
		"under it":      {OnRemove: func(store.Removal[string, int]) {}},
		"under a clock": {Clock: storetest.NewClock(t)},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, o)
			first := strings.Clone("a")
			require.NoError(t, s.Set(first, 1))
			require.NoError(t, s.Set(strings.Clone("a"), 2))
			for key, value := range s.All() {
				require.Equal(t, 2, value)
				require.Same(t, unsafe.StringData(first), unsafe.StringData(key))
			}
			e, err := s.Entry(strings.Clone("a"))
			require.NoError(t, err)
			require.Same(t, unsafe.StringData(first), unsafe.StringData(e.Key))
		})
	}
}

// An overwrite is no hit, at no time: the counts never fall.
func TestOverwritesAreNoHits(t *testing.T) {
	s := open(t, store.Options[string, int]{})
	require.NoError(t, s.Set("a", 0))
	var over atomic.Bool
	var writers sync.WaitGroup
	for range 2 {
		writers.Go(func() {
			for !over.Load() {
				_ = s.Set("a", 1)
			}
		})
	}
	for range 10_000 {
		require.Zero(t, s.Stats().Hits)
	}
	over.Store(true)
	writers.Wait()
}

// What is in the store both before an Import and after it is there meanwhile.
func TestImportIsSeenAtOnce(t *testing.T) {
	const entries = 20_000
	s := open(t, store.Options[int, int]{Capacity: entries})
	for key := range entries {
		require.NoError(t, s.Set(key, key))
	}
	var export bytes.Buffer
	require.NoError(t, s.Export(&export))
	var over atomic.Bool
	var readers sync.WaitGroup
	readers.Go(func() {
		for !over.Load() {
			if v, err := s.Get(7); err != nil || v != 7 {
				t.Error(v, err)
				return
			}
		}
	})
	for range 3 {
		require.NoError(t, s.Import(bytes.NewReader(export.Bytes())))
	}
	over.Store(true)
	readers.Wait()
}
