package main

import (
	"fmt"
	"log"
	"math/rand/v2"
	"runtime"
	"time"

	"github.com/latchkey-go/latchkey/store"
	"github.com/maypok86/otter/v2"
)

// inserts prints the longest waits of an insert that evicts, after all entries were
// read: what a policy has put off then is due.
func (b *bench) inserts() error {
	b.section("Longest insert after a time of reading alone", fmt.Sprintf(`%s entries are read, each once, in another order than they were set;
then new ones are inserted, one by one, each measured. The garbage collector and the
machine's other work show in the last columns, without a cache too. Medians of %d.`, thousands(b.entries), b.repeats))
	keys, fresh := newKeys[string](b.entries, 3), newKeys[string](b.entries/5, 5)
	order := rand.New(rand.NewPCG(1, 2)).Perm(len(keys))
	t := waitTable("")
	results := make(map[string][]quantiles)
	measure := func(name string, insert func(key string)) {
		runtime.GC()
		all := make([]time.Duration, len(fresh))
		for i, k := range fresh {
			start := time.Now()
			insert(k)
			all[i] = time.Since(start)
		}
		results[name] = append(results[name], quantilesOf(all))
	}
	const nothing = "nothing is done"
	rivals := named[string]("latchkey TinyLFU", "latchkey LRU", "otter", "theine", "golang-lru expirable")
	for range b.repeats {
		for _, contender := range rivals {
			log.Print("inserts: ", contender.name)
			c, err := contender.open(b.entries)
			if err != nil {
				return err
			}
			fill(c, keys)
			for _, i := range order {
				c.get(keys[i])
			}
			measure(contender.name, func(k string) { c.set(k, 7) })
			c.close()
		}
		measure(nothing, func(string) {})
	}
	for _, r := range append(rivals, contender[string]{name: nothing}) {
		t.rows = append(t.rows, waitRow(r.name, results[r.name]))
	}
	b.printf("\n%s", t)
	return nil
}

// mortal is a cache in which each entry has its own TTL.
type mortal struct {
	name string
	get  func(key int)
	set  func(key int, ttl time.Duration)
	done func() error // closes it and reports whether all were swept
}

// sweep prints the waits of single operations while very many entries expire, each
// at another time.
func (b *bench) sweep() error {
	b.section("Waits while entries expire", fmt.Sprintf(`%s entries with TTLs of their own, at random, expire one after the other;
one goroutine gets (9 of 10) and overwrites, and each operation is measured, the
garbage collector's work included.`, thousands(b.dying)))
	t := waitTable("operations")
	n := b.dying
	span := time.Duration(n) * 5 * time.Microsecond // of the TTLs: 50 s for ten million entries
	r := rand.New(rand.NewPCG(1, 2))
	someTTL := func() time.Duration { return span/5 + time.Duration(r.Int64N(int64(span))) }
	for _, open := range []func(n int, span time.Duration) (mortal, error){
		mortalStore(store.LRU), mortalStore(store.TinyLFU), mortalOtter, func(int, time.Duration) (mortal, error) {
			return mortal{name: "nothing is done", get: func(int) {}, set: func(int, time.Duration) {}, done: func() error { return nil }}, nil
		},
	} {
		m, err := open(n, span)
		if err != nil {
			return err
		}
		log.Print("sweep: ", m.name)
		for i := range n {
			m.set(i, someTTL())
		}
		runtime.GC()
		q := pacedWaits(func(i int) {
			if i%10 == 0 {
				m.set(i/10*7919%n, someTTL())
			} else {
				m.get(i * 7919 % n)
			}
		}, 0, func() { time.Sleep(2 * span / 5) })
		if err := m.done(); err != nil {
			return err
		}
		t.rows = append(t.rows, append([]string{m.name, thousands(q.n)}, waitRow(m.name, []quantiles{q})[1:]...))
	}
	b.printf("\n%s", t)
	return nil
}

func mortalStore(policy store.Policy) func(int, time.Duration) (mortal, error) {
	return func(n int, span time.Duration) (mortal, error) {
		s, err := store.New(store.Options[int, int]{Capacity: n, Policy: policy, SweepInterval: span / 8})
		return mortal{
			name: "latchkey " + policy.String(),
			get:  func(key int) { _, _ = s.Get(key) },
			set:  func(key int, ttl time.Duration) { must(s.SetWithTTL(key, key, ttl)) },
			done: func() error {
				if expired := s.Stats().Expired; expired < uint64(n)/10 {
					return fmt.Errorf("latchkey %v: only %d of %d have expired", policy, expired, n)
				}
				return s.Close()
			},
		}, err
	}
}

func mortalOtter(n int, _ time.Duration) (mortal, error) {
	c, err := otter.New(&otter.Options[int, int]{
		MaximumSize:      n,
		ExpiryCalculator: otter.ExpiryWritingFunc(func(e otter.Entry[int, int]) time.Duration { return time.Duration(e.Value) }),
	})
	return mortal{
		name: "otter",
		get:  func(key int) { c.GetIfPresent(key) },
		set:  func(key int, ttl time.Duration) { c.Set(key, int(ttl)) },
		done: func() error { c.StopAllGoroutines(); return nil },
	}, err
}

// waitTable is a table of quantiles, behind a column of that name if it has one.
func waitTable(column string) table {
	t := table{head: []string{""}}
	if column != "" {
		t.head = append(t.head, column)
	}
	for _, s := range shown {
		t.head = append(t.head, s.name)
	}
	return t
}

// waitRow has the medians over the rounds.
func waitRow(name string, rounds []quantiles) []string {
	row := []string{name}
	for i := range shown {
		at := median(rounds, func(q quantiles) time.Duration { return q.at[i] })
		row = append(row, rounded(at))
	}
	return row
}

// rounded returns a duration in three digits or so.
func rounded(d time.Duration) string {
	switch {
	case d < time.Microsecond:
		return fmt.Sprintf("%d ns", d.Nanoseconds())
	case d < time.Millisecond:
		return fmt.Sprintf("%.1f µs", float64(d)/1e3)
	}
	return fmt.Sprintf("%.1f ms", float64(d)/1e6)
}
