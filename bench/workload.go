package main

import (
	"fmt"
	"math/rand/v2"
)

// workload is a mix of operations.
type workload struct {
	name    string
	writes  int     // of 100 operations, the others read
	zipf    float64 // the exponent; 0 = uniform
	inserts bool    // each asks for a new key and, as it is not there, sets it
	mainly  bool    // measured with the main kind of store alone
	plot    bool
}

var workloads = []workload{
	{name: "all reads, uniform", plot: true},
	{name: "10 % writes, Zipf 1.01", writes: 10, zipf: 1.01, plot: true},
	{name: "25 % writes, Zipf 1.01", writes: 25, zipf: 1.01},
	{name: "10 % writes, Zipf 0.99", writes: 10, zipf: 0.99, mainly: true},
	{name: "25 % writes, Zipf 0.99", writes: 25, zipf: 0.99, mainly: true},
	{name: "all writes, Zipf 1.01", writes: 100, zipf: 1.01, plot: true},
	{name: "all misses, inserts", inserts: true, plot: true},
}

// setup is a kind of store.
type setup struct {
	entries int
	ints    bool // the keys are ints, not strings of 40 bytes
	main    bool // it is in the plots, and with -quick there is no other
}

var setups = []setup{
	{entries: 100_000, main: true},
	{entries: 1_000},
	{entries: 1_000_000},
	{entries: 100_000, ints: true},
}

func (s setup) String() string {
	kind := "strings of 40 bytes"
	if s.ints {
		kind = "ints"
	}
	return fmt.Sprintf("%s entries, keys are %s", thousands(s.entries), kind)
}

// work is what is done to a cache, in an order that is always the same.
type work[K key] interface {
	// do does n operations from the i-th on and returns how many found their key.
	do(c cache[K], i, n int) (hits int)
}

// newWork makes the work for a cache that holds the keys given: n operations that come
// again, or inserts whose keys are in n places.
func newWork[K key](w workload, keys []K, n int) work[K] {
	if w.inserts {
		return inserts[K]{newKey: unusedKeys[K](n)}
	}
	return newSequence(w, keys, n)
}

// inserts asks for one new key after the other, and sets those that are not there.
type inserts[K key] struct {
	newKey func(i int) K
}

func (w inserts[K]) do(c cache[K], i, n int) (hits int) {
	for i := i; n > 0; i, n = i+1, n-1 {
		k := w.newKey(i)
		if _, found := c.get(k); found {
			hits++
		} else {
			c.set(k, i)
		}
	}
	return hits
}

// sequence is a mix, over and over. It is made before, so that it is not measured. Its
// length is a power of two.
type sequence[K key] struct {
	keys   []K
	writes []bool
}

// newSequence makes one of n operations.
func newSequence[K key](w workload, keys []K, n int) sequence[K] {
	r := rand.New(rand.NewPCG(1, 2))
	draw := uniform(len(keys), r)
	if w.zipf > 0 {
		draw = zipf(len(keys), w.zipf, r)
	}
	order := r.Perm(len(keys)) // what is asked for the most was not set first
	s := sequence[K]{keys: make([]K, n), writes: make([]bool, n)}
	for i := range n {
		s.keys[i] = keys[order[draw()]]
		s.writes[i] = r.IntN(100) < w.writes
	}
	s.keys = copies(s.keys)
	return s
}

func (s sequence[K]) do(c cache[K], i, n int) (hits int) {
	for i := i; n > 0; i, n = i+1, n-1 {
		at := i & (len(s.keys) - 1)
		if s.writes[at] {
			c.set(s.keys[at], i)
			hits++
		} else if _, found := c.get(s.keys[at]); found {
			hits++
		}
	}
	return hits
}
