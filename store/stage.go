package store

import (
	"cmp"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/latchkey-go/latchkey/persist"
)

// staged is what was read and decoded, but is not yet the store's.
type staged[K comparable, V any] struct {
	table   *table[K, V]
	fence   uint64 // newest that it knows of
	dropped int    // entries that there is no room for
	stale   int    // entries that were encoded anew
	expired []*entry[K, V]
}

// stage makes entries of what is alive and has room.
func (s *Store[K, V]) stage(records []persist.Record) (from staged[K, V], err error) {
	read := s.readWall()
	s.mu.Lock()
	s.seeLocked(read)
	l := loader[K, V]{s: s, records: records, now: s.latest, wall: s.wall, every: s.sampleEvery(len(records))}
	s.mu.Unlock()
	entries, err := l.load()
	if err != nil {
		return from, err
	}
	from.stale = int(l.stale.Load())
	var locked, all share
	entries = slices.DeleteFunc(entries, func(e *entry[K, V]) bool {
		from.fence = max(from.fence, e.fence)
		if dead(l.now, e.deadline(s.o.IdleTimeout)) {
			from.expired = append(from.expired, e)
			return true
		}
		all.add(e.weight)
		if e.lease != nil {
			locked.add(e.weight)
		}
		return false
	})
	s.mu.Lock()
	capacity, err := s.capacity, s.checkLocked(locked)
	s.mu.Unlock()
	if err != nil {
		return from, err
	}
	kept := keepMostRecent(entries, s.excess(all, capacity))
	from.dropped = all.n - len(kept)
	from.table, err = s.fill(kept, capacity)
	return from, err
}

// keepMostRecent sorts entries by use and leaves out the first few that are not
// locked, so many that what is dropped is enough.
func keepMostRecent[K comparable, V any](entries []*entry[K, V], drop share) []*entry[K, V] {
	type use struct {
		used uint64
		e    *entry[K, V]
	}
	order := make([]use, len(entries)) // side by side: that sorts in a fraction of the time
	for i, e := range entries {
		order[i] = use{e.born, e}
	}
	slices.SortFunc(order, func(a, b use) int { return cmp.Compare(a.used, b.used) })
	entries = entries[:0]
	for _, u := range order {
		if (drop.n > 0 || drop.weight > 0) && u.e.lease == nil {
			drop.n--
			drop.weight -= int64(u.e.weight)
			continue
		}
		entries = append(entries, u.e)
	}
	return entries
}

// fill puts entries into a table, in order of use.
func (s *Store[K, V]) fill(entries []*entry[K, V], capacity int) (*table[K, V], error) {
	t := s.newTable(capacity)
	for i, e := range entries {
		v := e.v.Load()
		v.used.Store(2 * uint64(i+1))
		if t.find(v.hash, v.key) != nil {
			return nil, fmt.Errorf("%w: two entries for one key", persist.ErrCorrupt)
		}
		t.add(e)
		t.expiry.soonen(e.slot(), e.deadline(s.o.IdleTimeout))
	}
	return t, nil
}

// loader makes entries of records, on all processors.
type loader[K comparable, V any] struct {
	s       *Store[K, V]
	records []persist.Record
	now     instant
	wall    int64 // what to add to an instant for nanoseconds since 1970
	every   int   // how many values there are to one that is decoded at once
	stale   atomic.Int64
}

// load returns the entries in the order of their records.
func (l *loader[K, V]) load() ([]*entry[K, V], error) {
	entries := make([]*entry[K, V], len(l.records))
	workers := min(runtime.GOMAXPROCS(0), 1+len(l.records)/sampleSize)
	errs := make([]error, workers)
	var all sync.WaitGroup
	for w := range workers {
		from, to := w*len(entries)/workers, (w+1)*len(entries)/workers
		all.Go(func() { errs[w] = l.loadSome(entries, from, to) })
	}
	all.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return entries, nil
}

func (l *loader[K, V]) loadSome(entries []*entry[K, V], from, to int) error {
	var in *persist.Contents
	var c codecs
	for i := from; i < to; i++ {
		r := &l.records[i]
		if r.In != in {
			var err error
			if c, err = l.s.codecsFor(*r.In); err != nil {
				return err
			}
			in = r.In
		}
		e := l.entry(r)
		entries[i] = e
		if dead(l.now, e.deadline(l.s.o.IdleTimeout)) {
			continue
		}
		if err := l.decode(e, c, i%l.every == 0); err != nil {
			return err
		}
	}
	return nil
}

// entry returns the entry in a record, still encoded.
func (l *loader[K, V]) entry(r *persist.Record) *entry[K, V] {
	at := func(ns int64) instant { return instant(ns - l.wall) }
	e := detailed[K, V]()
	e.created, e.updated = at(r.Created), at(r.Updated)
	e.revision, e.reads, e.fence = r.Revision, r.Accesses, r.Fence
	e.data, e.weight = &encoded{r.Key, r.Value}, 1
	accessed, used := min(at(r.Accessed), l.now), r.Used // the wall clock may have been ahead
	v := &version[K, V]{e: e, expires: never}
	e.v.Store(v)
	if r.Expires != 0 {
		v.expires = at(r.Expires)
		if r.TTL != r.Expires-r.Updated {
			e.details.ttl = time.Duration(r.TTL)
		}
	}
	if r.LockedUntil != 0 {
		if until := at(r.LockedUntil); dead(l.now, until) {
			// The end of a lease counts as an access: after all that the
			// snapshot knows of.
			accessed, used = until, 1<<63|uint64(r.LockedUntil)
		} else {
			e.lease = &Lease[K, V]{s: l.s, e: e, fence: r.Fence, until: until, index: -1}
		}
	}
	e.born = used // until it gets a place among those that are there
	e.accessed.Store(int64(accessed))
	e.noted = int64(accessed)
	if e.lease != nil {
		e.freeze()
	}
	return e
}

// decode sets the key of e from its data, and the value if it is one of the sample,
// can't stay as it is encoded, or is to be kept in memory alone.
func (l *loader[K, V]) decode(e *entry[K, V], c codecs, sample bool) error {
	v := e.v.Load()
	if err := unmarshal(c.key, "decode a stored key as one of this type", e.data.key, &v.key); err != nil {
		return err
	}
	if err := l.s.checkKey(v.key); err != nil {
		return err
	}
	v.hash = l.s.hash(v.key)
	if e.lease != nil {
		e.lease.key = v.key
	}
	stale := !c.same || isStale(c.key, e.data.key) || isStale(c.value, e.data.value)
	if !stale && !sample && l.s.folder != nil {
		e.packed = true
		e.freeze()
		return nil
	}
	err := unmarshal(c.value, "decode a stored value as one of this type", e.data.value, &v.value)
	if err == nil {
		e.weight, err = l.s.weighContained(e)
	}
	switch {
	case err != nil:
		return err
	case l.s.folder == nil:
		e.data = nil
	case stale:
		l.stale.Add(1)
		e.data, err = l.s.marshal(v.key, v.value)
	}
	return err
}

// sampleEvery returns how many values of n there are to one that is decoded at once:
// all have to be if they are to be weighed.
func (s *Store[K, V]) sampleEvery(n int) int {
	if s.o.Weigher != nil {
		return 1
	}
	return max(1, n/sampleSize)
}

func isStale(c persist.Codec, data []byte) bool {
	r, ok := c.(persist.Renewer)
	return ok && r.Stale(data)
}
