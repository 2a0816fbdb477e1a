// Package promstore tells Prometheus what a store does.
//
// # Overview
//
//	prometheus.MustRegister(
//		promstore.New("sessions", sessions),
//		promstore.New("carts", carts),
//	)
//
// Each store is a collector of its own, whatever its types, and has its name as the
// label "store". A scrape takes the store's lock once, for the time in which a few
// hundred numbers are copied; nothing runs between scrapes. A store that is closed
// goes on telling its last counts: unregister its collector.
//
// # Metrics
//
// Counters start at 0 when the store is made. Durations are in seconds.
//
//	latchkey_entries                           gauge      kept, dead ones not yet freed among them
//	latchkey_capacity_entries                  gauge      the most that are kept
//	latchkey_weight                            gauge      what they weigh together
//	latchkey_max_weight                        gauge      the most that they may; 0 = no bound
//	latchkey_hits_total                        counter    reads that found
//	latchkey_misses_total                      counter    reads that did not
//	latchkey_refusals_total                    counter    calls that found the entry locked
//	latchkey_sets_total                        counter    writes of a value
//	latchkey_removals_total{reason}            counter    evicted, expired, deleted, replaced, cleared
//	latchkey_evicted_age_seconds               histogram  age of entries when they were evicted
//	latchkey_locked_entries                    gauge      with a lease
//	latchkey_lock_waiters                      gauge      callers waiting in Lock
//	latchkey_lock_wait_seconds                 histogram  of calls that had to wait, those who gave up too
//	latchkey_loads_in_progress                 gauge      under way
//	latchkey_loads_total                       counter    begun
//	latchkey_load_errors_total                 counter    ended with an error or a panic
//	latchkey_load_duration_seconds             histogram  of those that have ended
//	latchkey_read_only                         gauge      1 while the disk fails and writes are refused
//	latchkey_journal_records_total             counter    changes written
//	latchkey_journal_written_bytes_total       counter    written
//	latchkey_journal_sync_duration_seconds     histogram  of fsyncs
//	latchkey_snapshots_total                   counter    taken
//	latchkey_snapshot_errors_total             counter    failed
//	latchkey_unsaved_changes                   gauge      1 if the last snapshot does not have all
//	latchkey_last_snapshot_timestamp_seconds   gauge      0 = none yet
//	latchkey_last_snapshot_duration_seconds    gauge      0 = none since the start
//	latchkey_restored_entries                  gauge      found in the folder at the start
//	latchkey_restored_journal_changes          gauge      made again from the journal then
//	latchkey_restored_torn_bytes               gauge      left out then: an end that a crash has torn
//	latchkey_restored_damaged_snapshots        gauge      passed over then
//
// Those from latchkey_read_only on are there only for stores with a folder.
//
// # Dashboard and alerts
//
// grafana/latchkey.json is a dashboard to import into Grafana. alerts/latchkey.yml has
// rules for Prometheus: a snapshot that is too old, a store that is read-only, snapshots
// and loads that fail, long waits for locks, and evictions of entries so young that the
// store looks too small. Their thresholds are a start: an entry's right age depends on
// what it is.
package promstore
