package store

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/latchkey-go/latchkey/persist"
)

// staged is what was read and decoded, but is not yet the store's.
type staged[K comparable, V any] struct {
	table   *table[K, V]
	fence   uint64 // newest that it knows of
	dropped int    // entries that the capacity has no room for
	stale   int    // entries that were encoded anew
	expired []*entry[K, V]
}

// restore makes what the folder holds the content of a new store.
func (s *Store[K, V]) restore() error {
	codec := s.o.Persist.Codec.ID()
	rec, err := s.folder.Restore(func(c, schema string) error { return persist.Header{Codec: c, Schema: schema}.Check(codec, s.schema) })
	if err != nil {
		return err
	}
	from, err := s.stage(rec.Records)
	if err != nil {
		return err
	}
	journaled := s.o.Persist.Sync != persist.OnSnapshot
	s.fence, s.maxFence, err = s.folder.Start(max(from.fence, rec.Fence), journaled)
	if err != nil {
		return err
	}
	if journaled {
		s.journal, s.writing = s.folder.Journal(), make(chan struct{}, 1)
		s.applied = rec.Seq
	}
	s.adopt(from.table)
	s.saved = s.position
	s.stats.Restored = s.table.len()
	s.stats.DamagedSnapshots = rec.Damaged
	s.stats.Replayed = rec.Changes
	s.stats.TornBytes = rec.Torn
	if from.dropped > 0 {
		s.o.Logger.Warn("latchkey: the folder held more entries than the capacity; the least recently used are dropped",
			"dropped", from.dropped, "capacity", s.capacity)
	}
	if rec.Damaged+from.dropped+from.stale > 0 {
		s.changedLocked(s.latest)
		if journaled {
			// What the journal has from now on is about what is in
			// memory, which is not what is on disk.
			return s.saveCut(context.Background())
		}
	}
	for _, e := range from.expired { // with a longer idle timeout they would come back
		s.noteLocked(change[K, V]{kind: changeFreed, at: s.latest, e: e})
	}
	return nil
}

// Import replaces the content of the store by a snapshot read from r, written
// by Export or taken from a folder: all of it, or nothing on an error. Entries
// that have expired since stay away, and if there are more than the capacity,
// the most recently used are kept. Leases come with their entries; those of the
// store end. In a store with a journal it is durable when Import returns, and
// other writers wait meanwhile; without, the next snapshot makes it so.
//
// Errors: [persist.ErrCorrupt], [persist.ErrVersion],
// [persist.ErrCodecMismatch], [persist.ErrTypeMismatch], [ErrFull] when more
// entries are locked than the capacity holds, [ErrReadOnly], [ErrClosed], the
// codec's, and those of r and of the disk.
func (s *Store[K, V]) Import(r io.Reader) error {
	records, fence, err := s.readAll(r)
	if err != nil {
		return err
	}
	from, err := s.stage(records)
	if err != nil {
		return err
	}
	if err := s.beginSaving(context.Background()); err != nil {
		return err
	}
	defer s.endSaving()
	from.fence = max(from.fence, fence)
	if err := s.reserveAbove(from.fence); err != nil {
		return err
	}
	if s.journal != nil {
		return s.importDurably(from)
	}
	if _, err := s.enter(); err != nil {
		return err
	}
	defer s.unlock()
	if err := s.fitLocked(from); err != nil {
		return err
	}
	s.replaceByLocked(from)
	return nil
}

// readAll reads a snapshot to its end.
func (s *Store[K, V]) readAll(r io.Reader) (records []persist.Record, fence uint64, err error) {
	sr, err := persist.NewReader(r, "import")
	if err != nil {
		return nil, 0, err
	}
	if err := sr.Header().Check(s.o.Persist.Codec.ID(), s.schema); err != nil {
		return nil, 0, err
	}
	for {
		rec, err := sr.Next()
		if errors.Is(err, io.EOF) {
			return records, sr.Header().Fence, nil
		}
		if err != nil {
			return nil, 0, err
		}
		rec.Key, rec.Value = bytes.Clone(rec.Key), bytes.Clone(rec.Value)
		records = append(records, rec)
	}
}

// replaceByLocked makes what was staged the content of the store.
func (s *Store[K, V]) replaceByLocked(from staged[K, V]) {
	s.fence = max(s.fence, from.fence)
	s.replaceTableLocked(newTable[K, V]())
	s.adopt(from.table)
}

// fitLocked makes sure that what was staged has room, as the capacity may have
// become smaller since.
func (s *Store[K, V]) fitLocked(from staged[K, V]) error {
	if err := s.checkLocked(len(from.table.locked)); err != nil {
		return err
	}
	for from.table.len() > s.capacity {
		from.table.remove(from.table.unlocked.victim())
	}
	return nil
}

// checkLocked makes sure that there is room for that many entries with leases.
func (s *Store[K, V]) checkLocked(n int) error {
	if n > s.capacity {
		return fmt.Errorf("%w: %d in the snapshot, the capacity is %d", ErrFull, n, s.capacity)
	}
	return nil
}

// reserveAbove makes sure that fences above the one given may be handed out. The
// caller has saving.
func (s *Store[K, V]) reserveAbove(fence uint64) error {
	if s.folder == nil {
		return nil
	}
	s.mu.Lock()
	enough := fence < s.maxFence
	s.mu.Unlock()
	if enough {
		return nil
	}
	upTo, err := s.folder.Reserve(fence)
	if err == nil {
		s.mu.Lock()
		s.maxFence = upTo
		s.mu.Unlock()
	}
	return err
}

