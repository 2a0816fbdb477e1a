package main

import (
	"math"
	"slices"
	"testing"
)

// script is a cache that notes what is done to it.
type script struct {
	entries    map[string]int
	gets, sets []string
}

func (c *script) get(key string) (int, bool) {
	c.gets = append(c.gets, key)
	value, found := c.entries[key]
	return value, found
}

func (c *script) set(key string, value int) {
	c.sets = append(c.sets, key)
	c.entries[key] = value
}

func (c *script) settle() {}
func (c *script) close()  {}

func newScript() *script { return &script{entries: make(map[string]int)} }

func TestSequence(t *testing.T) {
	const n = 1 << 15
	keys := newKeys[string](100, 3)
	for _, w := range workloads {
		t.Run(w.name, func(t *testing.T) {
			c := newScript()
			if !w.inserts {
				fill[string](c, keys)
			}
			c.sets = nil
			hits := newWork(w, keys, n).do(c, 0, n)
			switch share := 100 * float64(len(c.sets)) / n; {
			case w.inserts && (hits != 0 || len(c.gets) != n || len(c.entries) != n):
				t.Errorf("%d hits, %d gets, %d entries; want none, and %d of each", hits, len(c.gets), len(c.entries), n)
			case !w.inserts && math.Abs(share-float64(w.writes)) > 1:
				t.Errorf("%.1f %% of writes, want %d", share, w.writes)
			case !w.inserts && (hits != n || len(c.entries) != len(keys)):
				t.Errorf("%d hits, %d entries; want %d and %d", hits, len(c.entries), n, len(keys))
			}
		})
	}
}

// A sequence goes on from any place, and starts over at its end.
func TestSequenceStartsOver(t *testing.T) {
	c := newScript()
	s := sequence[string]{keys: []string{"a", "b", "c", "d"}, writes: []bool{false, true, false, true}}
	s.do(c, 6, 4)
	if want := []string{"c", "a"}; !slices.Equal(c.gets, want) {
		t.Errorf("got %q, want %q", c.gets, want)
	}
	if want := []string{"d", "b"}; !slices.Equal(c.sets, want) {
		t.Errorf("set %q, want %q", c.sets, want)
	}
}
