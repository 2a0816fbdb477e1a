package persist

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
)

// part is a segment of the journal, and how far it counts.
type part struct {
	number uint64
	begun  bool   // it has a first frame that can be read
	after  uint64 // number of the change behind which it goes on
	upTo   uint64 // the last change that counts: what comes behind does not
}

// averageRecord is how large a record is taken for.
const averageRecord = 256

// theEnd stands for the end of a part behind which none goes on.
const theEnd = maxNumber

// journal makes the changes of all segments behind the snapshot.
func (r *recovery) journal() error {
	parts, err := r.parts()
	if err != nil {
		return err
	}
	r.last = r.reached
	r.state.more = int(min(r.done.left()/averageRecord, maxExpected))
	full := 0 // the parts up to the last one with changes
	for i, p := range parts {
		if p.upTo <= r.reached {
			continue
		}
		s := replay{recovery: r, part: p}
		if err := r.readSegment(p.number, s.run); err != nil {
			return err
		}
		r.Folder.journal.grown.Add(s.sr.offset)
		if s.short && i+1 < len(parts) && !parts[i+1].begun {
			s.torn = nil // what is missing was there
		}
		if s.torn != nil {
			if err := r.tear(&s, parts[i+1:]); err != nil {
				return err
			}
			full, r.last = len(parts), r.reached
			break
		}
		if s.changes > 0 {
			full, r.last = i+1, r.reached
		}
	}
	for _, p := range parts[full:] {
		r.empty = append(r.empty, p.number)
	}
	if closed := r.manifest.Closed; closed != nil && *closed > r.reached {
		name := manifestName
		if n := len(parts); n > 0 {
			name = segmentName(parts[n-1].number)
		}
		return corrupt(name, 0, "the journal ends with change %d, and was closed after %d", r.reached, *closed)
	}
	return nil
}

// parts finds the segments behind the snapshot, and how far each counts: to
// where a later one goes on.
func (r *recovery) parts() ([]part, error) {
	var parts []part
	for _, n := range r.manifest.Segments {
		if n < r.header.Segment {
			continue
		}
		p := part{number: n}
		err := r.readSegment(n, func(sr *segmentReader) (err error) {
			_, p.after, err = sr.begin()
			p.begun = err == nil
			if bad := (*badFrame)(nil); errors.Is(err, io.EOF) || errors.As(err, &bad) {
				return nil
			}
			return err
		})
		if err != nil {
			return nil, err
		}
		parts = append(parts, p)
	}
	upTo := uint64(theEnd)
	for i := range slices.Backward(parts) {
		parts[i].upTo = upTo
		if parts[i].begun {
			upTo = min(upTo, parts[i].after)
		}
	}
	return parts, nil
}

// readSegment hands a segment to f, if it is this folder's.
func (r *recovery) readSegment(number uint64, f func(*segmentReader) error) error {
	name := segmentName(number)
	err := r.readFile(name, func(in io.Reader) error {
		sr, err := newSegmentReader(in, name)
		if err != nil {
			return err
		}
		if h := sr.header; h.Store != r.manifest.Store || h.Segment != number {
			return corrupt(name, preambleSize, "segment %d of store %q where %d of %q is due", h.Segment, h.Store, number, r.manifest.Store)
		}
		return f(sr)
	})
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %s is missing", ErrCorrupt, name)
	}
	return err
}

// replay is the reading of a part.
type replay struct {
	*recovery
	part
	sr      *segmentReader
	due     uint64 // number of the next frame
	changes int
	torn    *badFrame // where the journal ends, if not as it should
	short   bool      // it ends where a frame might, but too soon
}

func (r *replay) run(sr *segmentReader) error {
	r.sr = sr
	if err := r.take(sr.header.Contents); err != nil {
		return err
	}
	for first := true; r.reached < r.upTo; first = false {
		var f segmentFrame
		var after uint64
		var err error
		if first {
			f, after, err = sr.begin()
			r.due = f.seq
		} else {
			f, err = sr.next()
		}
		bad := (*badFrame)(nil)
		switch {
		case errors.Is(err, io.EOF) && r.upTo == theEnd:
			if !sr.sealed {
				r.unsynced = append(r.unsynced, r.number)
			}
			return nil
		case errors.Is(err, io.EOF):
			bad = &badFrame{why: fmt.Sprintf("cut short: change %d is missing", r.upTo)}
			r.short = true
			fallthrough
		case errors.As(err, &bad):
			r.unsynced = append(r.unsynced, r.number)
			r.torn = bad
			return nil
		case err != nil:
			return err
		case after > r.reached:
			return corrupt(sr.name, sr.start, "it goes on behind change %d, and there is none beyond %d", after, r.reached)
		}
		if err := r.frame(f); err != nil {
			return err
		}
		r.done.add(int(sr.offset - sr.start))
	}
	return nil
}

// frame makes the change of a frame, unless the snapshot has it.
func (r *replay) frame(f segmentFrame) error {
	if f.seq != r.due {
		return corrupt(r.sr.name, r.sr.start, "record %d where %d is due", f.seq, r.due)
	}
	r.due++
	r.Folder.journal.seq = max(r.Folder.journal.seq, f.seq)
	switch f.typ {
	case frameBegin, frameMark, frameSeal:
		return nil
	}
	c, err := parseChange(ChangeKind(f.typ), f.payload)
	if err == nil {
		r.changes++
		if f.seq <= r.reached {
			return nil
		}
		err = r.state.make(&c)
	}
	if err != nil {
		return corrupt(r.sr.name, r.sr.start, "%v", err)
	}
	r.reached = f.seq
	r.out.Changes++
	r.out.Newest = c.At
	return nil
}

// tear has the journal end where it can't be read on, unless what was promised
// lies behind that: a later frame, here or in the segments behind, says that it
// was durable.
func (r *recovery) tear(s *replay, behind []part) error {
	due := s.due
	durable, next := s.sr.lastDurable(s.torn.rest, due)
	if due == 0 {
		due = max(next, 1) - 1 // of the first frame, which can't be read
	}
	lost := int64(len(s.torn.rest))
	for _, p := range behind {
		err := r.readSegment(p.number, func(sr *segmentReader) error {
			start := sr.offset
			later, err := sr.allDurable()
			durable = max(durable, later)
			lost += sr.offset - start
			return err
		})
		if err != nil {
			return err
		}
		r.unsynced = append(r.unsynced, p.number)
	}
	if durable >= max(due, 1) || r.manifest.Closed != nil {
		return corrupt(s.sr.name, s.sr.start, "%s", s.torn.why)
	}
	r.out.Torn = lost
	r.log.Warn("latchkey: a crash has torn the journal's end, which is left out: it had not been promised",
		"dir", r.dir, "file", s.sr.name, "offset", s.sr.start, "bytes", lost)
	return nil
}
