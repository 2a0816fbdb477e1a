package promstore

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/latchkey-go/latchkey/persist"
	"github.com/latchkey-go/latchkey/store"
)

// metric is what is told of a store.
type metric struct {
	name    string // behind latchkey_
	help    string
	durable bool     // only of stores with a folder
	labels  []string // besides the store's name
	write   writer
}

var metrics = []metric{
	{
		name: "entries", help: "Entries kept, dead ones not yet freed among them.",
		write: gauge(func(s *store.Stats) float64 { return float64(s.Entries) }),
	},
	{
		name: "capacity_entries", help: "The most entries that are kept.",
		write: gauge(func(s *store.Stats) float64 { return float64(s.Capacity) }),
	},
	{
		name: "weight", help: "What the entries weigh together; as many as there are if nothing weighs them.",
		write: gauge(func(s *store.Stats) float64 { return float64(s.Weight) }),
	},
	{
		name: "max_weight", help: "The most that the entries may weigh together; 0 = no bound.",
		write: gauge(func(s *store.Stats) float64 { return float64(s.MaxWeight) }),
	},
	{
		name: "hits_total", help: "Reads that found an entry.",
		write: counter(func(s *store.Stats) uint64 { return s.Hits }),
	},
	{
		name: "misses_total", help: "Reads that found none.",
		write: counter(func(s *store.Stats) uint64 { return s.Misses }),
	},
	{
		name: "refusals_total", help: "Calls that found the entry locked.",
		write: counter(func(s *store.Stats) uint64 { return s.Refusals }),
	},
	{
		name: "sets_total", help: "Writes of a value.",
		write: counter(func(s *store.Stats) uint64 { return s.Sets }),
	},
	{
		name: "removals_total", help: "Values that are gone, by reason.",
		labels: []string{"reason"}, write: removals,
	},
	{
		name: "evicted_age_seconds", help: "Age of entries when they were evicted.",
		write: histogram(time.Second, 0, func(s *store.Stats) *persist.Histogram { return &s.EvictedAges }),
	},
	{
		name: "locked_entries", help: "Entries with a lease.",
		write: gauge(func(s *store.Stats) float64 { return float64(s.Locked) }),
	},
	{
		name: "lock_waiters", help: "Callers waiting for a lock.",
		write: gauge(func(s *store.Stats) float64 { return float64(s.Waiting) }),
	},
	{
		name: "lock_wait_seconds", help: "Waits for a lock of calls that had to wait, until they got it or gave up.",
		write: histogram(time.Millisecond, time.Minute, func(s *store.Stats) *persist.Histogram { return &s.LockWaits }),
	},
	{
		name: "loads_in_progress", help: "Loads under way.",
		write: gauge(func(s *store.Stats) float64 { return float64(s.Loading) }),
	},
	{
		name: "loads_total", help: "Loads begun.",
		write: counter(func(s *store.Stats) uint64 { return s.Loads }),
	},
	{
		name: "load_errors_total", help: "Loads that ended with an error or a panic.",
		write: counter(func(s *store.Stats) uint64 { return s.LoadErrors }),
	},
	{
		name: "load_duration_seconds", help: "Time that loads took.",
		write: histogram(100*time.Microsecond, time.Minute, func(s *store.Stats) *persist.Histogram { return &s.LoadTimes }),
	},
	{
		name: "read_only", help: "1 while the disk fails and writes are refused.", durable: true,
		write: gauge(func(s *store.Stats) float64 { return truth(s.ReadOnly) }),
	},
	{
		name: "journal_records_total", help: "Changes written to the journal.", durable: true,
		write: counter(func(s *store.Stats) uint64 { return s.Journal.Records }),
	},
	{
		name: "journal_written_bytes_total", help: "Bytes written to the journal.", durable: true,
		write: counter(func(s *store.Stats) uint64 { return s.Journal.Bytes }),
	},
	{
		name: "journal_sync_duration_seconds", help: "Time that fsyncs of the journal took.", durable: true,
		write: histogram(100*time.Microsecond, 10*time.Second, func(s *store.Stats) *persist.Histogram { return &s.Journal.SyncTimes }),
	},
	{
		name: "snapshots_total", help: "Snapshots taken.", durable: true,
		write: counter(func(s *store.Stats) uint64 { return s.Snapshots }),
	},
	{
		name: "snapshot_errors_total", help: "Snapshots that failed.", durable: true,
		write: counter(func(s *store.Stats) uint64 { return s.SnapshotErrors }),
	},
	{
		name: "unsaved_changes", help: "1 if the last snapshot does not have all that is in the store.", durable: true,
		write: gauge(func(s *store.Stats) float64 { return truth(s.Unsaved) }),
	},
	{
		name: "last_snapshot_timestamp_seconds", help: "Time of the last snapshot taken or restored, since 1970; 0 = none.", durable: true,
		write: gauge(func(s *store.Stats) float64 { return unix(s.LastSnapshot) }),
	},
	{
		name: "last_snapshot_duration_seconds", help: "Time that the last snapshot took; 0 = none since the start.", durable: true,
		write: gauge(func(s *store.Stats) float64 { return s.LastSnapshotTook.Seconds() }),
	},
	{
		name: "restored_entries", help: "Entries found in the folder at the start.", durable: true,
		write: gauge(func(s *store.Stats) float64 { return float64(s.Restored) }),
	},
	{
		name: "restored_journal_changes", help: "Changes made again from the journal at the start.", durable: true,
		write: gauge(func(s *store.Stats) float64 { return float64(s.Replayed) }),
	},
	{
		name: "restored_torn_bytes", help: "Bytes left out at the start: the journal's end that a crash has torn.", durable: true,
		write: gauge(func(s *store.Stats) float64 { return float64(s.TornBytes) }),
	},
	{
		name: "restored_damaged_snapshots", help: "Damaged snapshots passed over at the start.", durable: true,
		write: gauge(func(s *store.Stats) float64 { return float64(s.DamagedSnapshots) }),
	},
}

func removals(d *prometheus.Desc, s *store.Stats, out chan<- prometheus.Metric) {
	for _, r := range []struct {
		reason string
		n      uint64
	}{
		{"evicted", s.Evicted},
		{"expired", s.Expired},
		{"deleted", s.Deleted},
		{"replaced", s.Replaced},
		{"cleared", s.Cleared},
	} {
		out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(r.n), r.reason)
	}
}

func unix(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixNano()) / 1e9
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
