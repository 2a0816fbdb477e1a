package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/latchkey-go/latchkey/persist"
	"github.com/latchkey-go/latchkey/store"
)

// session is a value of the size that web sessions have.
type session struct {
	User  string
	Items []int
	Seen  time.Time
}

// snapshot measures the waits of a Get while a large store is saved.
func snapshot(size sizes) (err error) {
	dir, err := os.MkdirTemp("", "latchkey-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
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
	l := latencies{get: func(i int) { _, _ = s.Get(keys[i*7919%len(keys)]) }}
	for range size.repeats {
		l.round(func() error { return s.Snapshot(context.Background()) })
	}
	fmt.Printf("\n## Snapshot of %d entries: waits of a concurrent Get\n\n", size.large)
	if err := l.print("saving"); err != nil {
		return err
	}
	return s.Close()
}

var errTooFew = errors.New("too few operations measured")

// latencies gathers how long a Get takes, with nothing else going on and beside
// something else, in turn.
type latencies struct {
	get        func(i int)
	idle, busy []quantiles
	computing  []quantiles     // beside a goroutine that only computes; none = not measured
	took       []time.Duration // of what was going on
	err        error
}

// quantiles are those of one round; see shown.
type quantiles struct {
	n, slow int // operations, and those of them that took longer than a millisecond
	at      []time.Duration
}

type shownQuantile struct {
	name string
	q    float64
}

var shown = []shownQuantile{{"p50", 0.5}, {"p99", 0.99}, {"p99.9", 0.999}, {"p99.99", 0.9999}, {"longest", 1}}

func (l *latencies) round(during func() error) {
	runtime.GC() // what came before must not count here
	l.idle = append(l.idle, waits(l.get, func() { time.Sleep(time.Second) }))
	start := time.Now()
	l.busy = append(l.busy, waits(l.get, func() { l.err = errors.Join(l.err, during()) }))
	l.took = append(l.took, time.Since(start))
}

// compute measures what it costs that the processors have something else to do.
func (l *latencies) compute(d time.Duration) {
	l.computing = append(l.computing, waits(l.get, func() {
		block := make([]byte, 1<<12)
		for start := time.Now(); time.Since(start) < d; {
			sum := sha256.Sum256(block)
			copy(block, sum[:])
		}
	}))
}

// print prints the medians over the rounds.
func (l *latencies) print(what string) error {
	if l.err != nil {
		return l.err
	}
	fmt.Print("| | Gets |")
	for _, s := range shown {
		fmt.Printf(" %s |", s.name)
	}
	fmt.Print("\n|---|--:|" + strings.Repeat("--:|", len(shown)) + "\n")
	for _, row := range []struct {
		name   string
		rounds []quantiles
	}{{"idle", l.idle}, {"a goroutine beside that only computes", l.computing}, {what, l.busy}} {
		if len(row.rounds) == 0 {
			continue
		}
		n := median(row.rounds, func(q quantiles) int { return q.n })
		if n < 10_000 {
			return errTooFew
		}
		fmt.Printf("| %s | %d |", row.name, n)
		for i := range shown {
			fmt.Printf(" %v |", l.at(row.rounds, i))
		}
		fmt.Println()
	}
	fmt.Printf("\nIt took %.2f s; medians of %d rounds.\n", median(l.took, time.Duration.Seconds), len(l.took))
	return nil
}

// at returns the median of one of the quantiles shown.
func (l *latencies) at(rounds []quantiles, i int) time.Duration {
	return median(rounds, func(q quantiles) time.Duration { return q.at[i] })
}

// waits does op again and again while during runs and returns how long it took.
func waits(op func(i int), during func()) quantiles { return pacedWaits(op, 0, during) }

// pacedWaits is waits with at most one op per that time on average.
func pacedWaits(op func(i int), every time.Duration, during func()) quantiles {
	done := make(chan struct{})
	var wg sync.WaitGroup
	room := 1 << 24
	if every > 0 {
		room = 1 << 18
	}
	all := make([]time.Duration, 0, room)
	wg.Go(func() {
		begin := time.Now()
		for i := 0; ; i++ {
			if every > 0 {
				time.Sleep(time.Until(begin.Add(time.Duration(i) * every)))
			}
			start := time.Now()
			op(i)
			all = append(all, time.Since(start))
			select {
			case <-done: // once there is something to tell
				return
			default:
			}
		}
	})
	during()
	close(done)
	wg.Wait()
	return quantilesOf(all)
}

// quantilesOf sorts what was measured, of which there is something.
func quantilesOf(all []time.Duration) quantiles {
	slices.Sort(all)
	slow, _ := slices.BinarySearch(all, time.Millisecond+1)
	q := quantiles{n: len(all), slow: len(all) - slow}
	for _, s := range shown {
		q.at = append(q.at, all[int(s.q*float64(len(all)-1))])
	}
	return q
}
