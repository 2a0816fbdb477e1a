package store

// pieces is an array that grows and shrinks at its end, a piece at a time: under the
// store's lock, nobody pays for copying a large one.
type pieces[T any] struct {
	all [][]T // each but the last of those in use is full
	n   int
}

const (
	pieceBits = 10
	pieceLen  = 1 << pieceBits
)

func (p *pieces[T]) at(i int) *T { return &p.all[i>>pieceBits][i%pieceLen] }

func (p *pieces[T]) push(x T) {
	last := p.n >> pieceBits
	if last == len(p.all) {
		var piece []T
		if last > 0 { // the first of a small store stays small
			piece = make([]T, 0, pieceLen)
		}
		p.all = append(p.all, piece)
	}
	p.all[last] = append(p.all[last], x)
	p.n++
}

// pop takes off the last. An empty piece is kept, or a pop and a push in turn would
// make one each time.
func (p *pieces[T]) pop() (x T) {
	p.n--
	last := p.n >> pieceBits
	piece := p.all[last]
	end := len(piece) - 1
	x, piece[end] = piece[end], x
	p.all[last] = piece[:end]
	if last+2 < len(p.all) {
		p.all[last+2] = nil
		p.all = p.all[:last+2]
	}
	return x
}

// clear takes off all, and keeps the first piece.
func (p *pieces[T]) clear() {
	if len(p.all) > 0 {
		clear(p.all[0])
		clear(p.all[1:])
		p.all = p.all[:1]
		p.all[0] = p.all[0][:0]
	}
	p.n = 0
}

// from returns those from i on that are in the same piece, at most so many.
func (p *pieces[T]) from(i, most int) []T {
	if i >= p.n {
		return nil
	}
	piece := p.all[i>>pieceBits][i%pieceLen:]
	return piece[:min(most, len(piece), p.n-i)]
}
