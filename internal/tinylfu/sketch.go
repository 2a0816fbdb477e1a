package tinylfu

import "math/bits"

// A sketch is cut in blocks of a cache line each, and a key in its block has a
// counter in each of four pairs of words.
const (
	blockWords = 8
	halfMask   = 0x7777777777777777
	maxCount   = 15
	ageStride  = 16 // words halved in one step: whole blocks
)

// sketch estimates how often keys were used of late: a count-min sketch of
// 4-bit counters, which are all halved now and then (TinyLFU, section 3.3).
type sketch struct {
	words []uint64
	shift uint // of a spread tag, to number its block

	uses, period int // counters are halved when uses reaches period

	// Halving goes on a few words at a time. Words from hand on still hold
	// counts of twice their worth.
	hand int
}

// resize gives the sketch a word per entry of capacity, or somewhat more, and
// keeps what it knows: of two sizes, a block of the one is 2^n of the other.
func (s *sketch) resize(capacity int) {
	words := blockWords
	for words < capacity {
		words *= 2
	}
	s.period = agePeriod * capacity
	if words == len(s.words) {
		return
	}
	for s.hand < len(s.words) {
		s.halve()
	}
	old := s.words
	s.words = make([]uint64, words)
	for i := 0; i < max(words, len(old)) && old != nil; i++ {
		block, at := i/blockWords, i%blockWords
		from := block*len(old)/max(words, len(old))*blockWords + at
		to := block*words/max(words, len(old))*blockWords + at
		s.words[to] = largest(s.words[to], old[from])
	}
	s.hand = words
	s.shift = uint(64 - bits.TrailingZeros(uint(words/blockWords)))
}

// largest returns the larger of each pair of counters.
func largest(a, b uint64) (w uint64) {
	for shift := 0; shift < 64; shift += 4 {
		w |= max(a>>shift&maxCount, b>>shift&maxCount) << shift
	}
	return w
}

// spread turns a tag into as many bits as a key needs here.
func spread(tag uint32) uint64 {
	h := uint64(tag) * 0x9e3779b97f4a7c15
	return h ^ h>>32
}

// block returns the words that have the counters of a key, and how many times
// their worth those count.
func (s *sketch) block(h uint64) (words *[blockWords]uint64, times uint64) {
	at := int(h>>s.shift) * blockWords
	if at >= s.hand {
		times = 1
	}
	return (*[blockWords]uint64)(s.words[at:]), 1 + times
}

// add counts a use.
func (s *sketch) add(tag uint32) {
	h := spread(tag)
	words, one := s.block(h)
	counted := 0
	for i := 0; i < blockWords; i += 2 {
		word, shift := &words[i+int(h&1)], h>>1&15*4
		if room := maxCount - *word>>shift&maxCount; room > 0 {
			*word += min(one, room) << shift
			counted = 1
		}
		h >>= 5
	}
	s.uses += counted
	s.age()
}

// count estimates the uses of a key.
func (s *sketch) count(tag uint32) int {
	h := spread(tag)
	words, one := s.block(h)
	least := uint64(maxCount)
	for i := 0; i < blockWords; i += 2 {
		least = min(least, words[i+int(h&1)]>>(h>>1&15*4)&maxCount)
		h >>= 5
	}
	return int(least / one)
}

// age goes on with halving, or begins it when it is time.
func (s *sketch) age() {
	if s.hand < len(s.words) {
		s.halve()
	} else if s.uses >= s.period {
		s.uses /= 2
		s.hand = 0
	}
}

func (s *sketch) halve() {
	end := min(s.hand+ageStride, len(s.words))
	for i := s.hand; i < end; i++ {
		s.words[i] = s.words[i] >> 1 & halfMask
	}
	s.hand = end
}
