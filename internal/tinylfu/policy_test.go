package tinylfu

import (
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// HitAll is Hit for each, whoever is listed.
func TestHitAll(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const capacity = 20
		one, all := New(capacity), New(capacity)
		uses := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Use {
			key := rapid.Uint32Range(0, 40).Draw(t, "key")
			return Use{key % (capacity + 5), mix(uint64(key))}
		}), 0, 200).Draw(t, "uses")
		for slot := range uint32(capacity) {
			one.Add(slot, mix(uint64(slot)))
			all.Add(slot, mix(uint64(slot)))
		}
		for _, use := range uses {
			one.Hit(use.Slot, use.Hash)
		}
		all.HitAll(uses)
		for range capacity {
			want, _ := one.Victim()
			got, ok := all.Victim()
			require.True(t, ok)
			require.Equal(t, want, got)
			one.Remove(want)
			all.Remove(got)
		}
	})
}

// The oldest in the window come next, in order, and there may be fewer than were asked for.
func TestNext(t *testing.T) {
	const capacity = 300
	p := New(capacity)
	slots := make([]int32, 4)
	require.Zero(t, p.Next(slots))
	p.main.setPlan(plan{2, strict}, capacity)
	for slot := range uint32(capacity) {
		p.Add(slot, mix(uint64(slot)))
	}
	require.Equal(t, len(slots), p.Next(slots))
	require.Equal(t, []int32{293, 294, 295, 296}, slots) // what came last has still to push one out
	victim, ok := p.VictimFor()
	require.True(t, ok)
	require.EqualValues(t, slots[0], victim, "none was used before, and the one there stays")
	for slot := range uint32(capacity - 2) {
		p.Remove(slot)
	}
	require.Equal(t, 2, p.Next(slots))
	require.Equal(t, []int32{298, 299}, slots[:2])
}

// model is a policy and what its owner knows: the entries by slot.
type model struct {
	t        *rapid.T
	p        *Policy
	capacity int
	listed   map[uint32]uint64 // slot -> hash
	locked   map[uint32]uint64 // taken off, to come back
	before   limits
}

// limits are the sizes of what has one, and the limits.
type limits struct{ window, windowMax, protected, protectedMax int }

func (m *model) limits() limits {
	s := m.p.main
	return limits{s.size[window], s.windowMax, s.size[protected], s.protectedMax}
}

// TestPolicy: no entry is lost or doubled, whatever is done in which order.
func TestPolicy(t *testing.T) { rapid.Check(t, policyAgainstModel) }

func FuzzPolicy(f *testing.F) { f.Fuzz(rapid.MakeFuzz(policyAgainstModel)) }

func policyAgainstModel(t *rapid.T) {
	capacity := rapid.IntRange(0, 40).Draw(t, "capacity")
	m := &model{
		t: t, p: New(capacity), capacity: max(1, capacity),
		listed: make(map[uint32]uint64), locked: make(map[uint32]uint64),
	}
	t.Repeat(map[string]func(*rapid.T){
		"":       func(*rapid.T) { m.check() },
		"add":    func(*rapid.T) { m.add(m.hash()) },
		"add2":   func(*rapid.T) { m.add(m.hash()) },
		"scan":   func(*rapid.T) { m.scan() },
		"hit":    func(*rapid.T) { m.hit() },
		"late":   func(*rapid.T) { m.p.Hit(rapid.Uint32Range(0, 5000).Draw(m.t, "slot"), m.hash()) },
		"remove": func(*rapid.T) { m.take(m.listed, func(slot uint32, _ uint64) { m.p.Remove(slot) }) },
		"absent": func(*rapid.T) { m.p.Remove(rapid.Uint32Range(1000, 5000).Draw(m.t, "slot")) },
		"lock":   func(*rapid.T) { m.lock() },
		"unlock": func(*rapid.T) { m.unlock() },
		"resize": func(*rapid.T) { m.resize() },
		"taken":  func(*rapid.T) { m.taken() },
	})
}

