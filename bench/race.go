package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

// columns are the numbers of goroutines that share a cache.
var columns = []int{1, 2, 16}

// mostHits is how many of a hundred inserts may find their key before they count as none.
const mostHits = 1.0

// rival is a racer, and its results.
type rival struct {
	name    string
	ours    bool
	endless bool
	racer
	rates     [][]float64 // million operations a second, by column and round
	ops, hits int         // in the latest race
}

// openAll opens all contenders for a kind of store.
func openAll(s setup, open func(name string, s setup) (racer, error)) (rivals []*rival, err error) {
	for _, c := range contenders[string]() { // there are the same for ints
		rivals = append(rivals, &rival{name: c.name, ours: c.ours, endless: c.endless})
	}
	return rivals, forAll(rivals, func(r *rival) error {
		opened, err := open(r.name, s)
		if err == nil {
			r.racer = opened
		}
		return err
	})
}

// closeAll closes those that are open.
func closeAll(rivals []*rival) error {
	return forAll(rivals, func(r *rival) error {
		if r.racer == nil {
			return nil
		}
		return r.close()
	})
}

// forAll does something for all rivals at once.
func forAll(rivals []*rival, do func(r *rival) error) error {
	errs := make([]error, len(rivals))
	var wg sync.WaitGroup
	for i, r := range rivals {
		wg.Go(func() {
			if err := do(r); err != nil {
				errs[i] = fmt.Errorf("%s: %w", r.name, err)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// race measures all rivals in all columns, once each round. It fails if inserts were none.
func race(b *bench, rivals []*rival, w workload) error {
	err := forAll(rivals, func(r *rival) error {
		r.rates = make([][]float64, len(columns))
		r.ops, r.hits = 0, 0
		return r.prepare(w)
	})
	if err != nil {
		return err
	}
	random := rand.New(rand.NewPCG(7, 8))
	for range b.rounds {
		for _, t := range turns(random, len(rivals)) {
			if err := rivals[t.rival].turn(t.columns, b.round); err != nil {
				return err
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

// turn says whose turn it is, and in which order it does the columns.
type turn struct {
	rival   int
	columns []int
}

// turns returns a round: the rivals in random order, and the columns of each likewise. So the
// columns of one are compared within a second, however the machine drifts.
func turns(r *rand.Rand, rivals int) (round []turn) {
	for _, rival := range r.Perm(rivals) {
		round = append(round, turn{rival, r.Perm(len(columns))})
	}
	return round
}

// turn measures columns in that order, each for about that long.
func (r *rival) turn(order []int, about time.Duration) error {
	var goroutines []int
	for _, column := range order {
		goroutines = append(goroutines, columns[column])
	}
	outcomes, err := r.run(goroutines, about)
	if err != nil {
		return fmt.Errorf("%s: %w", r.name, err)
	}
	for i, o := range outcomes {
		r.ops += o.Ops
		r.hits += o.Hits
		r.rates[order[i]] = append(r.rates[order[i]], float64(o.Ops)/1e6/o.Took.Seconds())
	}
	return nil
}

// rate returns the median of a column.
func (r *rival) rate(column int) float64 { return median(r.rates[column], same) }

// ratio returns the median over the rounds of the throughput divided by that of
// another, which had its turn in the same round.
func (r *rival) ratio(other *rival, column int) float64 {
	return medianRatio(r.rates[column], other.rates[column])
}

// speedup returns that of its own throughput, with the most goroutines and with one.
func (r *rival) speedup() float64 {
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
