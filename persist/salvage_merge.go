package persist

import (
	"fmt"
	"time"
)

// merger puts what is left of snapshots and of the journal in the order of its
// making.
type merger struct {
	*salvager
	pending []*oldSnapshot // that are not whole, and to be laid over what is there
	base    uint64         // the last change that was in a snapshot from the beginning
	reach   uint64         // the last change made
	exact   bool           // nothing that counts is lost so far
}

func (s *salvager) merge(snaps []*oldSnapshot, segs []*oldSegment) {
	s.state.index = make(map[string]int)
	m := merger{salvager: s, pending: snaps}
	for _, snap := range snaps {
		snap.seq = snap.header.Seq
		s.state.fence = max(s.state.fence, snap.header.Fence)
		if !snap.dated {
			snap.seq = lastBy(segs, snap.newest)
		}
	}
	if len(snaps) == 0 {
		m.exact = len(s.manifest.Generations) == 0 && s.listed
	} else if first := snaps[0]; first.whole {
		m.pending = snaps[1:]
		m.base, m.reach, m.exact = first.seq, first.seq, true
		m.lay(first)
		for _, rec := range first.records {
			m.older[string(rec.Key)] = s.blind
		}
	}
	for _, seg := range segs {
		m.segment(seg)
	}
	m.layBefore(theEnd)
	if closed := s.manifest.Closed; closed != nil && *closed > m.reach && m.exact {
		m.exact = false
		s.loses(manifestName, 0, 0, -1, fmt.Errorf("the journal ends with change %d, and was closed after %d", m.reach, *closed))
	}
	if s.blind && s.manifest.Closed != nil && m.exact {
		// The lost snapshot was one on the way here.
		s.blind = false
		clear(s.older)
	}
	s.out.Complete = m.exact && s.listed && !s.blind
}

// lastBy returns the number of the last change made by a time: a snapshot of
// unknown date was taken behind it.
func lastBy(segs []*oldSegment, at int64) (seq uint64) {
	for _, seg := range segs {
		for _, c := range seg.changes {
			if c.At <= at && c.seq <= seg.upTo {
				seq = max(seq, c.seq)
			}
		}
	}
	return seq
}

// segment makes the changes of a segment that no snapshot has from the beginning.
func (m *merger) segment(seg *oldSegment) {
	if seg.upTo <= m.base {
		return
	}
	if seg.first > 0 && (!seg.begun || seg.after > m.reach) {
		m.exact = false
	}
	m.state.in = seg.in
	gaps := seg.gaps
	for i := range seg.changes {
		c := &seg.changes[i]
		for len(gaps) > 0 && gaps[0].last < c.seq {
			m.gap(seg, gaps[0])
			gaps = gaps[1:]
		}
		if c.seq > seg.upTo || c.seq <= m.base {
			continue
		}
		m.layBefore(c.seq)
		delete(m.older, string(c.Key))
		if !m.state.force(&c.Change) {
			m.out.Guessed++
		}
		m.reach = c.seq
	}
	for _, g := range gaps {
		m.gap(seg, g)
	}
}

// gap notes what is lost, if it counts.
func (m *merger) gap(seg *oldSegment, g gap) {
	if g.last <= m.base || g.first > seg.upTo || m.reach >= seg.upTo {
		return
	}
	m.exact = false
	m.out.Lost = append(m.out.Lost, g.loss)
}

// layBefore lays over the state the snapshots that were taken before a change.
func (m *merger) layBefore(seq uint64) {
	for len(m.pending) > 0 && m.pending[0].seq < seq {
		snap := m.pending[0]
		m.pending = m.pending[1:]
		if snap.dated && m.exact && snap.seq <= m.reach {
			continue // the journal has led there
		}
		m.lay(snap)
	}
}

// lay lays a snapshot over the state. Of one with a known date, all records are
// newer.
func (m *merger) lay(snap *oldSnapshot) {
	for _, rec := range m.state.records {
		m.older[string(rec.Key)] = true
	}
	for _, rec := range snap.records {
		old := m.state.find(rec.Key)
		delete(m.older, string(rec.Key))
		if snap.dated || old == nil || rec.Updated > old.Updated {
			m.state.put(rec)
		}
	}
	m.exact = m.exact && snap.whole && snap.dated
	m.reach = max(m.reach, snap.seq)
	m.out.Lost = append(m.out.Lost, snap.lost...)
	if snap.dated {
		m.state.capacity, m.taken = snap.header.Capacity, snap.header.Taken
	} else if m.taken.IsZero() {
		m.taken = time.Unix(0, snap.newest).UTC()
	}
}

// put takes in a record in place of the one with its key.
func (s *state) put(r Record) {
	s.used, s.fence = max(s.used, r.Used), max(s.fence, r.Fence)
	if i, ok := s.index[string(r.Key)]; ok {
		s.records[i] = r
		return
	}
	s.index[string(r.Key)] = len(s.records)
	s.records = append(s.records, r)
}

// force makes a change though what it builds on may be lost. It reports whether
// nothing was.
func (s *state) force(c *Change) bool {
	if s.make(c) == nil {
		return true
	}
	if c.Kind != ChangeSet {
		return false
	}
	if s.find(c.Key) == nil {
		s.put(Record{Key: c.Key, Created: c.At, Accessed: c.At})
	}
	s.find(c.Key).Revision = c.Revision - 1
	_ = s.make(c)
	return false
}
