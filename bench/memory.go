package main

import (
	"fmt"
	"log"
	"runtime"
)

// memory prints what an entry takes beyond its key and value, and what the
// operations allocate.
func (b *bench) memory() error {
	b.section("Memory", fmt.Sprintf(`Bytes of heap per entry beyond key and value, that is without the key's text, its
string header and the int, with %s entries; allocations per operation. A header is taken
off ristretto's too, which keeps none.`, thousands(b.entries)))
	keys, fresh := newKeys[string](b.entries, 3), newKeys[string](b.entries/10, 5)
	const value = 1 << 20 // a small one in an interface would allocate nothing
	t := table{head: []string{"", "bytes per entry", "Get, hit", "Set, overwrite", "Set, insert"}}
	bars := panel{title: "Bytes per entry beyond key and value", columns: []string{""}}
	for _, contender := range contenders[string]() {
		log.Print("memory: ", contender.name)
		before := heap()
		c, err := contender.open(b.entries)
		if err != nil {
			return err
		}
		fill(c, keys)
		const keyAndValue = 16 + 8
		bytes := float64(heap()-before)/float64(b.entries) - keyAndValue
		row := []string{contender.name, fmt.Sprintf("%.0f", bytes)}
		for _, perOp := range []float64{
			allocations(keys, func(k string) { c.get(k) }),
			allocations(keys, func(k string) { c.set(k, value) }),
			allocations(fresh, func(k string) { c.set(k, value) }),
		} {
			row = append(row, fmt.Sprintf("%.1f", perOp))
		}
		t.rows = append(t.rows, row)
		bars.add(contender.name, contender.ours, bytes)
		c.close()
	}
	runtime.KeepAlive(keys)
	b.printf("\n%s", t)
	return b.plot("memory", bars)
}

// heap returns the bytes in use.
func heap() int64 {
	for range 3 { // cleanups free more
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// allocations returns how often op allocates, those of the cache's own goroutines too.
func allocations(keys []string, op func(key string)) float64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for _, k := range keys {
		op(k)
	}
	runtime.ReadMemStats(&after)
	return float64(after.Mallocs-before.Mallocs) / float64(len(keys))
}
