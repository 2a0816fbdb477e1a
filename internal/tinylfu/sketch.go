package tinylfu

import "math/bits"

// A sketch is cut in blocks of a cache line each, and a key in its block has a
// counter in each of four pairs of words.
const (
	blockWords = 8
	maxWords   = 1 << 24 // 128 MiB: beyond as many entries, keys share more counters

	lowBits   = 0x1111111111111111
	halfMask  = 0x7777777777777777
	maxCount  = 15
	ageStride = 16 // words halved in one step
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

func newSketch(capacity int) *sketch {
	s := &sketch{}
	s.resize(capacity)
	return s
}

// resize gives the sketch a word per entry of capacity, or somewhat more, and
// keeps what it knows: of two sizes, a block of the one is 2^n of the other.
func (s *sketch) resize(capacity int) {
	words := blockWords
	for words < capacity && words < maxWords {
		words *= 2
	}
	s.period = agePeriod * min(capacity, maxWords)
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

// add counts a use.
func (s *sketch) add(tag uint32) {
	h := spread(tag)
	block := int(h>>s.shift) * blockWords
	counted := false
	for i := 0; i < blockWords; i += 2 {
		at := block + i + int(h&1)
		shift := h >> 1 & 15 * 4
		one := uint64(1)
		if at >= s.hand {
			one = 2
		}
		if room := maxCount - s.words[at]>>shift&maxCount; room > 0 {
			s.words[at] += min(one, room) << shift
			counted = true
		}
		h >>= 5
	}
	if counted {
		s.uses++
	}
	s.age()
}

// count estimates the uses of a key.
func (s *sketch) count(tag uint32) int {
	h := spread(tag)
	block := int(h>>s.shift) * blockWords
	least := uint64(maxCount)
	for i := 0; i < blockWords; i += 2 {
		at := block + i + int(h&1)
		c := s.words[at] >> (h >> 1 & 15 * 4) & maxCount
		if at >= s.hand {
			c /= 2
		}
		least = min(least, c)
		h >>= 5
	}
	return int(least)
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
