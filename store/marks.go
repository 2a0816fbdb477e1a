package store

import "sync/atomic"

// marks has a mark for each slot: the entry there was not used before it. Those who use
// an entry without mu leave one, though not with each use; nobody's is lost, as the
// version has the mark that counts. All of them lie side by side, in runs of which it is
// known that none is earlier than a bound, so that a look at all takes little time.
type marks struct {
	pieces atomic.Pointer[[]*marksPiece]
}

type marksPiece struct {
	marks  [pieceLen]atomic.Int64             // instants; never = there is none that may be evicted
	bounds [pieceLen / marksRun]atomic.Uint64 // by run
}

const (
	marksRun   = 16
	boundsLine = 8
	// marksBlock is how many pieces are made at once at most: side by side, they take half the
	// time to look through.
	marksBlock = 8
)

// A bound is below all marks of a run, or at the earliest: the bits above boundLow, which
// are exact to some 30 microseconds. The low bits say whose mark it was; those between
// count who was listed in the run, so that a bound is put up by nobody who has not seen
// them.
const (
	boundLow   = 1<<16 - 1
	boundCount = marksRun
)

func newMarks() *marks {
	m := &marks{}
	m.pieces.Store(&[]*marksPiece{})
	return m
}

// reset takes all slots away, none of which has an entry that may be evicted. The first
// piece stays, for a store that is empty now and then.
func (m *marks) reset() {
	first := *m.pieces.Load()
	first = first[:min(1, len(first)):min(1, len(first))]
	m.pieces.Store(&first)
}

// piece returns the piece that a slot is in, or nil if there is no such slot any more.
func (m *marks) piece(slot int) *marksPiece {
	pieces := *m.pieces.Load()
	if piece := slot >> pieceBits; piece < len(pieces) {
		return pieces[piece]
	}
	return nil
}

// at returns the mark of a slot that there is.
func (m *marks) at(slot int) *atomic.Int64 { return &m.piece(slot).marks[slot%pieceLen] }

// grow makes room for so many slots.
func (m *marks) grow(slots int) {
	for pieces := *m.pieces.Load(); len(pieces)*pieceLen < slots; {
		more := make([]marksPiece, min(len(pieces)+1, marksBlock))
		for i := range more {
			for j := range more[i].marks {
				more[i].marks[j].Store(int64(never))
			}
			for run := range more[i].bounds {
				more[i].tighten(run)
			}
			// Others may read what was there before, not what comes behind it.
			pieces = append(pieces, &more[i])
		}
		all := pieces
		m.pieces.Store(&all)
	}
}

// list gives a slot the mark of an entry that may be evicted, be it an early one.
func (m *marks) list(slot int, mark instant) {
	p, at := m.piece(slot), slot%pieceLen
	p.marks[at].Store(int64(mark))
	for b := &p.bounds[at/marksRun]; ; {
		was := b.Load()
		next := was&^boundLow | (was+boundCount)&boundLow
		if int64(mark) < int64(was&^boundLow) {
			next = boundOf(uint64(mark), at, next)
		}
		if b.CompareAndSwap(was, next) {
			p.raised(at, was) // by one that was there before
			return
		}
	}
}

// raise raises the mark of a slot that has one to that of a use under mu.
func (m *marks) raise(slot int, mark instant) {
	p, at := m.piece(slot), slot%pieceLen
	for was := p.marks[at].Load(); was < int64(mark); was = p.marks[at].Load() { // others may have raised it further
		if p.marks[at].CompareAndSwap(was, int64(mark)) {
			p.raised(at, p.bounds[at/marksRun].Load())
			return
		}
	}
}

// boundOf returns the bound that is the mark of a slot, with the count of another one.
func boundOf(mark uint64, at int, counted uint64) uint64 {
	return mark&^boundLow | counted&(boundLow&^(marksRun-1)) | uint64(at%marksRun)
}

func (p *marksPiece) bound(run int) instant { return instant(p.bounds[run].Load() &^ boundLow) }

// lineBound is the bound of so many runs, from one that is first in a cache line.
func (p *marksPiece) lineBound(run int) instant {
	b := (*[boundsLine]atomic.Uint64)(p.bounds[run:])
	earliest := b[0].Load()
	for i := 1; i < len(b); i++ {
		earliest = min(earliest, b[i].Load())
	}
	return instant(earliest &^ boundLow)
}

// raised puts up the bound that a run has had if that was the mark of the slot at the place
// given.
func (p *marksPiece) raised(at int, bound uint64) {
	if bound%marksRun == uint64(at%marksRun) {
		p.tighten(at / marksRun)
	}
}

// tighten puts up the bound of a run, and returns the earliest mark there without its low
// bits, below marksRun.
func (p *marksPiece) tighten(run int) instant {
	was := p.bounds[run].Load()
	earliest := p.earliest(run)
	p.putUp(run, was, earliest)
	return instant(earliest &^ (marksRun - 1))
}

// earliest returns the earliest mark of a run, with its place there in the low bits.
func (p *marksPiece) earliest(run int) uint64 {
	m := (*[marksRun]atomic.Int64)(p.marks[run*marksRun:])
	earliest := uint64(never)
	for i := range m { // with the place in the low bits, no branch is needed
		earliest = min(earliest, uint64(m[i].Load())&^(marksRun-1)|uint64(i))
	}
	return earliest
}

// putUp makes the earliest mark the bound of a run, unless somebody has been listed there
// since the bound was what it was.
func (p *marksPiece) putUp(run int, was, earliest uint64) {
	p.bounds[run].CompareAndSwap(was, boundOf(earliest, int(earliest%marksRun), was))
}

// markLag is by how much such a mark may be behind that of the version: half a millisecond
// or so, in which few entries are used, and none is raised often.
const markLag = int64(2 << 19)

// slotMark is the mark of a slot as it was when somebody without mu looked.
type slotMark struct {
	piece *marksPiece // nil = nobody goes by marks, or there is no such slot any more
	at    int
	was   int64
	bound uint64 // of its run
}

func (m *marks) see(slot uint32) (s slotMark) {
	if m == nil {
		return s
	}
	if s.piece = m.piece(int(slot)); s.piece != nil {
		s.at = int(slot % pieceLen)
		s.was = s.piece.marks[s.at].Load()
		s.bound = s.piece.bounds[s.at/marksRun].Load()
	}
	return s
}

// raise notes a use that has taken place since, unless another entry has come into the
// slot, or none.
func (s slotMark) raise(mark uint64) {
	if s.piece != nil && int64(mark)-s.was > markLag && s.piece.marks[s.at].CompareAndSwap(s.was, int64(mark)) {
		s.piece.raised(s.at, s.bound)
	}
}
