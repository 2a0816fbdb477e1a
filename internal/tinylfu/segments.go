package tinylfu

const (
	mayBeProtected = 80 // percent of probation and protected together

	// stepMoves bounds how many entries one call moves between lists after
	// the window's size has changed.
	stepMoves = 8
)

// segments are the lists with the rules of W-TinyLFU: what comes enters the
// window; what the window pushes out has to be worth more than what would be
// evicted for it; what is used on probation is protected from then on.
type segments struct {
	*lists
	sketch    *sketch
	random    uint64 // state of a generator
	admission admission

	windowMax, protectedMax int

	// The loser of last time and how often it has been preferred since it
	// became the one to evict.
	defender uint32
	contests int
}

func newSegments(sketch *sketch) segments {
	return segments{lists: newLists(), sketch: sketch, random: 1}
}

// setPlan changes sizes and admission; entries move over later.
func (s *segments) setPlan(p plan, capacity int) {
	s.admission = p.admission
	s.windowMax = max(1, percent(capacity, p.window))
	s.protectedMax = percent(capacity-s.windowMax, mayBeProtected)
}

// percent returns so many percent of n, which may be large.
func percent(n, percent int) int { return n/100*percent + n%100*percent/100 }

// list lists a slot that isn't listed as the newest of a list; newcomers come
// to the window.
func (s *segments) list(slot, tag uint32, list uint8) {
	// What is too much here has been left by a victim that nobody asked for:
	// there is room, and no contest.
	s.trim(window, s.windowMax)
	i := slot + numLists
	s.grow(i + 1)
	n := s.node(i)
	if n.list != nowhere {
		panic("tinylfu: slot is taken")
	}
	n.tag = tag
	s.push(i, list)
	s.trim(protected, s.protectedMax)
}

// use makes a listed slot the newest of its list, or of the next.
func (s *segments) use(slot uint32) {
	i := slot + numLists
	list := s.node(i).list
	if list == probation {
		list = protected
	}
	s.move(i, list)
	s.trim(protected, s.protectedMax)
}

// trim puts what is too much in a list on probation, though not all at once.
func (s *segments) trim(list uint8, most int) {
	for moves := 0; s.size[list] > most && moves < stepMoves; moves++ {
		s.move(s.oldest(list), probation)
	}
}

// victim returns the slot to evict when so many newcomers are still to come, and has
// decided on who came out of the window.
func (s *segments) victim(newcomers int) (slot uint32, ok bool) {
	for _, list := range [...]uint8{probation, protected, window} {
		if s.size[list] == 0 {
			continue
		}
		i := s.oldest(list)
		if list != window && s.size[window] > 0 && s.size[window]+newcomers > s.windowMax {
			candidate := s.oldest(window)
			if !s.admits(candidate, i) {
				return candidate - numLists, true
			}
			s.move(candidate, probation)
		}
		return i - numLists, true
	}
	return 0, false
}
