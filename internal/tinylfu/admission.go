package tinylfu

// admission is a rule for letting a candidate in at the cost of a victim.
type admission uint8

const (
	// strict is TinyLFU's: the candidate must have been used more often.
	strict admission = iota
	// fading is strict to begin with, but the longer a victim is preferred
	// to others, the less do its uses of once count.
	fading
	// returning lets in whatever is back: seen again within the memory of
	// the sketch. This is what the ghost lists of 2Q, ARC and S3-FIFO do.
	returning
)

const (
	// A candidate used at least so often is let in once in oddsAgainst
	// without being better, or an attacker who knows the hash could keep
	// it out by colliding keys (as Caffeine does).
	warm        = 6
	oddsAgainst = 128

	fadeContests = 4 // so many contests cost a victim one use
)

// admits reports whether a candidate is worth more than the victim.
func (s *segments) admits(candidate, victim uint32) bool {
	if victim != s.defender {
		s.defender, s.contests = victim, 0
	}
	got := s.sketch.count(s.node(candidate).tag)
	has := s.sketch.count(s.node(victim).tag)
	switch s.admission {
	case fading:
		has = min(has, max(1, maxCount-s.contests/fadeContests))
	case returning:
		if got > 1 {
			return true
		}
	}
	s.contests++
	return got > has || got >= warm && s.rand()%oddsAgainst == 0
}

// rand is an xorshift generator (Marsaglia): the same numbers in each run.
func (s *segments) rand() uint64 {
	s.random ^= s.random << 13
	s.random ^= s.random >> 7
	s.random ^= s.random << 17
	return s.random >> 20
}
