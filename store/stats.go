package store

import (
	"time"

	"github.com/latchkey-go/latchkey/persist"
)

// Stats are counts since the store was made, and its state at one instant.
type Stats struct {
	Entries   int // entries kept, dead ones not yet freed among them
	Capacity  int
	Weight    uint64 // of all entries; without a Weigher as many as there are
	MaxWeight uint64 // 0 = no bound
	Locked    int    // entries with a lease
	Waiting   int    // callers waiting in Lock

	Hits     uint64 // Get, Entry and Lease.Get that found
	Misses   uint64 // Get and Entry that did not
	Refusals uint64 // calls that found the entry locked
	Sets     uint64 // writes of a value, whatever the method

	Loading    int    // loads under way or about to be, refreshes among them
	Loads      uint64 // loads ever begun
	LoadErrors uint64 // loads that ended with an error or a panic

	Evicted  uint64 // removals by reason
	Expired  uint64
	Deleted  uint64
	Replaced uint64
	Cleared  uint64

	Restored         int           // entries that New found in the folder and kept
	Replayed         uint64        // changes of the journal that New made again
	TornBytes        int64         // left out by New: the end of a journal that a crash has torn
	DamagedSnapshots int           // snapshots that New could not use
	Snapshots        uint64        // snapshots taken
	SnapshotErrors   uint64        // snapshots that failed
	LastSnapshot     time.Time     // instant of the last one taken, or restored by New; zero = none
	LastSnapshotTook time.Duration // from then until it was durable

	Durable  bool                 // it has a folder
	Unsaved  bool                 // the last snapshot does not have all that is in it
	ReadOnly bool                 // the disk fails: writes are ErrReadOnly
	Journal  persist.JournalStats // what was written to the journal

	LockWaits   persist.Histogram // of calls that had to wait in Lock: until they got the lease, or gave up
	LoadTimes   persist.Histogram // of loads that have ended
	EvictedAges persist.Histogram // of entries when they were evicted, from when they were created
}

// Stats returns the store's counts. It works after Close too.
func (s *Store[K, V]) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	stats := s.stats
	hits, overwrites, misses := s.tallies.sum()
	stats.Hits += hits
	stats.Misses += misses
	stats.Sets += overwrites
	stats.Replaced += overwrites
	stats.Entries = s.table.len()
	stats.Capacity = s.capacity
	stats.Weight, stats.MaxWeight = s.table.weight, s.o.MaxWeight
	stats.Locked = len(s.table.locked)
	stats.Durable, stats.Unsaved = s.folder != nil, s.changed != never
	stats.ReadOnly = s.readOnly != nil
	s.loads.count(&stats)
	if s.journal != nil {
		stats.Journal = s.journal.Stats()
	}
	return stats
}

func (st *Stats) count(r Reason, n uint64) {
	switch r {
	case ReasonEvicted:
		st.Evicted += n
	case ReasonExpired:
		st.Expired += n
	case ReasonDeleted:
		st.Deleted += n
	case ReasonReplaced:
		st.Replaced += n
	case ReasonCleared:
		st.Cleared += n
	}
}
