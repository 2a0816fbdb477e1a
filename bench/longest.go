package main

import (
	"fmt"
	"log"
	"math/rand/v2"
	"runtime"
	"time"
)

// inserts prints the longest waits of an insert that evicts, after all entries were
// read: what a policy has put off then is due.
func (b *bench) inserts() error {
	b.section("Longest insert after a time of reading alone", fmt.Sprintf(`%s entries are read, each once, in another order than they were set;
then new ones are inserted, one by one, each measured. The garbage collector and the
machine's other work show in the last columns, without a cache too. "Others" is the longest
time that another goroutine, which sets a key that is there again and again, waits
meanwhile for the first insert. "Read twice" is an insert after all were set again and read
twice more, each time in another order. Medians of %d.`, thousands(b.entries), b.repeats))
	keys, fresh := newKeys[string](b.entries, 3), newKeys[string](b.entries/5+1, 5)
	last, fresh := fresh[0], fresh[1:] // some keep a key that was inserted before
	r := rand.New(rand.NewPCG(1, 2))
	t := waitTable("")
	t.head = append(t.head, "others", "read twice")
	results := make(map[string][]quantiles)
	others, again := make(map[string][]time.Duration), make(map[string][]time.Duration)
	measure := func(name string, insert func(key string)) {
		runtime.GC()
		all := make([]time.Duration, len(fresh))
		timed := func(i int) {
			start := time.Now()
			insert(fresh[i])
			all[i] = time.Since(start)
		}
		other := waits(func(int) { insert(keys[0]) }, func() {
			time.Sleep(10 * time.Millisecond) // until it is at it
			timed(0)
		})
		others[name] = append(others[name], other.at[len(shown)-1])
		for i := range fresh[1:] {
			timed(i + 1)
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
			read := func() {
				for _, i := range r.Perm(len(keys)) {
					c.get(keys[i])
				}
			}
			read()
			measure(contender.name, func(k string) { c.set(k, 7) })
			fill(c, keys)
			read()
			read()
			runtime.GC()
			start := time.Now()
			c.set(last, 7)
			again[contender.name] = append(again[contender.name], time.Since(start))
			c.close()
		}
		again[nothing] = append(again[nothing], 0)
		measure(nothing, func(string) {})
	}
	for _, r := range append(rivals, contender[string]{name: nothing}) {
		row := waitRow(r.name, results[r.name])
		for _, waits := range []map[string][]time.Duration{others, again} {
			row = append(row, rounded(median(waits[r.name], func(d time.Duration) time.Duration { return d })))
		}
		t.rows = append(t.rows, row)
	}
	b.printf("\n%s", t)
	return nil
}
