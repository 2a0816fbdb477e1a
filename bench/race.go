package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// columns are the numbers of goroutines that share a cache.
var columns = []int{1, 2, 16}

// mostHits is how many of a hundred inserts may find their key before they count as none.
const mostHits = 1.0

// rival is an open cache, and its results.
type rival[K key] struct {
	contender[K]
	cache     cache[K]
	next      atomic.Int64 // the first operation not begun yet: no turn does one again
	rates     [][]float64  // million operations a second, by column and round
	ops, hits int          // in the latest race
}

// openAll makes the caches, and sets all keys.
func openAll[K key](list []contender[K], keys []K) ([]*rival[K], error) {
	var rivals []*rival[K]
	for _, c := range list {
		opened, err := c.open(len(keys))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.name, err)
		}
		fill(opened, keys)
		rivals = append(rivals, &rival[K]{contender: c, cache: opened})
	}
	return rivals, nil
}

// fill sets all keys, a few at a time for those that drop what is too much.
func fill[K key](c cache[K], keys []K) {
	for i, k := range keys {
		c.set(k, i)
		if i%1024 == 0 {
			c.settle()
		}
	}
	c.settle()
}

// race measures all rivals in all columns. They take turns in another order each
// round: what one leaves to the garbage collector is not always the same one's. It fails
// if inserts were none.
func race[K key](b *bench, rivals []*rival[K], w workload, todo work[K]) error {
	warmHeap()
	r := rand.New(rand.NewPCG(7, 8))
	for _, rival := range rivals {
		rival.rates = make([][]float64, len(columns))
		rival.ops, rival.hits = 0, 0
	}
	for column, goroutines := range columns {
		runtime.GC()
		for range b.rounds {
			for _, i := range r.Perm(len(rivals)) {
				rate := rivals[i].turn(todo, goroutines, b.round)
				rivals[i].rates[column] = append(rivals[i].rates[column], rate)
			}
		}
	}
	if !w.inserts {
		return nil
	}
	for _, r := range rivals {
		if share := 100 * float64(r.hits) / float64(r.ops); share > mostHits {
			return fmt.Errorf("%s: %.1f %% of what %s did were hits: keys came twice", w.name, share, r.name)
		}
	}
	return nil
}

// warmHeap takes as much memory as there is in use, and gives it back: so large the heap
// is going to be before the collector runs.
func warmHeap() {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	const piece = 1 << 16
	all := make([][]byte, m.HeapAlloc/piece+1)
	for i := range all {
		all[i] = make([]byte, piece)
		for at := 0; at < piece; at += os.Getpagesize() {
			all[i][at] = 1
		}
	}
	runtime.KeepAlive(all)
}

// turn does what is to be done for about that long, and returns million operations a
// second. Goroutines take a few operations at a time, in order, and none does what another
// has done.
func (r *rival[K]) turn(todo work[K], goroutines int, about time.Duration) float64 {
	const batch = 256
	counts := make([]struct {
		ops, hits int
		_         [112]byte // two cache lines: goroutines don't share one
	}, goroutines)
	var wg sync.WaitGroup
	start := time.Now()
	for g := range goroutines {
		wg.Go(func() {
			for time.Since(start) < about {
				first := int(r.next.Add(batch)) - batch
				counts[g].hits += todo.do(r.cache, first, batch)
				counts[g].ops += batch
			}
		})
	}
	wg.Wait()
	elapsed := time.Since(start)
	ops := 0
	for _, c := range counts {
		ops += c.ops
		r.hits += c.hits
	}
	r.ops += ops
	r.cache.settle()
	return float64(ops) / 1e6 / elapsed.Seconds()
}

// rate returns the median of a column.
func (r *rival[K]) rate(column int) float64 { return median(r.rates[column], same) }

// ratio returns the median over the rounds of the throughput divided by that of
// another, which had its turn about when r had.
func (r *rival[K]) ratio(other *rival[K], column int) float64 {
	var ratios []float64
	for round, rate := range r.rates[column] {
		ratios = append(ratios, rate/other.rates[column][round])
	}
	return median(ratios, same)
}
