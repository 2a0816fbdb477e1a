package inspect

import (
	"math"
	"time"

	"github.com/latchkey-go/latchkey/persist"
	"github.com/latchkey-go/latchkey/store"
)

// chart is what one chart shows.
type chart struct {
	key, title, help string
	format           func(float64) string
	lines            []line
	over             int                     // samples that a value is of; 0 = one
	top              float64                 // 0 = as its values have it
	when             func(*store.Stats) bool // nil = always
	double           bool                    // takes the room of two, where there is room
}

// line is a line of a chart. Its value comes from two samples: the counts at its time
// and those before, d earlier.
type line struct {
	key, name string
	value     func(now, before *store.Stats, d time.Duration) float64
}

// charts are those of any store.
var charts = []chart{
	{
		key: "hits", title: "Hit ratio", help: "Reads that found an entry, of those that were not refused",
		format: percent, over: 5, top: 1,
		lines: []line{{"ratio", "hits", hitRatio}},
	},
	{
		key: "operations", title: "Operations", help: "Reads, writes, and calls that found the entry locked",
		format: perSecond(short), double: true,
		lines: []line{
			{"reads", "reads", rate(func(s *store.Stats) uint64 { return s.Hits + s.Misses })},
			{"writes", "writes", rate(func(s *store.Stats) uint64 { return s.Sets })},
			{"refused", "refused", rate(func(s *store.Stats) uint64 { return s.Refusals })},
		},
	},
	{
		key: "entries", title: "Entries", help: "Kept now, and the most that are kept",
		format: func(v float64) string { return count(int64(v)) },
		lines: []line{
			{"entries", "entries", level(func(s *store.Stats) int { return s.Entries })},
			{"capacity", "capacity", level(func(s *store.Stats) int { return s.Capacity })},
		},
	},
	{
		key: "weight", title: "Weight", help: "Of all entries, as Options.Weigher weighs them",
		format: short, when: func(s *store.Stats) bool { return s.Weight != uint64(s.Entries) },
		lines: []line{{"weight", "weight", level(func(s *store.Stats) int { return int(s.Weight) })}},
	},
	{
		key: "removals", title: "Removals", help: "By reason; replaced are old values of keys that were written again",
		format: perSecond(short),
		lines: []line{
			{"evicted", "evicted", rate(func(s *store.Stats) uint64 { return s.Evicted })},
			{"expired", "expired", rate(func(s *store.Stats) uint64 { return s.Expired })},
			{"deleted", "deleted", rate(func(s *store.Stats) uint64 { return s.Deleted })},
			{"replaced", "replaced", rate(func(s *store.Stats) uint64 { return s.Replaced })},
			{"cleared", "cleared", rate(func(s *store.Stats) uint64 { return s.Cleared })},
		},
	},
	{
		key: "age", title: "Age at eviction", help: "From when an entry was created; young ones say that the store is too small",
		format: seconds, over: 10,
		lines: []line{
			{"median", "median", quantile(0.5, func(s *store.Stats) *persist.Histogram { return &s.EvictedAges })},
			{"youngest", "youngest tenth", quantile(0.1, func(s *store.Stats) *persist.Histogram { return &s.EvictedAges })},
		},
	},
	{
		key: "locks", title: "Locks", help: "Entries with a lease, and callers that wait for one",
		format: short,
		lines: []line{
			{"locked", "locked", level(func(s *store.Stats) int { return s.Locked })},
			{"waiting", "waiting", level(func(s *store.Stats) int { return s.Waiting })},
		},
	},
	{
		key: "waits", title: "Waits for locks", help: "Of those who had to wait, until they got the lock or gave up",
		format: seconds, over: 10,
		lines: []line{
			{"p99", "99 %", quantile(0.99, func(s *store.Stats) *persist.Histogram { return &s.LockWaits })},
			{"median", "median", quantile(0.5, func(s *store.Stats) *persist.Histogram { return &s.LockWaits })},
		},
	},
	{
		key: "loads", title: "Loads", help: "Begun, and ended with an error",
		format: perSecond(short), when: func(s *store.Stats) bool { return s.Loads > 0 },
		lines: []line{
			{"loads", "loads", rate(func(s *store.Stats) uint64 { return s.Loads })},
			{"errors", "failed", rate(func(s *store.Stats) uint64 { return s.LoadErrors })},
		},
	},
	{
		key: "loading", title: "Time of loads", help: "Of those that have ended",
		format: seconds, over: 10, when: func(s *store.Stats) bool { return s.Loads > 0 },
		lines: []line{
			{"p99", "99 %", quantile(0.99, func(s *store.Stats) *persist.Histogram { return &s.LoadTimes })},
			{"median", "median", quantile(0.5, func(s *store.Stats) *persist.Histogram { return &s.LoadTimes })},
		},
	},
}

// diskCharts are those of a store with a folder.
var diskCharts = []chart{
	{
		key: "journal", title: "Journal", help: "Written to the journal",
		format: perSecond(byteCount), when: journaled,
		lines: []line{{"bytes", "written", rate(func(s *store.Stats) uint64 { return s.Journal.Bytes })}},
	},
	{
		key: "fsyncs", title: "Time of fsyncs", help: "How long it took to make the journal durable",
		format: seconds, over: 10, when: journaled,
		lines: []line{
			{"p99", "99 %", quantile(0.99, func(s *store.Stats) *persist.Histogram { return &s.Journal.SyncTimes })},
			{"median", "median", quantile(0.5, func(s *store.Stats) *persist.Histogram { return &s.Journal.SyncTimes })},
		},
	},
}

func journaled(s *store.Stats) bool { return s.Journal.Writes > 0 }

func hitRatio(now, before *store.Stats, _ time.Duration) float64 {
	hits, misses := now.Hits-before.Hits, now.Misses-before.Misses
	return float64(hits) / float64(hits+misses) // NaN for none
}

func rate(count func(*store.Stats) uint64) func(now, before *store.Stats, d time.Duration) float64 {
	return func(now, before *store.Stats, d time.Duration) float64 {
		return float64(count(now)-count(before)) / d.Seconds()
	}
}

func level(of func(*store.Stats) int) func(now, before *store.Stats, d time.Duration) float64 {
	return func(now, _ *store.Stats, _ time.Duration) float64 { return float64(of(now)) }
}

func quantile(q float64, of func(*store.Stats) *persist.Histogram) func(now, before *store.Stats, d time.Duration) float64 {
	return func(now, before *store.Stats, _ time.Duration) float64 {
		h := of(now).Since(*of(before))
		if h.Count() == 0 {
			return math.NaN()
		}
		return h.Quantile(q).Seconds()
	}
}

// points returns the values of a line.
func (c *chart) points(l *line, samples []sample) []point {
	over := max(c.over, 1)
	points := make([]point, 0, len(samples))
	for i := range samples {
		now, before := &samples[i], &samples[max(0, i-over)]
		value := l.value(&now.Stats, &before.Stats, now.at.Sub(before.at))
		points = append(points, point{now.at, value}) // NaN for a rate of the first one
	}
	return points
}
