package tinylfu

import "math"

// plan is what the policy can change while it runs.
type plan struct {
	window    int // percent
	admission admission
}

// shadows run each plan on a sample of the keys, with a store as much smaller
// as the sample is, and tell which of them hits most. They hold keys only, or
// rather tags: a tag is at the same slot in all that have it.
type shadows struct {
	runs   []segments
	size   int    // of each
	sample uint32 // bound of a mixed tag to be in the sample

	// hits counts requests by which runs had the key, a bit each. It decays.
	hits []float64

	// Slots by tag: heads of chains, linked by next. 0 ends a chain, n+1 is
	// slot n.
	heads []uint32
	next  []uint32
	tags  []uint32
	free  uint32 // a chain too
}

func newShadows(plans []plan, capacity int, sketch *sketch) *shadows {
	classes := max(1, min(capacity/shadowSize, maxClasses))
	s := &shadows{sample: uint32(math.MaxUint32 / uint64(classes)), size: capacity / classes}
	for _, p := range plans {
		run := newSegments(sketch)
		run.setPlan(p, s.size)
		s.runs = append(s.runs, run)
	}
	s.hits = make([]float64, 1<<len(plans))
	slots := len(plans)*s.size + 1
	s.next, s.tags = make([]uint32, slots), make([]uint32, slots)
	buckets := 1
	for buckets < slots {
		buckets *= 2
	}
	s.heads = make([]uint32, buckets)
	for at := uint32(slots); at > 0; at-- { // the first come first: nodes grow with use
		s.next[at-1], s.free = s.free, at
	}
	return s
}

// see replays a request for a key in all shadows, if it is one of the sample.
func (s *shadows) see(tag uint32) {
	// Not with the bits that number a block: the sample is from all of them.
	if uint32(uint64(tag)*0xd6e8feb86659fd93>>32) > s.sample {
		return
	}
	slot, hits := s.slot(tag), 0
	for i := range s.runs {
		if run := &s.runs[i]; run.has(slot) {
			hits |= 1 << i
			run.use(slot)
		} else {
			s.insert(run, slot, tag)
		}
	}
	s.hits[hits]++
}

// insert adds a slot to a shadow and evicts what is too much, which is never the
// newcomer: there is a window for it.
func (s *shadows) insert(run *segments, slot, tag uint32) {
	run.list(slot, tag, window)
	if run.len() > s.size {
		victim, _ := run.victim(0)
		run.unlink(victim + numLists)
		s.release(victim)
	}
}

func (s *shadows) bucket(tag uint32) *uint32 {
	return &s.heads[spread(tag)>>40&uint64(len(s.heads)-1)]
}

// slot finds the slot of a tag, or gives it one.
func (s *shadows) slot(tag uint32) uint32 {
	head := s.bucket(tag)
	for at := *head; at != 0; at = s.next[at-1] {
		if s.tags[at-1] == tag {
			return at - 1
		}
	}
	at := s.free
	s.free = s.next[at-1]
	s.tags[at-1] = tag
	s.next[at-1], *head = *head, at
	return at - 1
}

// release frees a slot when no shadow has it any more.
func (s *shadows) release(slot uint32) {
	for i := range s.runs {
		if s.runs[i].has(slot) {
			return
		}
	}
	at := s.bucket(s.tags[slot])
	for *at != slot+1 {
		at = &s.next[*at-1]
	}
	*at = s.next[slot]
	s.next[slot], s.free = s.free, slot+1
}

// best returns the plan that hits most, if it's ahead of the current one by more
// than chance would have it.
func (s *shadows) best(current int) int {
	best, most := current, 0.0
	for i := range s.runs {
		lead, differ := s.compare(i, current)
		if lead > most && lead*lead > doubt*differ {
			best, most = i, lead
		}
	}
	for i := range s.hits {
		s.hits[i] *= decay
	}
	return best
}

// compare returns how many more hits a has than b, and how many one of them has
// and the other has not. If it were all chance, the lead's standard deviation
// would be the square root of that.
func (s *shadows) compare(a, b int) (lead, differ float64) {
	for hits, count := range s.hits {
		switch {
		case hits>>a&1 == hits>>b&1:
			continue
		case hits>>a&1 == 1:
			lead += count
		default:
			lead -= count
		}
		differ += count
	}
	return lead, differ
}
