package store

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// Whatever is listed, listed anew and taken off, in order of time or not: the earliest
// comes first.
func TestDeadlinesComeInOrder(t *testing.T) {
	const slots = 300
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 0))
		d := deadlinesOf(slots)
		listed := make(map[int32]instant)
		check := func() {
			want := never
			for _, at := range listed {
				want = min(want, at)
			}
			require.Equal(t, want, d.next())
			if want != never {
				require.Equal(t, want, listed[d.earliest()])
			}
		}
		for now := range instant(5000) {
			slot, at := int32(r.IntN(slots)), now+100
			switch r.IntN(8) { // most have one TTL
			case 0:
				at = now + instant(r.IntN(300))
			case 1:
				at = never
			}
			switch r.IntN(4) {
			case 0:
				d.remove(slot)
				delete(listed, slot)
			case 1:
				d.soonen(slot, at)
				if was, ok := listed[slot]; at != never && (!ok || at < was) {
					listed[slot] = at
				}
			default:
				d.set(slot, at)
				listed[slot] = at
				if at == never {
					delete(listed, slot)
				}
			}
			check()
		}
		for len(listed) > 0 {
			slot := d.earliest()
			d.remove(slot)
			delete(listed, slot)
			check()
		}
	}
}

// What is listed in order of time stands in the queue, and a few that are much later than
// the others keep none of them out.
func TestDeadlinesInOrderQueue(t *testing.T) {
	const slots = 1000
	d := newDeadlines()
	for slot := range int32(slots) {
		d.grow()
		d.set(slot, instant(slot))
		if slot%100 >= 100-mostMoved {
			d.set(slot, instant(1_000_000-slot)) // later than all others
		}
	}
	require.Equal(t, slots/100*mostMoved-1, d.others.len()) // and one is the last of all
	for _, slot := range rand.New(rand.NewPCG(1, 2)).Perm(slots) {
		d.remove(int32(slot))
	}
	require.Equal(t, never, d.next())
	require.EqualValues(t, -1, d.first)
	require.EqualValues(t, -1, d.last)
}

// Neighbours are those in the queue: what is not there has none to be looked at.
func TestNeighboursOfADeadline(t *testing.T) {
	d := deadlinesOf(5)
	for slot := range int32(3) {
		d.set(slot, 100+instant(slot))
	}
	require.EqualValues(t, 100+102, d.neighbours(1))
	require.EqualValues(t, 101, d.neighbours(0))
	require.EqualValues(t, 101, d.neighbours(2))
	require.Zero(t, d.neighbours(3), "never listed")
	d.remove(1)
	require.Zero(t, d.neighbours(1), "no longer listed")
	d.nodes.at(4).after = 1000 // far from any slot
	d.nodes.at(4).before, d.nodes.at(4).at = elsewhere, 50
	require.Zero(t, d.neighbours(4), "listed elsewhere")
}

// An agenda is a heap wherever its items stand.
func TestAgendaIsAHeap(t *testing.T) {
	places := make([]int32, 500)
	a := agenda[int]{place: func(it int) *int32 { return &places[it] }}
	for i := range places {
		places[i] = -1
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 3000 {
		if it := r.IntN(len(places)); r.IntN(3) == 0 {
			a.remove(it)
			require.EqualValues(t, -1, places[it])
		} else {
			a.set(it, instant(r.IntN(1000)))
		}
		for i := root + 1; i < a.items.n; i++ {
			require.LessOrEqual(t, a.items.at(parent(i)).at, a.items.at(i).at)
			require.Equal(t, i/arity*arity, firstChild(parent(i)))
		}
	}
	var all []agendaItem[int]
	for i := root; i < a.items.n; i++ {
		all = append(all, *a.items.at(i))
		require.EqualValues(t, i, places[a.items.at(i).it])
	}
	require.Equal(t, a.len(), len(all))
	slices.SortFunc(all, func(x, y agendaItem[int]) int { return cmp.Compare(x.at, y.at) })
	for _, item := range all {
		require.Equal(t, item.at, a.next())
		a.remove(a.first())
	}
	require.Equal(t, never, a.next())
}

// Many that come in no order stand in days, long and short ones. Whatever is listed, listed
// anew and taken off: what is due is found, and none is later than told.
func TestDeadlinesInDays(t *testing.T) {
	const slots = 20_000
	for seed := range uint64(3) {
		r := rand.New(rand.NewPCG(seed, 0))
		d := deadlinesOf(slots)
		listed := make(map[int32]instant)
		var now instant
		set := func(slot int32, within instant) {
			listed[slot] = now + 1 + instant(r.Int64N(int64(within)))
			d.set(slot, listed[slot])
		}
		span := instant(1) << (20 + 10*seed) // ms, s, 20 minutes
		shortest, days := uint8(longestDay), 0
		for step := range 4 * slots {
			slot := int32(r.IntN(slots))
			switch r.IntN(16) {
			case 0:
				d.remove(slot)
				delete(listed, slot)
			case 1: // a few are due within a short time, or after a long one
				set(slot, span>>10)
			case 2:
				set(slot, span<<10)
			case 3:
				if at, ok := listed[slot]; ok {
					listed[slot] = now + 1 + (at-now)/2
					d.soonen(slot, listed[slot])
				}
			default:
				set(slot, span)
			}
			shortest, days = min(shortest, d.later.shift), max(days, len(d.later.byKey))
			if step%1000 != 0 {
				continue
			}
			now += span / 30
			looks, due := 0, 0
			for ; d.next() <= now; looks++ {
				slot := d.earliest()
				require.GreaterOrEqual(t, listed[slot], d.next())
				if listed[slot] <= now {
					d.remove(slot)
					delete(listed, slot)
					due++
				} else {
					d.set(slot, listed[slot])
				}
			}
			require.LessOrEqual(t, looks, 4*due+8*daySlots)
			for slot, at := range listed {
				require.Greater(t, at, now)
				require.Equal(t, at, d.nodes.at(int(slot)).at)
			}
			requireDays(t, d, len(listed))
		}
		require.Less(t, shortest, uint8(longestDay))
		require.Greater(t, days, 20)
		for slot := range int32(slots) {
			d.remove(slot)
		}
		require.Equal(t, never, d.next())
		requireDays(t, d, 0)
	}
}

// deadlinesOf returns some with so many slots, none of which is listed.
func deadlinesOf(slots int) *deadlines {
	d := newDeadlines()
	for range slots {
		d.grow()
	}
	return d
}

// requireDays requires that so many slots are listed, each once.
func requireDays(t *testing.T, d *deadlines, want int) {
	n := d.others.len()
	for slot := d.first; slot >= 0; slot = d.nodes.at(int(slot)).after {
		n++
	}
	for key, i := range d.later.byKey {
		day := d.later.days.at(int(i))
		require.Equal(t, key, day.key)
		before := ofDay(i)
		slot := day.first
		for require.GreaterOrEqual(t, slot, int32(0)); slot >= 0; slot = d.nodes.at(int(slot)).after {
			require.Equal(t, before, d.nodes.at(int(slot)).before)
			require.Equal(t, key.from, d.nodes.at(int(slot)).at>>key.shift<<key.shift)
			before = slot
			n++
		}
	}
	require.Equal(t, len(d.later.byKey), d.later.begin.len())
	require.Equal(t, want, n)
}
