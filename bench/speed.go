package main

import (
	"cmp"
	"fmt"
	"log"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"
)

// columns are the numbers of goroutines that share a cache.
var columns = []int{1, 2, 16}

// speed prints a table for each kind of store and workload.
func (b *bench) speed() error {
	b.section("Speed: million operations a second, all goroutines together",
		fmt.Sprintf(`TTL, idle timeout and metadata on for latchkey; a TTL for all others that have one.
Columns are the number of goroutines; medians of %d rounds of %v, in which all take turns.
The last columns are medians of the rounds' ratios: our throughput divided by theirs,
for 1 / 2 / 16 goroutines. **Above 1, latchkey is faster**; a ratio below 1 is where it loses.
The heap has been as large before as it becomes: what the system asks for new memory is
paid once in a process, and by whoever makes the most garbage.
What is set beyond a capacity needs one, so caches without are not in those tables.`, b.rounds, b.round))
	var plotted []panel
	for _, s := range setups {
		if b.quick && !s.main {
			continue
		}
		var err error
		if s.ints {
			_, err = speedOf[int](b, s)
		} else if s.main {
			plotted, err = speedOf[string](b, s)
		} else {
			_, err = speedOf[string](b, s)
		}
		if err != nil {
			return err
		}
	}
	return b.plot("speed", plotted...)
}

// speedOf measures all workloads with one kind of store.
func speedOf[K key](b *bench, s setup) (plotted []panel, err error) {
	var selected []workload
	for _, w := range workloads {
		if (s.main || w.core) && strings.Contains(strings.ToLower(w.name), strings.ToLower(b.workload)) {
			selected = append(selected, w)
		}
	}
	if len(selected) == 0 {
		return nil, nil
	}
	keys := newKeys[K](s.entries, 3)
	rivals, err := openAll(contenders[K](), keys)
	if err != nil {
		return nil, err
	}
	defer func() {
		for _, r := range rivals {
			r.cache.close()
		}
	}()
	for _, w := range selected {
		log.Printf("speed: %v: %s", s, w.name)
		n := 1 << 20
		if w.inserts {
			n = 1 << 22
			rivals = slices.DeleteFunc(rivals, func(r *rival[K]) bool { return r.endless })
		}
		race(b, rivals, newSequence(w, keys, n))
		b.printf("\n### %s: %v\n\n%s", w.name, s, speedTable(rivals))
		if w.plot {
			plotted = append(plotted, speedPanel(w, rivals))
		}
	}
	return plotted, nil
}

// speedPanel has the bars of one workload.
func speedPanel[K key](w workload, rivals []*rival[K]) panel {
	p := panel{title: strings.ToUpper(w.name[:1]) + w.name[1:] + ": million operations a second", columns: []string{"1 goroutine", "2 goroutines", "16 goroutines"}}
	for _, r := range rivals {
		var values []float64
		for column := range columns {
			values = append(values, r.rate(column))
		}
		p.add(r.name, r.ours, values...)
	}
	return p
}

// rival is an open cache, and its results.
type rival[K key] struct {
	contender[K]
	cache cache[K]
	at    int         // how far it is in the sequence
	rates [][]float64 // million operations a second, by column and round
	hits  float64     // of the operations, in the last round
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
// round: what one leaves to the garbage collector is not always the same one's.
func race[K key](b *bench, rivals []*rival[K], s sequence[K]) {
	warmHeap()
	r := rand.New(rand.NewPCG(7, 8))
	for _, rival := range rivals {
		rival.rates = make([][]float64, len(columns))
		rival.at = 0
	}
	for column, goroutines := range columns {
		runtime.GC()
		for range b.rounds {
			for _, i := range r.Perm(len(rivals)) {
				rivals[i].measure(s, column, goroutines, b.round)
			}
		}
	}
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

// measure does the sequence for about that long, each goroutine from another place.
func (r *rival[K]) measure(s sequence[K], column, goroutines int, about time.Duration) {
	const batch = 256
	counts := make([]struct {
		n, hits int
		_       [112]byte // two cache lines: goroutines don't share one
	}, goroutines)
	var wg sync.WaitGroup
	start := time.Now()
	for g := range goroutines {
		wg.Go(func() {
			at := r.at + g*len(s.keys)/goroutines
			for time.Since(start) < about {
				counts[g].hits += s.do(r.cache, at+counts[g].n, batch)
				counts[g].n += batch
			}
		})
	}
	wg.Wait()
	elapsed := time.Since(start)
	n, hits := 0, 0
	for _, c := range counts {
		n += c.n
		hits += c.hits
	}
	r.at += n / goroutines
	r.hits = float64(hits) / float64(n)
	r.rates[column] = append(r.rates[column], float64(n)/1e6/elapsed.Seconds())
	r.cache.settle()
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

// speedTable has a row for each rival, and a column of ratios for each of ours.
func speedTable[K key](rivals []*rival[K]) string {
	t := table{head: []string{"", "1", "2", "16"}}
	for _, ours := range rivals {
		if ours.ours {
			t.head = append(t.head, strings.TrimPrefix(ours.name, "latchkey ")+" ÷ it")
		}
	}
	for _, r := range rivals {
		row := []string{r.name}
		for column := range columns {
			row = append(row, fmt.Sprintf("%.2f", r.rate(column)))
		}
		for _, ours := range rivals {
			if !ours.ours {
				continue
			}
			var ratios []string
			for column := range columns {
				ratios = append(ratios, fmt.Sprintf("%.2f", ours.ratio(r, column)))
			}
			row = append(row, strings.Join(ratios, " / "))
		}
		t.rows = append(t.rows, row)
	}
	return t.String()
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