// replaceTableLocked puts another table in the place of the store's, whose
// leases end and whose entries are reported as cleared.
func (s *Store[K, V]) replaceTableLocked(t *table[K, V]) {
	old := s.table
	for _, e := range old.locked {
		s.endLocked(e.lease, leaseLost, ErrNotFound)
	}
	s.stats.count(ReasonCleared, uint64(old.len()))
	if old.len() > 0 {
		s.listRemoval(removal[K, V]{Removal: Removal[K, V]{Reason: ReasonCleared}, slots: old.slots})
	}
	s.table = t
	s.waylaid = nil
	s.changedLocked(s.latest)
	s.busy = true
}

// adopt makes a staged table the store's, in place of an empty one. Its entries
// take their positions at the end of the order of use.
func (s *Store[K, V]) adopt(t *table[K, V]) {
	for _, e := range t.slots {
		if e == nil {
			continue
		}
		e.used += s.position
		e.born = e.used
		if e.lease != nil {
			s.leases.set(e.lease, e.lease.over())
		}
	}
	s.position += uint64(len(t.slots))
	s.table = t
}

// stage decodes what is alive and has room.
func (s *Store[K, V]) stage(records []persist.Record) (from staged[K, V], err error) {
	t := s.o.Clock.Now()
	s.mu.Lock()
	s.seeLocked(reading{s.instant(t), t.UnixNano()})
	now, wall := s.latest, s.wall
	s.mu.Unlock()
	var entries []*entry[K, V]
	locked := 0
	for i := range records {
		r := &records[i]
		from.fence = max(from.fence, r.Fence)
		e := s.fromRecord(r, now, wall)
		if dead(now, e.deadline(s.o.IdleTimeout)) {
			from.expired = append(from.expired, e)
			continue
		}
		if e.lease != nil {
			locked++
		}
		entries = append(entries, e)
	}
	s.mu.Lock()
	capacity, err := s.capacity, s.checkLocked(locked)
	s.mu.Unlock()
	if err != nil {
		return from, err
	}
	from.dropped = max(0, len(entries)-capacity)
	return from, s.fill(&from, keepMostRecent(entries, from.dropped))
}

// keepMostRecent sorts entries by use and leaves out the first few that are not
// locked.
func keepMostRecent[K comparable, V any](entries []*entry[K, V], drop int) []*entry[K, V] {
	slices.SortFunc(entries, func(a, b *entry[K, V]) int { return cmp.Compare(a.used, b.used) })
	return slices.DeleteFunc(entries, func(e *entry[K, V]) bool {
		if drop == 0 || e.lease != nil {
			return false
		}
		drop--
		return true
	})
}

// fill decodes the entries into a table.
func (s *Store[K, V]) fill(from *staged[K, V], entries []*entry[K, V]) error {
	from.table = newTable[K, V]()
	for i, e := range entries {
		stale, err := s.decode(e)
		if err != nil {
			return err
		}
		if stale {
			from.stale++
		}
		if from.table.find(e.key) != nil {
			return fmt.Errorf("%w: two entries for one key", persist.ErrCorrupt)
		}
		e.used = uint64(i + 1)
		from.table.add(e)
		from.table.expiry.soonen(e, e.deadline(s.o.IdleTimeout))
	}
	return nil
}

// fromRecord returns the entry in a record, still encoded.
func (s *Store[K, V]) fromRecord(r *persist.Record, now instant, wall int64) *entry[K, V] {
	at := func(ns int64) instant { return instant(ns - wall) }
	e := &entry[K, V]{
		created:  at(r.Created),
		updated:  at(r.Updated),
		accessed: min(at(r.Accessed), now), // the wall clock may have been ahead
		expires:  never,
		ttl:      NoExpiry,
		accesses: r.Accesses,
		revision: r.Revision,
		used:     r.Used,
		fence:    r.Fence,
	}
	if r.Expires != 0 {
		e.expires, e.ttl = at(r.Expires), time.Duration(r.TTL)
	}
	if r.LockedUntil != 0 {
		if until := at(r.LockedUntil); dead(now, until) {
			// The end of a lease counts as an access: after all that the
			// snapshot knows of.
			e.accessed, e.used = until, 1<<63|uint64(r.LockedUntil)
		} else {
			e.lease = &Lease[K, V]{s: s, e: e, fence: r.Fence, until: until, index: -1}
		}
	}
	e.noted = e.accessed
	e.data = &encoded{r.Key, r.Value}
	return e
}

// decode sets the key and the value of e from its data, and reports whether that
// was stale and has been replaced.
func (s *Store[K, V]) decode(e *entry[K, V]) (stale bool, err error) {
	key, value := e.data.key, e.data.value
	if err := s.unmarshal("decode a key", key, &e.key); err != nil {
		return false, err
	}
	if err := s.checkKey(e.key); err != nil {
		return false, err
	}
	if err := s.unmarshal("decode a value", value, &e.value); err != nil {
		return false, err
	}
	if s.folder == nil {
		e.data = nil
		return false, nil
	}
	renewer, ok := s.o.Persist.Codec.(persist.Renewer)
	if !ok || !renewer.Stale(key) && !renewer.Stale(value) {
		return false, nil
	}
	e.data, err = s.marshal(e.key, e.value)
	return true, err
}
