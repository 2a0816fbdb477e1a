package main

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/hashicorp/golang-lru/v2/expirable"

	"github.com/latchkey-go/latchkey/store"
)

// cache is what all contestants can do.
type cache struct {
	name string
	get  func(key string) bool
	set  func(key string, value int)
}

// contestants makes one of each, of the capacity given, ours first.
func contestants(capacity int) ([]cache, error) {
	ours, err := store.New(store.Options[string, int]{Capacity: capacity, TTL: time.Hour, IdleTimeout: time.Hour})
	if err != nil {
		return nil, err
	}
	timed := expirable.NewLRU[string, int](capacity, nil, time.Hour)
	plain, err := lru.New[string, int](capacity)
	if err != nil {
		return nil, err
	}
	return []cache{
		{"latchkey", func(k string) bool { _, err := ours.Get(k); return err == nil }, func(k string, v int) {
			if err := ours.Set(k, v); err != nil {
				panic(err)
			}
		}},
		{"golang-lru expirable", func(k string) bool { _, ok := timed.Get(k); return ok }, func(k string, v int) { timed.Add(k, v) }},
		{"golang-lru lru (no TTL)", func(k string) bool { _, ok := plain.Get(k); return ok }, func(k string, v int) { plain.Add(k, v) }},
	}, nil
}

// workload is one operation done over and over, the i-th time for goroutine g.
type workload struct {
	name string
	do   func(c cache, i int)
}

func speed(size sizes) error {
	caches, err := contestants(size.entries)
	if err != nil {
		return err
	}
	// Four times as many keys as there is room for; the first of them stay in.
	keys := sessionKeys(4 * size.entries)
	order := rand.New(rand.NewPCG(1, 2)).Perm(size.entries)
	in := func(i int) string { return keys[order[i%size.entries]] }
	fill := func(c cache) {
		for i := range size.entries {
			c.set(keys[i], i)
		}
	}
	workloads := []workload{
		{"Get, hit", func(c cache, i int) { c.get(in(i)) }},
		{"Get, miss", func(c cache, i int) { c.get(keys[size.entries+i%size.entries]) }},
		{"9 Get, 1 Set", func(c cache, i int) {
			if i%10 == 0 {
				c.set(in(i), i)
			} else {
				c.get(in(i))
			}
		}},
		{"Set, overwrite", func(c cache, i int) { c.set(in(i), i) }},
		{"Set, insert and evict", func(c cache, i int) { c.set(keys[i%len(keys)], i) }},
	}
	fmt.Printf("\n## Speed: ns per operation, %d entries, 40-byte string keys; TTL, idle timeout and metadata on for latchkey\n\n", size.entries)
	fmt.Printf("| operation | goroutines | %s | ratio to expirable | ratio to lru |\n", strings.Join(names(caches), " | "))
	fmt.Printf("|---|--:|%s--:|--:|\n", strings.Repeat("--:|", len(caches)))
	for _, w := range workloads {
		for _, goroutines := range []int{1, 16} {
			for _, c := range caches {
				fill(c)
			}
			ns := medians(caches, size, func(c cache) float64 { return timed(c, w, goroutines, size.round) })
			fmt.Printf("| %s | %d | %.0f | %.0f | %.0f | %.2f | %.2f |\n", w.name, goroutines, ns[0], ns[1], ns[2], ns[0]/ns[1], ns[0]/ns[2])
		}
	}
	return nil
}

func names(caches []cache) (names []string) {
	for _, c := range caches {
		names = append(names, c.name)
	}
	return names
}

// medians measures all contestants in turn, round by round.
func medians(caches []cache, size sizes, measure func(cache) float64) []float64 {
	results := make([][]float64, len(caches))
	for range size.rounds {
		for i, c := range caches {
			results[i] = append(results[i], measure(c))
		}
	}
	out := make([]float64, len(caches))
	for i, r := range results {
		out[i] = median(r, same)
	}
	return out
}

// median returns the median of what value makes of the items.
func median[T any, N cmp.Ordered](items []T, value func(T) N) N {
	var values []N
	for _, item := range items {
		values = append(values, value(item))
	}
	slices.Sort(values)
	return values[len(values)/2]
}

func same(x float64) float64 { return x }

// timed returns the nanoseconds per operation, of all goroutines together.
func timed(c cache, w workload, goroutines int, about time.Duration) float64 {
	const batch = 1000
	runtime.GC() // what another round left must not count here
	var wg sync.WaitGroup
	counts := make([]int, goroutines)
	start := time.Now()
	for g := range goroutines {
		wg.Go(func() {
			i := g * 7919 * batch
			for time.Since(start) < about {
				for range batch {
					w.do(c, i)
					i++
				}
				counts[g] += batch
			}
		})
	}
	wg.Wait()
	elapsed := time.Since(start)
	total := 0
	for _, n := range counts {
		total += n
	}
	return float64(elapsed.Nanoseconds()) / float64(total)
}

// sessionKeys returns keys as session ids look: 40 bytes.
func sessionKeys(n int) []string {
	r := rand.New(rand.NewPCG(3, 4))
	keys := make([]string, n)
	for i := range keys {
		keys[i] = fmt.Sprintf("%016x%016x%08x", r.Uint64(), r.Uint64(), i)
	}
	return keys
}

var errTooFew = errors.New("too few operations measured")
