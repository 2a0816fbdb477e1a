package main

import (
	"fmt"
	"log"
	"runtime"
	"runtime/metrics"
	"slices"
	"time"
)

// collectionsMade is how many collections a row is of.
const collectionsMade = 3

// collector prints what the garbage collector has to do for many entries.
func (b *bench) collector() error {
	b.section("Garbage collection", fmt.Sprintf(`One forced collection with %s entries, string keys and int values:
how long it takes and the processors' time for it, medians of %[2]d, and how long all stand
still in it, the longest of %[2]d.`, thousands(b.many), collectionsMade))
	keys := copies(newKeys[string](b.many, 3))
	t := table{head: []string{"", "takes", "processors", "stops for"}}
	t.rows = append(t.rows, append([]string{"the keys alone"}, collections()...))
	for _, contender := range named[string]("latchkey TinyLFU", "latchkey LRU", "otter", "golang-lru expirable") {
		log.Print("collector: ", contender.name)
		c, err := contender.open(b.many)
		if err != nil {
			return err
		}
		fill(c, keys)
		runtime.GC()
		t.rows = append(t.rows, append([]string{contender.name}, collections()...))
		c.close()
	}
	runtime.KeepAlive(keys)
	b.printf("\n%s", t)
	return nil
}

// collections collects a few times, and returns the medians, and the longest of the stops.
func collections() []string {
	var took, cpu, stops []float64
	for range collectionsMade {
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
