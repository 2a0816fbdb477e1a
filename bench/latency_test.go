package main

import (
	"slices"
	"testing"
	"time"
)

func TestQuantiles(t *testing.T) {
	all := make([]time.Duration, 10_001)
	for i := range all {
		all[i] = time.Duration(len(all) - 1 - i) // 10000 down to 0
	}
	got := quantilesOf(all)
	want := []time.Duration{5000, 9900, 9990, 9999, 10_000}
	if got.n != len(all) || !slices.Equal(got.at, want) {
		t.Errorf("got %v, want %v of %d", got, want, len(all))
	}
	if got := quantilesOf([]time.Duration{7}); got.at[0] != 7 || got.at[len(shown)-1] != 7 {
		t.Errorf("got %v of one", got)
	}
	const ms = time.Millisecond
	if got := quantilesOf([]time.Duration{ms + 1, 7, ms, 3 * ms, ms - 1}); got.slow != 2 {
		t.Errorf("%d of five are longer than a millisecond, want 2", got.slow)
	}
}

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		of   []float64
		want float64
	}{{[]float64{3}, 3}, {[]float64{9, 1, 5}, 5}, {[]float64{4, 1, 3, 2}, 3}} {
		if got := median(c.of, same); got != c.want {
			t.Errorf("got %v of %v, want %v", got, c.of, c.want)
		}
	}
}

func TestPacedWaits(t *testing.T) {
	start := time.Now()
	ops := 0
	got := pacedWaits(func(int) { ops++ }, time.Millisecond, func() { time.Sleep(30 * time.Millisecond) })
	most := int(time.Since(start)/time.Millisecond) + 1
	if got.n != ops || ops == 0 || ops > most {
		t.Errorf("%d operations, %d of them measured; want at most %d", ops, got.n, most)
	}
}
