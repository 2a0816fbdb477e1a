package store

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// After a time of reading alone the order has to be made, a bit at a time: nobody keeps
// mu for all of it.
func TestVictimTakesTurns(t *testing.T) {
	const n = 10 * victimSteps
	s, err := New(Options[int, int]{Capacity: n})
	require.NoError(t, err)
	defer s.Close()
	for key := range n {
		require.NoError(t, s.Set(key, key))
	}
	order := rand.New(rand.NewPCG(1, 2)).Perm(n)
	for at, key := range order {
		s.table.find(s.hash(key), key).v.Load().used.Store(2*uint64(n+at) + 1)
	}
	for turns := 1; ; turns++ {
		s.mu.Lock()
		listed := s.table.unlocked.(*lru[int, int]).list.Len()
		e, untidy := s.table.unlocked.victim()
		s.mu.Unlock()
		if !untidy {
			require.Greater(t, turns, n/victimSteps-1)
			require.Equal(t, order[0], e.key())
			break
		}
		require.Nil(t, e)
		require.LessOrEqual(t, listed-s.table.unlocked.(*lru[int, int]).list.Len(), victimSteps+1)
	}

	for at, key := range order {
		s.table.find(s.hash(key), key).v.Load().used.Store(2*uint64(2*n+at) + 1)
	}
	require.NoError(t, s.Set(-1, -1))
	require.False(t, s.Has(order[0]))
	require.Equal(t, n, s.Len())
	evicted, err := s.Resize(n / 2)
	require.NoError(t, err)
	require.Equal(t, n/2, evicted)
	var left []int
	for key := range s.All() {
		left = append(left, key)
	}
	require.ElementsMatch(t, append(slices.Clone(order[n/2+1:]), -1), left)
}

// While entries are read, the order is kept well enough that an insert afterwards finds
// little to do, and yet it evicts what was used least recently.
func TestReadingKeepsTheOrder(t *testing.T) {
	const n = 20_000
	for name, reads := range map[string]func(r *rand.Rand) []int{
		"each once": func(r *rand.Rand) []int { return r.Perm(n) },
		"again and again in one order": func(r *rand.Rand) []int {
			return slices.Repeat(r.Perm(n), 3)
		},
		"at random": func(r *rand.Rand) []int {
			all := make([]int, 12*n)
			for i := range all {
				all[i] = r.IntN(n)
			}
			return all
		},
		"the first half, often": func(r *rand.Rand) []int {
			all := make([]int, 5*n)
			for i := range all {
				all[i] = r.IntN(n / 2)
			}
			return all
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := New(Options[int, int]{Capacity: n})
			require.NoError(t, err)
			defer s.Close()
			order := make([]uint64, n) // of the last use of each
			uses := uint64(0)
			use := func(key int) {
				uses++
				order[key] = uses
			}
			for key := range n {
				require.NoError(t, s.Set(key, key))
				use(key)
			}
			for _, key := range reads(rand.New(rand.NewPCG(1, 2))) {
				_, err := s.Get(key)
				require.NoError(t, err)
				use(key)
			}
			oldest := make([]int, n)
			for key := range oldest {
				oldest[key] = key
			}
			slices.SortFunc(oldest, func(a, b int) int { return cmp.Compare(order[a], order[b]) })
			most := 0
			for i, key := range oldest[:n/10] {
				s.mu.Lock()
				turns := 1
				for {
					e, untidy := s.table.unlocked.victim()
					if !untidy {
						require.Equal(t, key, e.key(), "victim %d", i)
						break
					}
					turns++
				}
				s.mu.Unlock()
				most = max(most, turns)
				require.NoError(t, s.Set(n+i, 0))
				require.False(t, s.Has(key))
			}
			require.LessOrEqual(t, most*victimSteps, n/10)
		})
	}
}

