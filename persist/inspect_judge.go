package persist

import "bytes"

// judge decides for each segment whether its end is as it should be, torn by a
// crash, or damaged; see recovery.tear.
func (i *inspector) judge() {
	i.look()
	reach, torn := i.oldest(), false
	for k, s := range i.scans {
		reach = max(reach, s.After, min(s.Last, s.upTo))
		if s.Damage != nil {
			continue
		}
		i.judgeEnd(s, reach, torn)
		torn = torn || s.Torn > 0
		switch last := k == len(i.scans)-1; {
		case s.Damage != nil || s.bad != nil || torn:
		case last && i.manifest.Closed != nil && !s.Sealed:
			s.Damage = corrupt(s.Name, s.end, "cut short: the folder was closed, and the journal is not sealed")
		case !last && s.lacks(i.scans[k+1], reach):
			s.Damage = corrupt(s.Name, s.end, "cut short: record %d is missing", s.last+1)
		}
	}
	for k := range i.out.Snapshots {
		i.lead(&i.out.Snapshots[k])
	}
}

// look finds out for each segment what the later ones say of it.
func (i *inspector) look() {
	upTo, durable := uint64(theEnd), uint64(0)
	for k := len(i.scans) - 1; k >= 0; k-- {
		s := i.scans[k]
		s.upTo = upTo
		s.durable = max(s.durable, durable)
		durable = s.durable
		if s.begun {
			upTo = min(upTo, s.After)
		}
	}
}

// oldest returns up to which change even the oldest good snapshot needs no journal.
func (i *inspector) oldest() uint64 {
	for _, s := range i.out.Snapshots {
		if s.Damage == nil {
			return s.Header.Seq
		}
	}
	return 0
}

// judgeEnd decides about what lies behind where a segment can be read to. All up
// to the change reach is there; torn says that a crash has torn the journal before.
func (i *inspector) judgeEnd(s *segmentScan, reach uint64, torn bool) {
	if s.bad == nil {
		s.Room = s.Size - s.end
		if torn {
			s.Torn = s.end - s.begins
		}
		return
	}
	left := int64(len(bytes.TrimRight(s.bad.rest, "\x00")))
	s.Room = int64(len(s.bad.rest)) - left
	switch {
	case reach >= s.upTo && !s.flipped: // or else it was written well
		s.Unused = left
	case reach >= s.upTo, s.durable >= max(s.due, 1), i.manifest.Closed != nil:
		s.Damage = corrupt(s.Name, s.end, "%s", s.bad.why)
	case torn:
		s.Torn = s.end - s.begins + left
	default:
		s.Torn = left
	}
}

// lacks reports whether the frames end too early, though none of them is bad: the
// next segment goes on behind more of them. Where it goes on behind a change that
// only a snapshot has, after an import, that can't be told.
func (s *segmentScan) lacks(next *segmentScan, reach uint64) bool {
	before := next.first - 1
	return next.begun && before > next.After && s.last < before && reach < next.After
}

// lead finds out how far the journal leads on from a snapshot.
func (i *inspector) lead(s *SnapshotState) {
	s.Reach = s.Header.Seq
	for _, scan := range i.scans {
		switch {
		case scan.Number < s.Header.Segment:
		case scan.After > s.Reach:
			return
		default:
			s.Reach = max(s.Reach, min(scan.Last, scan.upTo))
		}
	}
}
