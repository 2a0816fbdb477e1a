package tinylfu

// Which of the lists has an entry.
const (
	nowhere = iota
	window
	probation
	protected
	numLists
)

// node is an entry in its list. It is the whole price of an entry, beside its
// word in the sketch: 16 bytes.
type node struct {
	older, newer uint32
	tag          uint32 // of the key: its hash, folded
	list         uint8
	was          uint8 // the list it was removed from
}

// Nodes are allocated a piece at a time, so that no entry pays for copying
// those of all others.
const (
	pieceBits = 8
	pieceLen  = 1 << pieceBits
)

// lists is window, probation and protected, each in order of use. What may be
// in one is numbered from 0; its node is numLists further on, as the first few
// nodes are the sentinels: node l is older than the oldest of list l, and newer
// than its newest.
type lists struct {
	pieces []*[pieceLen]node
	size   [numLists]int
}

func newLists() *lists {
	s := &lists{}
	s.grow(numLists)
	for l := range uint32(numLists) {
		n := s.node(l)
		n.older, n.newer = l, l
	}
	return s
}

func (s *lists) node(i uint32) *node { return &s.pieces[i>>pieceBits][i%pieceLen] }

// grow makes room for the nodes below end.
func (s *lists) grow(end uint32) {
	for len(s.pieces) <= int((end-1)>>pieceBits) {
		s.pieces = append(s.pieces, new([pieceLen]node))
	}
}

// find returns the node for a slot, or nil when there never was one.
func (s *lists) find(slot uint32) *node {
	i := slot + numLists
	if int(i>>pieceBits) >= len(s.pieces) {
		return nil
	}
	return s.node(i)
}

func (s *lists) has(slot uint32) bool {
	n := s.find(slot)
	return n != nil && n.list != nowhere
}

func (s *lists) len() int { return s.size[window] + s.size[probation] + s.size[protected] }

// oldest returns the oldest node of a list, which is its sentinel when it's empty.
func (s *lists) oldest(list uint8) uint32 { return s.node(uint32(list)).newer }

// push lists node i, listed nowhere, as the newest.
func (s *lists) push(i uint32, list uint8) {
	n, root := s.node(i), s.node(uint32(list))
	n.older, n.newer = root.older, uint32(list)
	s.node(root.older).newer = i
	root.older = i
	n.list = list
	s.size[list]++
}

func (s *lists) unlink(i uint32) {
	n := s.node(i)
	s.node(n.older).newer = n.newer
	s.node(n.newer).older = n.older
	s.size[n.list]--
	n.list = nowhere
}

// move lists node i as the newest of a list.
func (s *lists) move(i uint32, list uint8) {
	if n := s.node(i); n.list == list && n.newer == uint32(list) {
		return
	}
	s.unlink(i)
	s.push(i, list)
}
