package persist

import (
	"bytes"
	"fmt"
	"slices"
)

// state is a store as its files have it: a snapshot's records, and what the
// journal's changes make of them.
type state struct {
	records []Record
	index   map[string]int // into records, by key; nil until it is needed
	more    int            // how many records the journal may add, about
	in      *Contents      // of the file that is being read
	used    uint64         // the highest Record.Used
	fence   uint64         // the newest fence known

	capacity uint64 // of the store; 0 = unknown
}

// add takes in a record of a snapshot.
func (s *state) add(r Record) {
	r.Key, r.Value = bytes.Clone(r.Key), bytes.Clone(r.Value)
	r.In = s.in
	s.used = max(s.used, r.Used)
	s.fence = max(s.fence, r.Fence)
	s.records = append(s.records, r)
}

// expect makes room for so many more records, about: growing bit by bit takes more
// time than reading does.
func (s *state) expect(n int) { s.records = slices.Grow(s.records, min(n, maxExpected)) }

const maxExpected = 1 << 24

// begin readies the records to be changed.
func (s *state) begin() error {
	s.expect(s.more)
	s.index = make(map[string]int, len(s.records)+s.more)
	for i := range s.records {
		s.index[string(s.records[i].Key)] = i
	}
	if len(s.index) != len(s.records) {
		return fmt.Errorf("%w: the snapshot has two entries for one key", ErrCorrupt)
	}
	return nil
}

// find returns the record for a key, or nil.
func (s *state) find(key []byte) *Record {
	if i, ok := s.index[string(key)]; ok {
		return &s.records[i]
	}
	return nil
}

// make carries a change out. An error says why it can't have been one of a store
// that was in this state.
//
// An access, and the end of an entry that was dead, are written some time after
// they were made: the snapshot may already know of them, and a later change of
// it.
func (s *state) make(c *Change) error {
	if s.index == nil {
		if err := s.begin(); err != nil {
			return err
		}
	}
	r := s.find(c.Key)
	s.fence = max(s.fence, c.Fence)
	if r != nil && r.LockedUntil != 0 && r.LockedUntil <= c.At {
		s.access(r, r.LockedUntil) // the lease was over by then
		r.LockedUntil = 0
	}
	switch c.Kind {
	case ChangeSet:
		return s.set(r, c)
	case ChangeDelete, ChangeEvict:
		if r == nil {
			return fmt.Errorf("the end (%q) of an entry that isn't there", byte(c.Kind))
		}
		s.remove(r)
	case ChangeExpire:
		if r != nil {
			s.remove(r)
		}
	case ChangeLock:
		if r == nil || c.Fence < r.Fence {
			return fmt.Errorf("a lease with fence %d that can't be", c.Fence)
		}
		r.Fence, r.LockedUntil = c.Fence, c.Until
	case ChangeUnlock:
		if r == nil || c.Fence != r.Fence {
			return fmt.Errorf("the end of a lease with fence %d that can't be", c.Fence)
		}
		r.LockedUntil = 0
		s.access(r, c.At)
	case ChangeAccess:
		if r != nil {
			r.Accesses = max(r.Accesses, c.Accesses)
			s.access(r, c.At)
		}
	case ChangeClear:
		s.records = nil
		clear(s.index)
	case ChangeResize:
		s.capacity = c.Capacity
	}
	return nil
}

func (s *state) set(r *Record, c *Change) error {
	switch {
	case r != nil && c.Revision == 1: // the one before was dead
		*r = Record{Key: r.Key, Created: c.At, Accessed: c.At}
	case r != nil && c.Revision != r.Revision+1:
		return fmt.Errorf("revision %d of an entry at revision %d", c.Revision, r.Revision)
	case r == nil && c.Revision != 1:
		return fmt.Errorf("revision %d of an entry that isn't there", c.Revision)
	case r == nil:
		s.index[string(c.Key)] = len(s.records)
		s.records = append(s.records, Record{Key: bytes.Clone(c.Key), Created: c.At, Accessed: c.At})
		r = &s.records[len(s.records)-1]
	}
	r.Value, r.In = bytes.Clone(c.Value), s.in
	r.Updated, r.Revision, r.Accesses = c.At, c.Revision, max(r.Accesses, c.Accesses)
	r.TTL, r.Expires = c.TTL, 0
	if c.TTL != 0 {
		r.Expires = c.At + c.TTL
	}
	s.access(r, c.At)
	return nil
}

func (s *state) access(r *Record, at int64) {
	s.used++
	r.Used = s.used
	r.Accessed = max(r.Accessed, at)
}

// remove removes r, and puts the last record in its place.
func (s *state) remove(r *Record) {
	i := s.index[string(r.Key)]
	delete(s.index, string(r.Key))
	last := len(s.records) - 1
	if i < last {
		s.records[i] = s.records[last]
		s.index[string(s.records[i].Key)] = i
	}
	s.records = slices.Delete(s.records, last, last+1)
}
