package main

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"unsafe"
)

// The likelihoods are those of the definition: i is drawn in proportion to
// 1/(i+1)^s.
func TestZipf(t *testing.T) {
	for _, s := range []float64{0.99, 1.01} {
		const n, draws = 1000, 1_000_000
		draw := zipf(n, s, rand.New(rand.NewPCG(1, 2)))
		counts := make([]int, n)
		for range draws {
			counts[draw()]++
		}
		sum := 0.0
		for i := range n {
			sum += math.Pow(float64(i+1), -s)
		}
		for _, i := range []int{0, 1, 2, 9, 99, n - 1} {
			want := draws * math.Pow(float64(i+1), -s) / sum
			if got := float64(counts[i]); math.Abs(got-want) > 5*math.Sqrt(want) {
				t.Errorf("exponent %v: %d was drawn %.0f times, want %.0f", s, i, got, want)
			}
		}
	}
}

func TestUniform(t *testing.T) {
	const n, draws = 10, 100_000
	draw := uniform(n, rand.New(rand.NewPCG(1, 2)))
	var counts [n]int
	for range draws {
		counts[draw()]++
	}
	for i, got := range counts {
		if math.Abs(float64(got-draws/n)) > 5*math.Sqrt(draws/n) {
			t.Errorf("%d was drawn %d times, want %d", i, got, draws/n)
		}
	}
}

// Unused keys are all different, and not those that a cache is filled with, also once
// they have begun again, further on in their text.
func TestUnusedKeys(t *testing.T) {
	t.Run("strings", func(t *testing.T) {
		testUnusedKeys(t, func(k string) bool { return len(k) == keyBytes })
	})
	t.Run("ints", func(t *testing.T) {
		testUnusedKeys(t, func(int) bool { return true })
	})
}

func testUnusedKeys[K key](t *testing.T, valid func(K) bool) {
	const n = 1000
	seen := make(map[K]int)
	for i, k := range newKeys[K](keyBytes*n, 3) {
		seen[k] = -1 - i
	}
	unused := unusedKeys[K](n)
	for i := range keyBytes * n {
		k := unused(i)
		if before, found := seen[k]; found {
			t.Fatalf("%v is number %d and number %d", k, i, before)
		}
		if !valid(k) {
			t.Fatalf("number %d is %v", i, k)
		}
		seen[k] = i
	}
}

func TestKeys(t *testing.T) {
	keys, others := newKeys[string](1000, 1), newKeys[string](1000, 2)
	ints := slices.Concat(newKeys[int](1000, 1), newKeys[int](1000, 2))
	for _, k := range keys {
		if len(k) != 40 {
			t.Fatalf("a key has %d bytes", len(k))
		}
	}
	all := slices.Concat(keys, others)
	slices.Sort(all)
	slices.Sort(ints)
	if n, m := len(slices.Compact(all)), len(slices.Compact(ints)); n != 2000 || m != 2000 {
		t.Errorf("of 2000 keys only %d strings and %d ints are different", n, m)
	}
	same := copies(keys)
	if !slices.Equal(same, keys) {
		t.Error("copies are other keys")
	}
	if unsafe.StringData(same[0]) == unsafe.StringData(keys[0]) {
		t.Error("copies are the same strings")
	}
}
