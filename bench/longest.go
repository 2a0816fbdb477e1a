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