// Whatever comes, goes, is locked, and is used, under mu or not, and though notes of uses
// get lost or come late: what is evicted has the earliest mark of all. The clock is so
// coarse that many have the same.
func TestLRUIsExact(t *testing.T) {
	for seed := range uint64(30) {
		m := &lruMachine{t: t, r: rand.New(rand.NewPCG(seed, 0)), locked: make(map[*entry[int, int]]bool)}
		m.p = newLRU(&m.slots)
		for range 3000 {
			m.step()
		}
		for len(m.listed()) > 0 {
			m.evict()
		}
		e, untidy := m.p.victim()
		require.Nil(t, e)
		require.False(t, untidy)
	}
}

// lruMachine does with a policy what a store does.
type lruMachine struct {
	t             *testing.T
	r             *rand.Rand
	p             *lru[int, int]
	slots         pieces[*entry[int, int]]
	locked        map[*entry[int, int]]bool
	now, position uint64
	notes         []uint32
}

func (m *lruMachine) listed() (all []*entry[int, int]) {
	for slot := range m.slots.n {
		if e := *m.slots.at(slot); e != nil && !m.locked[e] {
			all = append(all, e)
		}
	}
	return all
}

func (m *lruMachine) next() uint64 {
	m.position = max(m.position+1, m.now)
	return m.position
}

func (m *lruMachine) step() {
	all := m.listed()
	var e *entry[int, int]
	if len(all) > 0 {
		e = all[m.r.IntN(len(all))]
	}
	switch action := m.r.IntN(100); {
	case action < 3:
		m.now += 100
	case action < 20 || e == nil:
		m.add()
	case action < 60:
		v := e.v.Load()
		if first, ok := v.read(instant(m.now)); ok && first {
			m.notes = append(m.notes, v.slot)
		}
	case action < 65:
		e.v.Load().use(m.next(), instant(m.now))
		m.p.use(uint32(e.slot), 0)
	case action < 75:
		m.tell()
	case action < 82:
		m.p.keepUp()
	case action < 85:
		m.p.remove(e)
		m.locked[e] = true
	case action < 88:
		for l := range m.locked {
			if m.r.IntN(2) == 0 { // the end of a lease is a use
				l.v.Load().use(m.next(), instant(m.now))
				m.p.use(uint32(l.slot), 0)
			}
			delete(m.locked, l)
			m.p.giveBack(l)
			break
		}
	case action < 91:
		m.p.remove(e)
		*m.slots.at(int(e.slot)) = nil
	default:
		m.evict()
	}
}

func (m *lruMachine) add() {
	e, v := &entry[int, int]{}, &version[int, int]{}
	v.e = e
	e.v.Store(v)
	v.used.Store(2 * m.next())
	e.slot = int32(m.slots.n)
	for slot := range m.slots.n {
		if *m.slots.at(slot) == nil {
			e.slot = int32(slot)
		}
	}
	if int(e.slot) == m.slots.n {
		m.slots.push(nil)
	}
	*m.slots.at(int(e.slot)) = e
	v.slot = uint32(e.slot)
	m.p.add(e)
}

// tell tells the policy of a note, or that gets lost.
func (m *lruMachine) tell() {
	if len(m.notes) == 0 {
		return
	}
	i := m.r.IntN(len(m.notes))
	slot := m.notes[i]
	m.notes = slices.Delete(m.notes, i, i+1)
	if m.r.IntN(4) > 0 {
		m.p.use(slot, 0)
	}
}

func (m *lruMachine) evict() {
	want := uint64(never)
	for _, e := range m.listed() {
		want = min(want, e.v.Load().used.Load())
	}
	e, untidy := m.p.victim()
	for untidy {
		e, untidy = m.p.victim()
	}
	require.NotNil(m.t, e)
	require.Equal(m.t, want, e.v.Load().used.Load())
	require.False(m.t, m.locked[e])
	m.p.remove(e)
	*m.slots.at(int(e.slot)) = nil
}
