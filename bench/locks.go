package main

import (
	"context"
	"fmt"
	"log"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/latchkey-go/latchkey/store"
)

// locker locks a key, and returns what unlocks it.
type locker func(key int) (unlock func())

// leases are the locks of a store: each with a fence, a deadline and its place in the
// queue.
func leases(keys int) (locker, error) {
	s, err := store.New(store.Options[int, int]{Capacity: keys, TTL: ttl})
	if err != nil {
		return nil, err
	}
	for k := range keys {
		must(s.Set(k, k))
	}
	return func(key int) func() {
		lease, err := s.Lock(context.Background(), key, 0)
		must(err)
		return func() { must(lease.Unlock()) }
	}, nil
}

// mutexes is what is written by hand in place of that: a mutex for each key that is
// locked or waited for.
func mutexes(int) (locker, error) {
	type counted struct {
		sync.Mutex
		users int
	}
	var mu sync.Mutex // guards all
	all := make(map[int]*counted)
	return func(key int) func() {
		mu.Lock()
		m := all[key]
		if m == nil {
			m = new(counted)
			all[key] = m
		}
		m.users++
		mu.Unlock()
		m.Lock()
		return func() {
			m.Unlock()
			mu.Lock()
			defer mu.Unlock()
			if m.users--; m.users == 0 {
				delete(all, key)
			}
		}
	}, nil
}

// locks prints how fast keys are locked and unlocked, and how long one is waited for.
func (b *bench) locks() error {
	b.section("Locks", fmt.Sprintf(`Million times a second that a key is locked and unlocked; columns are the number of
goroutines, medians of %d rounds of %v that take turns. Beside leases, which end by
themselves, have fences and serve in order of arrival, the least that could be had by
hand: a map of mutexes.`, b.rounds, b.round))
	lockers := []struct {
		name string
		open func(keys int) (locker, error)
	}{{"latchkey", leases}, {"map of mutexes", mutexes}}
	throughput, waits := table{head: []string{"", "1", "2", "16"}}, waitTable("")
	for _, keys := range []int{1000, 1} {
		log.Printf("locks: %d keys", keys)
		rounds := make([][][]lockResult, len(lockers)) // by locker and column
		open := make([]locker, len(lockers))
		for i, l := range lockers {
			var err error
			if open[i], err = l.open(keys); err != nil {
				return err
			}
			rounds[i] = make([][]lockResult, len(columns))
		}
		for range b.rounds {
			for column, goroutines := range columns {
				for i, lock := range open {
					runtime.GC()
					rounds[i][column] = append(rounds[i][column], lockRound(lock, keys, goroutines, b.round))
				}
			}
		}
		for i, l := range lockers {
			row := []string{fmt.Sprintf("%s, keys: %s", l.name, thousands(keys))}
			for column := range columns {
				row = append(row, fmt.Sprintf("%.2f", median(rounds[i][column], func(r lockResult) float64 { return r.rate })))
			}
			throughput.rows = append(throughput.rows, row)
			if keys == 1 {
				var crowded []quantiles
				for _, r := range rounds[i][len(columns)-1] {
					crowded = append(crowded, r.waits)
				}
				waits.rows = append(waits.rows, waitRow(l.name, crowded))
			}
		}
	}
	b.printf("\n%s\nHow long each of 16 goroutines waits for one key, again and again:\n\n%s", throughput, waits)
	return nil
}

// lockResult is that of one round.
type lockResult struct {
	rate  float64 // million times a second
	waits quantiles
}

// lockRound locks and unlocks for about that long.
func lockRound(lock locker, keys, goroutines int, about time.Duration) lockResult {
	all := make([][]time.Duration, goroutines)
	var wg sync.WaitGroup
	start := time.Now()
	for g := range goroutines {
		wg.Go(func() {
			for i := g * 7919; time.Since(start) < about; i += 7919 {
				begin := time.Now()
				unlock := lock(i % keys)
				wait := time.Since(begin)
				unlock()
				all[g] = append(all[g], wait)
			}
		})
	}
	wg.Wait()
	elapsed := time.Since(start)
	joined := slices.Concat(all...)
	return lockResult{float64(len(joined)) / 1e6 / elapsed.Seconds(), quantilesOf(joined)}
}
