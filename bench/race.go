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

// batch is how many operations a goroutine does before it looks at the clock.
const batch = 256

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

// race measures all rivals in all columns, once each round, after a turn of each that does
// not count. It fails if inserts were none.
func race[K key](b *bench, rivals []*rival[K], w workload, todo work[K]) error {
	warmHeap()
	for _, r := range rivals {
		r.rates = make([][]float64, len(columns))
		r.ops, r.hits = 0, 0
		r.run(todo, columns[len(columns)-1], b.round)
	}
	random := rand.New(rand.NewPCG(7, 8))
	for range b.rounds {
		runtime.GC()
		for _, t := range turns(random, len(rivals)) {
			r := rivals[t.rival]
			r.rates[t.column] = append(r.rates[t.column], r.run(todo, columns[t.column], b.round))
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

// turn says whose turn it is, and in which column.
type turn struct{ rival, column int }

// turns returns a round: the rivals in random order, each in all columns, these too in
// random order. So the columns of one are compared within a second, however the machine
// drifts. The order is the same in each run, and with it where collections of garbage fall.
func turns(r *rand.Rand, rivals int) (round []turn) {
	for _, rival := range r.Perm(rivals) {
		for _, column := range r.Perm(len(columns)) {
			round = append(round, turn{rival, column})
		}
	}
	return round
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

// run does what there is to do for about that long, and returns million operations a
// second. Each goroutine takes a batch of operations at a time, at least one, and none does
// what another has done.
func (r *rival[K]) run(todo work[K], goroutines int, about time.Duration) float64 {
	counts := make([]struct {
		ops, hits int
		_         [112]byte // two cache lines: goroutines don't share one
	}, goroutines)
	var wg sync.WaitGroup
	start := time.Now()
	for g := range goroutines {
		wg.Go(func() {
			for done := false; !done; done = time.Since(start) >= about {
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
// another, which had its turn in the same round.
func (r *rival[K]) ratio(other *rival[K], column int) float64 {
	return medianRatio(r.rates[column], other.rates[column])
}

// speedup returns that of its own throughput, with the most goroutines and with one.
func (r *rival[K]) speedup() float64 {
	return medianRatio(r.rates[len(columns)-1], r.rates[0])
}

// medianRatio returns the median over the rounds of one rate divided by another.
func medianRatio(rates, others []float64) float64 {
	var ratios []float64
	for round, rate := range rates {
		ratios = append(ratios, rate/others[round])
	}
	return median(ratios, same)
}
