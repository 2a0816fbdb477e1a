package tinylfu

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestListsKeepGolangLRUsOrder drives the lists and golang-lru's through the same
// steps.
func TestListsKeepGolangLRUsOrder(t *testing.T) { rapid.Check(t, listsLikeGolangLRU) }

func FuzzLists(f *testing.F) { f.Fuzz(rapid.MakeFuzz(listsLikeGolangLRU)) }

func listsLikeGolangLRU(t *rapid.T) {
	got, want := ownLists{newLists()}, newGolangLRU()
	slots := rapid.OneOf(rapid.Uint32Range(0, 9), rapid.Uint32Range(pieceLen-numLists-2, pieceLen+2))
	where := make(map[uint32]uint8)
	list := rapid.Uint8Range(window, protected)
	t.Repeat(map[string]func(*rapid.T){
		"use": func(t *rapid.T) {
			slot, to := slots.Draw(t, "slot"), list.Draw(t, "list")
			if from, ok := where[slot]; ok {
				got.use(slot, from, to)
				want.use(slot, from, to)
			} else {
				got.add(slot, to)
				want.add(slot, to)
			}
			where[slot] = to
		},
		"evict": func(t *rapid.T) {
			l := list.Draw(t, "list")
			if want[l].Len() == 0 {
				return
			}
			victim := want.evict(l)
			require.Equal(t, victim, got.evict(l))
			delete(where, victim)
		},
		"remove": func(t *rapid.T) {
			slot := slots.Draw(t, "slot")
			l, ok := where[slot]
			require.Equal(t, ok, got.has(slot))
			if ok {
				got.unlink(slot + numLists)
				want[l].Remove(slot)
				delete(where, slot)
			}
		},
		"": func(t *rapid.T) {
			require.Equal(t, len(where), got.len())
			for l := uint8(window); l <= protected; l++ {
				require.Equal(t, want[l].Keys(), got.slots(l))
				require.Len(t, got.slots(l), got.size[l])
			}
		},
	})
}

// slots returns the slots of a list, oldest first, checking links both ways.
func (s *lists) slots(list uint8) []uint32 {
	slots := []uint32{}
	last := uint32(list)
	for i := s.oldest(list); i != uint32(list); i = s.node(i).newer {
		if s.node(i).older != last || s.node(i).list != list {
			panic("links don't agree")
		}
		slots = append(slots, i-numLists)
		last = i
	}
	return slots
}
