package store

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// read is a use of what is in a slot by somebody without mu.
func (m *lruMachine) read(slot int32) {
	m.now++
	v, seen := (*m.slots.at(int(slot))).v.Load(), m.marks.see(uint32(slot))
	require.True(m.t, v.read(instant(m.now)))
	seen.raise(markOf(instant(m.now)))
}

// Somebody goes though all that may go are used over and over while it is looked for, as a
// few are that all read.
func TestVictimAmongTheHot(t *testing.T) {
	for _, n := range []int32{1, 2, 8, 100} {
		m := newMachine(t, 1)
		m.p.touch = func([nextPlaces]int32) {
			for slot := range n {
				m.read(slot)
			}
		}
		for slot := range n {
			m.addAt(slot)
		}
		turns := 1
		for ; ; turns++ {
			if e, untidy := m.p.victim(); !untidy {
				require.NotNil(t, e)
				break
			}
			require.Less(t, turns, 100, "%d entries", n)
		}
	}
}

// Whoever notes a use under mu may be late: others have raised the mark, and the bound,
// further since.
func TestMarksAreNotLowered(t *testing.T) {
	const n = 2 * marksRun
	m := newMachine(t, 1)
	m.now = 1 << 40
	for slot := range int32(n) {
		m.addAt(slot)
		m.now += 1 << 20
	}
	e := *m.slots.at(0)
	e.v.Load().use(m.next(), instant(m.now))
	mark := e.mark()
	for slot := range int32(n) {
		m.now += 1 << 22
		m.read(n - 1 - slot)
	}
	m.marks.raise(0, mark)
	for slot := range n {
		require.LessOrEqual(t, m.marks.piece(slot).bound(slot/marksRun), instant(m.marks.at(slot).Load()))
	}
}
