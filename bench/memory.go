package main

import (
	"fmt"
	"log"
	"runtime"
	"runtime/metrics"
	"slices"
	"time"
)

// memory prints what an entry takes beyond its key and value, and what the
// operations allocate.
func (b *bench) memory() error {
	b.section("Memory", fmt.Sprintf(`Bytes of heap per entry beyond key and value, that is without the key's text, its
string header and the int, with %s entries; allocations per operation.`, thousands(b.entries)))
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

// collector prints what the garbage collector has to do for many entries.
func (b *bench) collector() error {
	b.section("Garbage collection", fmt.Sprintf(`One forced collection with %s entries, string keys and int values, medians of 5:
how long it takes, the processors' time for it, and the longest time all stand still.`, thousands(b.many)))
	keys := copies(newKeys[string](b.many, 3))
	t := table{head: []string{"", "takes", "processors", "stops for"}}
	t.rows = append(t.rows, append([]string{"the keys alone"}, collections()...))
	for _, contender := range named[string]("latchkey TinyLFU", "latchkey LRU", "otter", "theine", "golang-lru expirable") {
		log.Print("collector: ", contender.name)
		c, err := contender.open(b.many)
		if err != nil {
			return err
		}
		fill(c, keys)
		heap()
		t.rows = append(t.rows, append([]string{contender.name}, collections()...))
		c.close()
	}
	runtime.KeepAlive(keys)
	b.printf("\n%s", t)
	return nil
}

// collections collects a few times, and returns the medians in milliseconds.
func collections() []string {
	var took, cpu, stops []float64
	for range 5 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		used, start := collectorTime(), time.Now()
		runtime.GC()
		took = append(took, float64(time.Since(start).Microseconds())/1000)
		cpu = append(cpu, 1000*(collectorTime()-used))
		runtime.ReadMemStats(&after)
		var longest uint64
		for n := before.NumGC; n < after.NumGC; n++ {
			longest = max(longest, after.PauseNs[n%uint32(len(after.PauseNs))])
		}
		stops = append(stops, float64(longest)/1e6)
	}
	return []string{
		fmt.Sprintf("%.0f ms", median(took, same)), fmt.Sprintf("%.0f ms", median(cpu, same)),
		fmt.Sprintf("%.2f ms", slices.Max(stops)),
	}
}

// collectorTime returns the seconds the collector has had of the processors, also of
// those that were idle.
func collectorTime() float64 {
	sample := []metrics.Sample{{Name: "/cpu/classes/gc/total:cpu-seconds"}}
	metrics.Read(sample)
	return sample[0].Value.Float64()
}
