package persist_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/persist"
)

func TestHistogram(t *testing.T) {
	bounds := persist.HistogramBounds()
	require.Equal(t, []time.Duration{1000, 2000, 5000, 10_000, 20_000}, bounds[:5])
	require.Equal(t, 1_000_000*time.Second, bounds[len(bounds)-1])
	require.IsIncreasing(t, bounds)

	bounds[0] = 7 // the caller's own
	require.Equal(t, time.Microsecond, persist.HistogramBounds()[0])

	for _, c := range []struct {
		name   string
		d      time.Duration
		bucket int
	}{
		{"below zero", -time.Second, 0},
		{"zero", 0, 0},
		{"a bound", time.Microsecond, 0},
		{"just above", time.Microsecond + 1, 1},
		{"another", 5 * time.Microsecond, 2},
		{"a second", time.Second, 18},
		{"the last bound", 1_000_000 * time.Second, 36},
		{"beyond all", 1_000_000*time.Second + 1, 37},
		{"far beyond all", 1<<63 - 1, 37},
	} {
		t.Run(c.name, func(t *testing.T) {
			var h persist.Histogram
			h.Observe(c.d)
			require.EqualValues(t, 1, h.Buckets[c.bucket])
			require.EqualValues(t, 1, h.Count())
			require.InDelta(t, max(c.d, 0).Seconds(), h.Seconds, 1e-9)
		})
	}
}

func TestHistogramQuantile(t *testing.T) {
	var h persist.Histogram
	require.Zero(t, h.Quantile(0.5), "of none")
	for range 99 {
		h.Observe(time.Millisecond)
	}
	h.Observe(3 * time.Second)
	require.Equal(t, time.Millisecond, h.Quantile(0))
	require.Equal(t, time.Millisecond, h.Quantile(0.99))
	require.Equal(t, 5*time.Second, h.Quantile(0.995))
	require.Equal(t, 5*time.Second, h.Quantile(1))

	before := h
	for range 10 {
		h.Observe(1 << 62)
	}
	require.Equal(t, 1_000_000*time.Second, h.Quantile(1), "the highest bound there is")
	since := h.Since(before)
	require.EqualValues(t, 10, since.Count())
	require.Equal(t, 1_000_000*time.Second, since.Quantile(0))
	require.EqualValues(t, 100, before.Count(), "is what it was")
}
