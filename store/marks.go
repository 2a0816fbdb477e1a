package store

import "sync/atomic"

// marks has a mark for each slot: the entry there was not used before it. Those who use
// an entry without mu leave one, though not with each use; nobody's is lost, as the
// version has the mark that counts. All of them lie side by side, so that a look at
// each takes about a nanosecond.
type marks struct {
	pieces atomic.Pointer[[]*marksPiece]
}

type marksPiece [pieceLen]atomic.Int64 // instants; never = there is none that may be evicted

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

// at returns the mark of a slot, or nil if there is no such slot any more.
func (m *marks) at(slot int) *atomic.Int64 {
	pieces := *m.pieces.Load()
	if piece := slot >> pieceBits; piece < len(pieces) {
		return &pieces[piece][slot%pieceLen]
	}
	return nil
}

// grow makes room for so many slots.
func (m *marks) grow(slots int) {
	for pieces := *m.pieces.Load(); len(pieces)*pieceLen < slots; {
		more := make([]marksPiece, min(len(pieces)+1, marksBlock))
		for i := range more {
			for j := range more[i] {
				more[i][j].Store(int64(never))
			}
			// Others may read what was there before, not what comes behind it.
			pieces = append(pieces, &more[i])
		}
		all := pieces
		m.pieces.Store(&all)
	}
}

// marksBlock is how many pieces are made at once at most: side by side, they take half the
// time to look through.
const marksBlock = 8

// run returns the marks of some slots, the one given and those that follow. Some at the
// end may be of no slot yet.
func (m *marks) run(slot int) *[marksRun]atomic.Int64 {
	return (*[marksRun]atomic.Int64)((*m.pieces.Load())[slot>>pieceBits][slot%pieceLen:])
}

const marksRun = 64

// markLag is by how much such a mark may be behind that of the version: half a millisecond
// or so, in which few entries are used, and none is raised often.
const markLag = int64(2 << 19)

// slotMark is the mark of a slot as it was when somebody without mu looked.
type slotMark struct {
	at  *atomic.Int64 // nil = nobody goes by marks, or there is no such slot any more
	was int64
}

func (m *marks) see(slot uint32) (s slotMark) {
	if m == nil {
		return s
	}
	if s.at = m.at(int(slot)); s.at != nil {
		s.was = s.at.Load()
	}
	return s
}

// raise notes a use that has taken place since, unless another entry has come into the
// slot, or none.
func (s slotMark) raise(mark uint64) {
	if s.at != nil && int64(mark)-s.was > markLag {
		s.at.CompareAndSwap(s.was, int64(mark))
	}
}
