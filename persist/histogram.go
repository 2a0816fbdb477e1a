package persist

import (
	"slices"
	"time"
)

// Histogram counts durations by how long they are. Its buckets are the same for all,
// from a microsecond to eleven days. The zero value is empty. It is for one goroutine
// at a time.
type Histogram struct {
	// Buckets counts those of each bucket: above the bound before, up to its own.
	// The last has no bound.
	Buckets [len(bounds) + 1]uint64
	// Seconds is the sum of all durations.
	Seconds float64
}

// bounds are 1, 2 and 5 times the powers of ten.
var bounds = func() (b [37]time.Duration) {
	d := time.Microsecond
	for i := 0; i < len(b); i += 3 {
		b[i] = d
		if i+2 < len(b) {
			b[i+1], b[i+2] = 2*d, 5*d
		}
		d *= 10
	}
	return b
}()

// HistogramBounds returns the longest duration that each bucket is for, but for the
// last one: 1, 2, 5, 10 µs and so on.
func HistogramBounds() []time.Duration { return slices.Clone(bounds[:]) }

// Observe counts a duration; one below 0 counts as 0.
func (h *Histogram) Observe(d time.Duration) {
	d = max(d, 0)
	i, _ := slices.BinarySearch(bounds[:], d)
	h.Buckets[i]++
	h.Seconds += d.Seconds()
}

// Count returns how many durations were counted.
func (h Histogram) Count() (n uint64) {
	for _, c := range h.Buckets {
		n += c
	}
	return n
}

// Quantile returns the bound of the bucket in which the share q of the durations, in
// order, ends: for 0.99, one of a hundred may be longer than that. It is 0 if there
// are none, and the highest bound where the bucket has none.
func (h Histogram) Quantile(q float64) time.Duration {
	n := h.Count()
	if n == 0 {
		return 0
	}
	var seen uint64
	for i, c := range h.Buckets[:len(bounds)] {
		if seen += c; c > 0 && float64(seen) >= q*float64(n) {
			return bounds[i]
		}
	}
	return bounds[len(bounds)-1]
}

// Since returns what was counted after h was as before says.
func (h Histogram) Since(before Histogram) Histogram {
	for i := range h.Buckets {
		h.Buckets[i] -= before.Buckets[i]
	}
	h.Seconds -= before.Seconds
	return h
}
