package persist

import (
	"errors"
	"io"
)

// SegmentState is what [Inspect] has found out about a segment of the journal.
type SegmentState struct {
	FileState
	Number   uint64
	Contents Contents
	After    uint64 // number of the change behind which it goes on
	Changes  uint64
	Last     uint64 // number of its last change; 0 = it has none
	Sealed   bool   // it was ended; else it is the newest, or a crash has ended it
	Torn     int64  // bytes at its end that a crash left unfinished
	Unused   int64  // bytes at its end that don't count: a later segment goes on before them
	Room     int64  // bytes of zeros at its end, which were set aside
}

// segmentScan is the reading of a segment for its own sake.
type segmentScan struct {
	SegmentState
	begun       bool   // its first frame can be read, and so After is known
	first, last uint64 // numbers of its frames
	begins      int64  // where its frames do, behind the header
	end         int64  // to where it can be read
	bad         *badFrame
	flipped     bool   // a single bit of it
	due         uint64 // number of the bad frame; 0 = unknown
	durable     uint64 // the highest number that its frames say was durable
	upTo        uint64 // the last change that counts
}

// scan reads a segment as far as it can be read.
func (i *inspector) scan(number uint64) (*segmentScan, error) {
	s := &segmentScan{SegmentState: SegmentState{Number: number}}
	state, err := i.state(segmentName(number), func(name string) error {
		return i.readFile(name, func(in io.Reader) error {
			sr, err := newSegmentReader(in, name)
			if err != nil {
				return err
			}
			if h := sr.header; h.Segment != number || i.foreign(h.Store) {
				return corrupt(name, preambleSize, "segment %d of store %q where %d of %q is due", h.Segment, h.Store, number, i.out.Store)
			}
			s.Contents, s.begins = sr.header.Contents, sr.offset
			return s.run(sr)
		})
	})
	s.FileState = state
	return s, err
}

func (s *segmentScan) run(sr *segmentReader) error {
	for first := true; ; first = false {
		var f segmentFrame
		var err error
		if first {
			f, s.After, err = sr.begin()
			s.begun = err == nil
			s.first, s.due = f.seq, f.seq
		} else {
			f, err = sr.next()
		}
		bad := (*badFrame)(nil)
		switch {
		case errors.Is(err, io.EOF):
			s.end, s.Sealed = sr.start, sr.sealed
			return nil
		case errors.As(err, &bad):
			s.stop(sr, bad)
			return nil
		case err != nil:
			return err
		}
		if err := s.frame(sr, f); err != nil {
			return err
		}
	}
}

// frame takes a good frame into account.
func (s *segmentScan) frame(sr *segmentReader, f segmentFrame) error {
	if f.seq != s.due {
		return corrupt(sr.name, sr.start, "record %d where %d is due", f.seq, s.due)
	}
	s.last = f.seq
	s.due++
	s.durable = max(s.durable, f.durable)
	switch f.typ {
	case frameBegin, frameMark, frameSeal:
		return nil
	}
	if _, err := parseChange(ChangeKind(f.typ), f.payload); err != nil {
		return corrupt(sr.name, sr.start, "%v", err)
	}
	s.Changes++
	s.Last = f.seq
	return nil
}

// stop notes where the segment can't be read on.
func (s *segmentScan) stop(sr *segmentReader, bad *badFrame) {
	s.bad, s.end = bad, sr.start
	w := wreck{data: bad.rest, salt: sr.header.Salt, last: max(s.due, 1) - 1}
	_, s.flipped = w.mend(0)
	durable, next := sr.lastDurable(bad.rest, s.due)
	s.durable = max(s.durable, durable)
	if s.due == 0 {
		s.due = max(next, 1) - 1 // of the first frame, which can't be read
	}
}
