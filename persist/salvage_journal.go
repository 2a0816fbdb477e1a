package persist

// oldSegment is what is left of a segment of the journal.
type oldSegment struct {
	name    string
	begun   bool // its first frame can be read
	after   uint64
	first   uint64 // number of the first frame that can be read; 0 = none
	in      *Contents
	changes []numbered
	gaps    []gap
	upTo    uint64 // the last change that counts
}

// numbered is a change with its number.
type numbered struct {
	seq uint64
	Change
}

// gap is where a segment can't be read: frames with the numbers from first to last
// are lost.
type gap struct {
	loss        Loss
	first, last uint64 // first 0 = unknown, last theEnd = unknown
}

// segments reads the segments of the journal, and finds how far each counts.
func (s *salvager) segments(numbers []uint64) []*oldSegment {
	var list []*oldSegment
	for _, n := range numbers {
		before := len(s.out.Lost)
		seg := s.segment(segmentName(n))
		// Whether what was lost of the file counts is seen later.
		for _, loss := range s.out.Lost[before:] {
			seg.gaps = append(seg.gaps, gap{loss: loss, last: theEnd})
		}
		s.out.Lost = s.out.Lost[:before]
		list = append(list, seg)
	}
	upTo := uint64(theEnd)
	for i := len(list) - 1; i >= 0; i-- {
		seg := list[i]
		seg.upTo = upTo
		switch {
		case seg.begun:
			upTo = min(upTo, seg.after)
		case seg.first > 0:
			upTo = min(upTo, seg.first-1) // no less is known
		}
	}
	return list
}

// segment reads what is left of a segment.
func (s *salvager) segment(name string) *oldSegment {
	w := newWreck(s.load(name))
	seg := &oldSegment{name: name}
	var h segmentHeader
	read, ok := s.begin(w, name, kindSegment, &h)
	if !ok {
		return seg
	}
	seg.in, w.salt, w.last = &h.Contents, h.Salt, 0
	if !read {
		found := w.findSalt()
		if seg.in = s.common(); seg.in == nil || !found {
			why := errHeader
			if found {
				why = errUnknown
			}
			s.loses(name, 0, int64(len(w.data)), -1, why)
			return seg
		}
	}
	from := w.pos
	s.readChanges(seg, w)
	if !read && !seg.begun {
		lost := gap{last: max(seg.first, 1) - 1, loss: Loss{Place{name, preambleSize}, int64(from - preambleSize), -1, errHeader.Error()}}
		seg.gaps = append([]gap{lost}, seg.gaps...)
	}
	return seg
}

// readChanges reads to the seal, or to the end.
func (s *salvager) readChanges(seg *oldSegment, w *wreck) {
	for {
		from, last := w.pos, w.last
		f, skipped, ok := w.next()
		if !ok {
			if skipped > 0 {
				seg.loses(from, skipped, last, theEnd, errEnd)
			}
			return
		}
		if missing := last > 0 && f.seq() > last+1; skipped > 0 || missing {
			seg.loses(from, skipped, last, f.seq(), errGarbage)
		}
		s.mended(seg.name, f)
		if seg.first == 0 {
			seg.first = f.seq()
		}
		frame, ok := parseFrame(&f.frameHead, f.payload)
		if !ok || !seg.add(frame, s) {
			seg.loses(f.at, f.end-f.at, f.seq()-1, f.seq()+1, errGarbage)
		}
		if frame.typ == frameSeal {
			return
		}
	}
}

// add takes a frame in. It reports whether that makes sense.
func (o *oldSegment) add(f segmentFrame, s *salvager) bool {
	switch f.typ {
	case frameBegin:
		p := parser{rest: f.payload}
		after := p.varint()
		if p.bad || len(p.rest) > 0 || after >= f.seq || len(o.changes) > 0 {
			return false
		}
		o.begun, o.after = true, after
		return true
	case frameMark, frameSeal:
		return true
	}
	c, err := parseChange(ChangeKind(f.typ), f.payload)
	if err != nil {
		return false
	}
	if c.Key != nil {
		c.Key = s.key(c.Key)
	}
	o.changes = append(o.changes, numbered{f.seq, c})
	return true
}

// loses notes that the frames between the numbers last and next are lost.
func (o *oldSegment) loses(offset, bytes int, last, next uint64, why error) {
	g := gap{loss: Loss{Place{o.name, int64(offset)}, int64(bytes), -1, why.Error()}, last: theEnd}
	if next != theEnd {
		g.last = next - 1
	}
	if last > 0 {
		g.first = last + 1
	}
	if last > 0 && next != theEnd {
		g.loss.Records = int(next - last - 1)
	}
	o.gaps = append(o.gaps, g)
}
