package main

import (
	"fmt"
	"runtime"
)

// memory prints the bytes of heap per entry, keys not counted: they are made
// before.
func memory(size sizes) error {
	keys := sessionKeys(size.large)
	fmt.Printf("\n## Memory: bytes per entry beside its key's text, %d entries, string keys, int values\n\n| | bytes |\n|---|--:|\n", size.large)
	for i := range 3 {
		before := heap()
		caches, err := contestants(size.large)
		if err != nil {
			return err
		}
		c := caches[i]
		for n, key := range keys {
			c.set(key, n)
		}
		caches = nil
		fmt.Printf("| %s | %.0f |\n", c.name, float64(heap()-before)/float64(size.large))
		runtime.KeepAlive(c.get)
	}
	runtime.KeepAlive(keys)
	return nil
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
