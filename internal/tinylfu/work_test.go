package tinylfu

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// work is what a call can do a lot of: moves between lists, words of the sketch
// halved, pieces of nodes allocated.
type work struct{ window, protected, hand, pieces, shadowPieces int }

func workOf(p *Policy) work {
	s := p.main
	w := work{s.size[window], s.size[protected], p.sketch.hand, len(s.pieces), 0}
	for _, run := range p.shadows.runs {
		w.shadowPieces += len(run.pieces)
	}
	return w
}

// bounded reports whether the work since before is within constants.
func (w work) bounded(before work) bool {
	return abs(w.window-before.window) <= 9 &&
		abs(w.protected-before.protected) <= 9 &&
		(w.hand == 0 || w.hand-before.hand <= 16*countTogether) &&
		w.pieces-before.pieces <= 1 && w.shadowPieces-before.shadowPieces <= len(plans)
}

// TestNoCallWorksLong keeps a policy of a million entries busy, over changes of
// plan and a halving of the sketch, and bounds the work of each call.
func TestNoCallWorksLong(t *testing.T) {
	const capacity = 1_000_000
	p := New(capacity)
	p.sketch.uses = p.sketch.period - capacity // a halving is not far off
	last := workOf(p)
	did := func() {
		now := workOf(p)
		if !now.bounded(last) {
			t.Fatalf("a call did too much: from %+v to %+v", last, now)
		}
		last = now
	}
	for slot := range uint32(capacity) {
		p.Add(slot, mix(uint64(slot)))
		did()
	}
	draw, spare := rand.New(rand.NewPCG(1, 2)), uint32(capacity)
	for i := range 2 * capacity {
		if i%(capacity/2) == 0 {
			p.main.setPlan(plans[i/(capacity/2)%2*3], capacity)
		}
		if slot := draw.Uint32N(capacity); p.Has(slot) {
			p.Hit(slot, mix(uint64(slot)))
			did()
		}
		p.Add(spare, mix(uint64(capacity+i)))
		did()
		spare, _ = p.Victim()
		did()
		p.Remove(spare)
		did()
	}
	require.Less(t, p.sketch.uses, p.sketch.period*2/3, "it has been halved")
}

func abs(n int) int { return max(n, -n) }

// TestHalvingBitByBit wants the same counts whether words are halved yet or not.
func TestHalvingBitByBit(t *testing.T) {
	slow, fast := new(sketch), new(sketch)
	slow.resize(10_000)
	fast.resize(10_000)
	draw := rand.New(rand.NewPCG(1, 2))
	for range 50_000 {
		tag := draw.Uint32N(20_000)
		slow.add(tag)
		fast.add(tag)
	}
	slow.hand, fast.hand = 0, 0
	for fast.hand < len(fast.words) {
		fast.halve()
	}
	for tag := range uint32(20_000) {
		require.Equal(t, fast.count(tag), slow.count(tag))
		if tag%16 == 0 {
			fast.add(tag)
			slow.add(tag)
			require.Equal(t, min(fast.count(tag), maxCount/2), min(slow.count(tag), maxCount/2))
		}
	}
}

// TestSketchKeepsCounts: a key's count survives another size, and is never too
// low while nothing has aged.
func TestSketchKeepsCounts(t *testing.T) {
	s := new(sketch)
	s.resize(1000)
	for tag := range uint32(100) {
		for range tag%maxCount + 1 {
			s.add(tag)
		}
	}
	for _, capacity := range []int{1000, 5000, 1_000_000, 400, 1000, 1} {
		s.resize(capacity)
		for tag := range uint32(100) {
			require.GreaterOrEqual(t, s.count(tag), int(tag%maxCount+1), "capacity %d", capacity)
		}
	}
	require.Len(t, s.words, blockWords)
}

// TestResize: a policy that shrinks gives up what is too much, one after the
// other, and a policy that grows evicts nothing before it's full.
func TestResize(t *testing.T) {
	p := filled(1000)
	p.Resize(100)
	for p.Len() > 100 {
		victim, ok := p.Victim()
		require.True(t, ok)
		require.True(t, p.Has(victim))
		p.Remove(victim)
	}
	p.Resize(2000)
	for slot := uint32(1000); p.Len() < 2000; slot++ {
		p.Add(slot, mix(uint64(slot)))
	}
	require.LessOrEqual(t, p.main.size[window], p.main.windowMax+1)
	require.LessOrEqual(t, p.main.size[protected], p.main.protectedMax)
}

// TestReturn: who comes back from a lock has the place in the lists it had, and
// another entry at its slot has not.
func TestReturn(t *testing.T) {
	p := filled(100)
	p.Hit(7, mix(7))
	require.EqualValues(t, protected, p.main.find(7).list)
	p.Remove(7)
	require.False(t, p.Has(7))
	p.Return(7, mix(7))
	require.EqualValues(t, protected, p.main.find(7).list)
	p.Remove(7)
	p.Return(7, mix(1007))
	require.EqualValues(t, window, p.main.find(7).list)
	require.Equal(t, 100, p.Len())
}

// TestLateHit: a use of what has gone moves nothing, but counts.
func TestLateHit(t *testing.T) {
	p := filled(100)
	p.Hit(7, mix(1007))
	require.EqualValues(t, probation, p.main.find(7).list)
	require.Equal(t, 1, p.sketch.count(fold(mix(1007))))
	p.Hit(7, mix(7))
	require.EqualValues(t, protected, p.main.find(7).list)
}

// TestNewcomersCount: in a large store some are counted together, but before another use is.
func TestNewcomersCount(t *testing.T) {
	for capacity, together := range map[int]uint64{countTogetherFrom - 1: 1, countTogetherFrom: countTogether} {
		p := New(capacity)
		counted := func(key uint64) int { return p.sketch.count(fold(mix(key))) }
		for key := range together {
			require.Zero(t, counted(0))
			p.Add(uint32(key), mix(key))
		}
		for key := range together {
			require.Equal(t, 1, counted(key))
		}
		p.Add(100, mix(100))
		p.Hit(0, mix(0))
		require.Equal(t, 1, counted(100))
		require.Equal(t, 2, counted(0))
	}
}

// TestProtected keeps its size however many are used again.
func TestProtected(t *testing.T) {
	p := filled(100)
	for slot := range uint32(100) {
		p.Hit(slot, mix(uint64(slot)))
	}
	require.Equal(t, p.main.protectedMax, p.main.size[protected])
}

// TestManyKeys: shadows have room for more keys than fit in at a time.
func TestManyKeys(t *testing.T) {
	p, spare := filled(100), uint32(100)
	for key := range uint64(10_000) {
		p.Add(spare, mix(100+key))
		spare, _ = p.Victim()
		p.Remove(spare)
	}
	require.Equal(t, 100, p.Len())
}
