package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/latchkey-go/latchkey/persist"
)

// restore makes what the folder holds the content of a new store.
func (s *Store[K, V]) restore() error {
	rec, err := s.folder.Restore(s.contents.Check)
	if err != nil {
		return err
	}
	from, err := s.stage(rec.Records)
	if err != nil {
		return s.folderError(err)
	}
	journaled := s.o.Persist.Sync != persist.OnSnapshot
	s.fence, s.maxFence, err = s.folder.Start(max(from.fence, rec.Fence), journaled)
	if err != nil {
		return err
	}
	if journaled {
		s.journal, s.writing = s.folder.Journal(), make(chan struct{}, 1)
		s.direct = s.journal.Direct()
		s.applied = rec.Seq
	}
	s.prepareLocked(from.table)
	s.table = from.table // reads are still to be opened
	s.saved = s.position
	s.stats.Restored = s.table.len()
	s.stats.DamagedSnapshots = rec.Damaged
	s.stats.LastSnapshot = rec.Taken
	s.stats.Replayed = rec.Changes
	s.stats.TornBytes = rec.Torn
	if from.dropped > 0 {
		s.o.Logger.Warn("latchkey: the folder held more entries than there is room for; the least recently used are dropped",
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
// that have expired since stay away, and if there are more than there is room for,
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
	in := sr.Header().Contents
	if err := s.contents.Check(in); err != nil {
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
		rec.Key, rec.Value, rec.In = bytes.Clone(rec.Key), bytes.Clone(rec.Value), &in
		records = append(records, rec)
	}
}

// replaceByLocked makes what was staged the content of the store.
func (s *Store[K, V]) replaceByLocked(from staged[K, V]) {
	s.fence = max(s.fence, from.fence)
	s.prepareLocked(from.table)
	s.replaceTableLocked(from.table)
}

// fitLocked makes sure that what was staged has room, as the capacity may have
// become smaller since.
func (s *Store[K, V]) fitLocked(from staged[K, V]) error {
	if err := s.checkLocked(share{n: len(from.table.locked)}); err != nil {
		return err
	}
	for from.table.len() > s.capacity {
		if e, untidy := from.table.unlocked.victim(); !untidy {
			from.table.remove(e)
		}
	}
	return nil
}

// checkLocked makes sure that there is room for so many entries with leases.
func (s *Store[K, V]) checkLocked(locked share) error {
	switch over := s.excess(locked, s.capacity); {
	case over.n > 0:
		return fmt.Errorf("%w: %d in the snapshot, the capacity is %d", ErrFull, locked.n, s.capacity)
	case over.weight > 0:
		return fmt.Errorf("%w: they weigh %d in the snapshot, MaxWeight is %d", ErrFull, locked.weight, s.o.MaxWeight)
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
	for e := range old.locked {
		s.endLocked(e.lease, leaseLost, ErrNotFound)
	}
	s.stats.count(ReasonCleared, uint64(old.len()))
	if old.len() > 0 && s.o.OnRemove != nil {
		s.listRemoval(removal[K, V]{Removal: Removal[K, V]{Reason: ReasonCleared}, slots: old.slots})
	}
	s.table = t
	s.openReadsLocked()
	s.loads.overtakeAll()
	s.waylaid = nil
	s.changedLocked(s.latest)
	s.busy = true
}

// prepareLocked makes a staged table ready to be the store's. Its entries take their
// positions at the end of the order of use.
func (s *Store[K, V]) prepareLocked(t *table[K, V]) {
	for i := range t.slots.n {
		e := *t.slots.at(i)
		if e == nil {
			continue
		}
		used := &e.v.Load().used
		e.born = used.Load()/2 + s.position
		used.Store(2 * e.born)
		if e.lease != nil {
			s.leases.set(e.lease, e.lease.over())
		} else if t.index.marks != nil {
			t.index.marks.list(i, instant(2*e.born))
		}
	}
	s.position += uint64(t.slots.n)
	t.unlocked.resize(s.capacity) // which may have changed meanwhile
}
