package store

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/latchkey-go/latchkey/persist"
)

// staged is a snapshot read and decoded, but not yet the store's.
type staged[K comparable, V any] struct {
	table   *table[K, V]
	fence   uint64 // newest that it knows of
	dropped int    // entries that the capacity has no room for
	stale   int    // entries that were encoded anew
}

// restore makes the folder's newest good snapshot the content of a new store.
func (s *Store[K, V]) restore() error {
	var from staged[K, V]
	damaged, err := s.folder.Restore(func(r *persist.Reader) (err error) {
		from, err = s.stage(r)
		return err
	})
	if err != nil {
		return err
	}
	after, upTo, err := s.folder.Reserve(from.fence)
	if err != nil {
		return err
	}
	s.fence, s.maxFence = after, upTo
	s.stats.DamagedSnapshots = damaged
	if from.table == nil {
		return nil // the folder is new
	}
	s.adopt(from.table)
	s.saved = s.position
	s.stats.Restored = s.table.len()
	if damaged+from.dropped+from.stale > 0 {
		s.changedLocked(s.latest)
	}
	if from.dropped > 0 {
		s.o.Logger.Warn("latchkey: the folder held more entries than the capacity; the least recently used are dropped",
			"dropped", from.dropped, "capacity", s.capacity)
	}
	return nil
}

// Import replaces the content of the store by a snapshot read from r, written
// by Export or taken from a folder: all of it, or nothing on an error. Entries
// that have expired since stay away, and if there are more than the capacity,
// the most recently used are kept. Leases come with their entries; those of the
// store end. In a store with a folder, the next snapshot makes it durable.
//
// Errors: [persist.ErrCorrupt], [persist.ErrVersion],
// [persist.ErrCodecMismatch], [persist.ErrTypeMismatch], [ErrFull] when more
// entries are locked than the capacity holds, [ErrClosed], the codec's and
// those of r.
func (s *Store[K, V]) Import(r io.Reader) error {
	sr, err := persist.NewReader(r, "import")
	if err != nil {
		return err
	}
	from, err := s.stage(sr)
	if err != nil {
		return err
	}
	if err := s.reserveAbove(from.fence); err != nil {
		return err
	}
	if _, err := s.enter(); err != nil {
		return err
	}
	defer s.leave()
	if err := s.checkLocked(len(from.table.locked)); err != nil {
		return err
	}
	s.fence = max(s.fence, from.fence)
	s.replaceTableLocked(newTable[K, V]())
	s.adopt(from.table)
	for s.table.len() > s.capacity { // made smaller meanwhile
		s.removeLocked(s.table.unlocked.victim(), ReasonEvicted)
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

// reserveAbove makes sure that fences above the one given may be handed out.
func (s *Store[K, V]) reserveAbove(fence uint64) error {
	if err := s.beginSaving(context.Background()); err != nil {
		return err
	}
	defer s.endSaving()
	if s.folder == nil {
		return nil
	}
	s.mu.Lock()
	enough := fence < s.maxFence
	s.mu.Unlock()
	if enough {
		return nil
	}
	_, upTo, err := s.folder.Reserve(fence)
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
	s.changedLocked(s.latest)
	s.busy = true
}

// adopt makes a staged table the store's, in place of an empty one. Its entries
// take their positions at the end of the order of use.
func (s *Store[K, V]) adopt(t *table[K, V]) {
	for _, e := range t.slots {
		e.used += s.position
		e.born = e.used
		if e.lease != nil {
			s.leases.set(e.lease, e.lease.over())
		}
	}
	s.position += uint64(len(t.slots))
	s.table = t
}

// stage reads a snapshot to its end and decodes what is alive and has room.
func (s *Store[K, V]) stage(r *persist.Reader) (staged[K, V], error) {
	var from staged[K, V]
	if err := r.Header().Check(s.o.Persist.Codec.ID(), s.schema); err != nil {
		return from, err
	}
	from.fence = r.Header().Fence
	t := s.o.Clock.Now()
	s.mu.Lock()
	s.seeLocked(s.instant(t))
	now := s.latest
	s.mu.Unlock()
	wall := t.UnixNano() - int64(now)
	var entries []*entry[K, V]
	locked := 0
	for {
		rec, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return from, err
		}
		from.fence = max(from.fence, rec.Fence)
		e := s.fromRecord(rec, now, wall)
		if dead(now, e.deadline(s.o.IdleTimeout)) {
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
func (s *Store[K, V]) fromRecord(r persist.Record, now instant, wall int64) *entry[K, V] {
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
	e.data = make([]byte, 0, 4+len(r.Key)+len(r.Value))
	e.data = binary.LittleEndian.AppendUint32(e.data, uint32(len(r.Key)))
	e.data = append(append(e.data, r.Key...), r.Value...)
	return e
}

// decode sets the key and the value of e from its data, and reports whether that
// was stale and has been replaced.
func (s *Store[K, V]) decode(e *entry[K, V]) (stale bool, err error) {
	key, value := splitData(e.data)
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
