package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/latchkey-go/latchkey/persist"
	"github.com/latchkey-go/latchkey/store"
	"github.com/latchkey-go/latchkey/storetest"
)

// session is a value of the size that web sessions have.
type session struct {
	User  string
	Items []int
	Seen  time.Time
}

// sweep measures the waits of a Get while half of a large store is swept.
func sweep(size sizes) error {
	clock := new(storetest.Clock) // so that all of them die at one instant
	s, err := store.New(store.Options[string, int]{Capacity: 2 * size.large, Clock: clock})
	if err != nil {
		return err
	}
	keys := sessionKeys(2 * size.large)
	for i, key := range keys {
		ttl := store.NoExpiry
		if i%2 == 1 {
			ttl = time.Hour
		}
		if err := s.SetWithTTL(key, i, ttl); err != nil {
			return err
		}
	}
	get := func(i int) { _, _ = s.Get(keys[i*7919%len(keys)]) }
	idle := waits(get, func() { time.Sleep(time.Second) })
	var took time.Duration
	swept := waits(get, func() {
		start := time.Now()
		clock.Advance(time.Hour) // runs the sweep
		took = time.Since(start)
	})
	if n := s.Stats().Expired; n != uint64(size.large) {
		return fmt.Errorf("swept %d entries, not %d", n, size.large)
	}
	fmt.Printf("\n## Sweep of %d dead among %d entries, %.2f s: waits of a concurrent Get\n\n", size.large, 2*size.large, took.Seconds())
	return report(idle, swept, "sweeping")
}

// snapshot measures the waits of a Get while a large store is saved.
func snapshot(size sizes) error {
	dir, err := os.MkdirTemp("", "latchkey-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	s, err := store.New(store.Options[string, session]{Capacity: size.large, TTL: time.Hour, Persist: persist.Config{Dir: dir}})
	if err != nil {
		return err
	}
	keys := sessionKeys(size.large)
	for i, key := range keys {
		if err := s.Set(key, session{User: "user", Items: []int{i, i + 1, i + 2}, Seen: time.Unix(int64(i), 0)}); err != nil {
			return err
		}
	}
	get := func(i int) { _, _ = s.Get(keys[i*7919%len(keys)]) }
	idle := waits(get, func() { time.Sleep(2 * time.Second) })
	var took time.Duration
	var saveErr error
	saving := waits(get, func() {
		start := time.Now()
		saveErr = s.Snapshot(context.Background())
		took = time.Since(start)
	})
	if saveErr != nil {
		return saveErr
	}
	fmt.Printf("\n## Snapshot of %d entries, %.2f s: waits of a concurrent Get\n\n", size.large, took.Seconds())
	if err := report(idle, saving, "saving"); err != nil {
		return err
	}
	return s.Close()
}

// waits does op again and again while during runs and returns how long each
// took, in order of length.
func waits(op func(i int), during func()) []time.Duration {
	done := make(chan struct{})
	var wg sync.WaitGroup
	all := make([]time.Duration, 0, 1<<24)
	wg.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-done:
				return
			default:
			}
			start := time.Now()
			op(i)
			all = append(all, time.Since(start))
		}
	})
	during()
	close(done)
	wg.Wait()
	slices.Sort(all)
	return all
}

func report(idle, busy []time.Duration, what string) error {
	if len(idle) < 10_000 || len(busy) < 10_000 {
		return errTooFew
	}
	fmt.Printf("| | Gets | p50 | p99 | p99.9 | longest |\n|---|--:|--:|--:|--:|--:|\n")
	for _, row := range []struct {
		name string
		all  []time.Duration
	}{{"idle", idle}, {what, busy}} {
		at := func(q float64) time.Duration { return row.all[int(q*float64(len(row.all)-1))] }
		fmt.Printf("| %s | %d | %v | %v | %v | %v |\n", row.name, len(row.all), at(0.5), at(0.99), at(0.999), at(1))
	}
	return nil
}
