package persist

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"hash/crc32"
)

// oldSnapshot is what is left of a snapshot.
type oldSnapshot struct {
	name    string
	dated   bool // the header can be read
	header  Header
	in      *Contents
	whole   bool // no record is missing
	records []Record
	newest  int64 // the latest time in a record
	seq     uint64
	lost    []Loss
}

var (
	errHeader  = errors.New("the header is damaged")
	errUnknown = errors.New("the header is damaged, and nothing else tells what codec and types the file is of")
	errForeign = errors.New("it belongs to another store")
	errGarbage = errors.New("what is there is not what was written")
	errEnd     = errors.New("the end is not what was written; if it is the journal's, a crash may have torn it")
	errCut     = errors.New("the end is missing")
)

// begin finds the header of a file and reads it into v; read is false if it is
// damaged. If the rest is of no use either, ok is false, and that is noted.
func (s *salvager) begin(w *wreck, name string, kind byte, v any) (read, ok bool) {
	lose := func(why error) (bool, bool) {
		s.loses(name, 0, int64(len(w.data)), -1, why)
		return false, false
	}
	if len(w.data) < preambleSize {
		if len(w.data) > 0 {
			lose(errGarbage)
		}
		return false, false
	}
	p := [preambleSize]byte(w.data)
	if sum := crc32.Checksum(p[:12], castagnoli); binary.LittleEndian.Uint32(p[12:]) == sum {
		if err := checkPreamble(p, name, kind); err != nil {
			return lose(err)
		}
	}
	f, found := w.header(frameHeader)
	if !found || json.Unmarshal(f.payload, v) != nil {
		return false, true
	}
	var of struct{ Store string }
	if _ = json.Unmarshal(f.payload, &of); of.Store != s.manifest.Store {
		return lose(errForeign)
	}
	s.mended(name, f)
	return true, true
}

// snapshots reads the snapshots from the newest whole one on, oldest first.
func (s *salvager) snapshots(numbers []uint64) []*oldSnapshot {
	var list []*oldSnapshot
	for i := len(numbers) - 1; i >= 0; i-- {
		snap := s.snapshot(snapshotName(numbers[i]))
		if snap == nil {
			s.blind = true
			continue
		}
		list = append([]*oldSnapshot{snap}, list...)
		if snap.whole {
			break
		}
	}
	return list
}

// snapshot reads what is left of a snapshot; nil if that is of no use.
func (s *salvager) snapshot(name string) *oldSnapshot {
	w := newWreck(s.load(name))
	snap := &oldSnapshot{name: name}
	read, ok := s.begin(w, name, kindSnapshot, &snap.header)
	if !ok {
		return nil
	}
	snap.dated, snap.in = read, &snap.header.Contents
	if !read {
		snap.loses(preambleSize, 0, 0, errHeader)
		if snap.in = s.common(); snap.in == nil {
			s.loses(name, 0, int64(len(w.data)), -1, errUnknown)
			return nil
		}
	}
	s.readRecords(snap, w)
	return snap
}

// readRecords reads to the footer, or to the end.
func (s *salvager) readRecords(snap *oldSnapshot, w *wreck) {
	for {
		from, last := w.pos, max(w.last, 1)
		f, skipped, ok := w.next()
		if !ok {
			snap.loses(from, skipped, -1, errCut)
			return
		}
		if missing := int(f.seq() - last - 1); skipped > 0 || missing > 0 {
			snap.loses(from, skipped, missing, errGarbage)
		}
		s.mended(snap.name, f)
		switch f.typ() {
		case frameRecord:
			snap.add(f, s)
		case frameFooter:
			var end footer
			snap.whole = json.Unmarshal(f.payload, &end) == nil && end.Records == uint64(len(snap.records))
			return
		}
	}
}

func (o *oldSnapshot) add(f afloat, s *salvager) {
	rec, err := parseRecord(f.payload)
	if err != nil {
		o.loses(f.at, f.end-f.at, 1, err)
		return
	}
	rec.In, rec.Key = o.in, s.key(rec.Key)
	o.newest = max(o.newest, rec.Created, rec.Updated, rec.Accessed)
	o.records = append(o.records, rec)
}

func (o *oldSnapshot) loses(offset, bytes, records int, why error) {
	o.lost = append(o.lost, Loss{Place{o.name, int64(offset)}, int64(bytes), records, why.Error()})
}

// key returns the one way of sealing a key that is used from now on.
func (s *salvager) key(key []byte) []byte {
	if _, sealed := s.codec.(*encrypted); !sealed {
		return key
	}
	plain := string(opened(s.codec, key))
	if first, ok := s.keys[plain]; ok {
		return first
	}
	s.keys[plain] = key
	return key
}