func (m *model) hash() uint64 { return mix(rapid.Uint64Range(0, 99).Draw(m.t, "key")) }

// add adds an entry and evicts what is too much, locked entries included.
func (m *model) add(hash uint64) {
	slot := uint32(0)
	for m.listed[slot] != 0 || m.locked[slot] != 0 {
		slot++
	}
	m.p.Add(slot, hash)
	m.listed[slot] = hash
	m.evict()
}

func (m *model) evict() {
	for len(m.listed) > 0 && len(m.listed)+len(m.locked) > m.capacity {
		victim, ok := m.p.Victim()
		require.True(m.t, ok)
		require.Contains(m.t, m.listed, victim)
		m.p.Remove(victim)
		delete(m.listed, victim)
	}
}

// scan makes the policy age its counters and choose plans.
func (m *model) scan() {
	for key := range uint64(m.capacity) {
		m.add(mix(key))
	}
}

// take calls do for one of the entries, which is then no longer among them.
func (m *model) take(of map[uint32]uint64, do func(slot uint32, hash uint64)) {
	if len(of) == 0 {
		return
	}
	slot := rapid.SampledFrom(slices.Sorted(maps.Keys(of))).Draw(m.t, "slot")
	hash := of[slot]
	delete(of, slot)
	do(slot, hash)
}

func (m *model) hit() {
	m.take(m.listed, func(slot uint32, hash uint64) {
		m.p.Hit(slot, hash)
		m.listed[slot] = hash
	})
}

func (m *model) lock() {
	m.take(m.listed, func(slot uint32, hash uint64) {
		m.p.Remove(slot)
		m.locked[slot] = hash
	})
}

func (m *model) unlock() {
	m.take(m.locked, func(slot uint32, hash uint64) {
		uses := m.p.sketch.count(fold(hash))
		m.p.Return(slot, hash)
		require.Equal(m.t, uses, m.p.sketch.count(fold(hash)), "uses")
		m.listed[slot] = hash
		m.evict()
	})
}

// taken lists an entry where there is one already.
func (m *model) taken() {
	if len(m.listed) > 0 {
		slot := slices.Min(slices.Collect(maps.Keys(m.listed)))
		require.Panics(m.t, func() { m.p.Return(slot, m.listed[slot]) })
	}
}

func (m *model) resize() {
	m.capacity = rapid.IntRange(1, 40).Draw(m.t, "capacity")
	m.p.Resize(m.capacity)
	m.evict()
}

func (m *model) check() {
	require.Equal(m.t, len(m.listed), m.p.Len())
	var slots []uint32
	for l := uint8(window); l <= protected; l++ {
		slots = append(slots, m.p.main.slots(l)...)
	}
	slices.Sort(slots)
	require.Equal(m.t, slices.Sorted(maps.Keys(m.listed)), slots)
	_, ok := m.p.Victim()
	require.Equal(m.t, len(m.listed) > 0, ok)

	// The lists keep within their limits; when those have changed, they
	// come nearer.
	now := m.limits()
	if now.windowMax == m.before.windowMax && now.protectedMax == m.before.protectedMax {
		require.LessOrEqual(m.t, now.window, max(now.windowMax+1, m.before.window))
		require.LessOrEqual(m.t, now.protected, max(now.protectedMax, m.before.protected))
	}
	require.LessOrEqual(m.t, now.windowMax+now.protectedMax, m.capacity)
	m.before = now
	m.checkShadows()
}

// checkShadows wants each tag of a shadow to be found at its slot.
func (m *model) checkShadows() {
	s := m.p.shadows
	for i := range s.runs {
		require.LessOrEqual(m.t, s.runs[i].len(), s.size)
		for l := uint8(window); l <= protected; l++ {
			for _, slot := range s.runs[i].slots(l) {
				require.Equal(m.t, slot, s.slot(s.tags[slot]))
				require.Equal(m.t, s.tags[slot], s.runs[i].node(slot+numLists).tag)
			}
		}
	}
}
