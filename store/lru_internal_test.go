package store

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// What a step of victim looks at, at most.
const (
	looksPerRun  = 1 + marksRun/2
	looksPerStep = 2 * (looks + looksPerRun)
)

// Where all marks have to be looked at, and they are many, others have turns.
func TestVictimTakesTurns(t *testing.T) {
	const turn = victimSteps * looksPerStep / looksPerRun * marksRun
	const n = 2*turn + turn/2
	m := newMachine(t, 1)
	for slot := range int32(n) {
		m.addAt(slot)
	}
	order := m.r.Perm(n)
	m.now = m.position
	for _, slot := range order {
		m.now++
		m.readNow(slot)
	}
	require.Equal(t, order[0], m.inTurns(turn))

	m.now += n // all are read within one reading of a coarse clock
	for slot := range n {
		m.readNow(slot)
	}
	m.inTurns(turn)
}

// inTurns returns the slot of the victim, which takes several turns.
func (m *lruMachine) inTurns(turn int) int {
	for turns := 1; ; turns++ {
		looked, found := m.p.looked, m.p.coming.slots.len()
		e, untidy := m.p.victim()
		require.LessOrEqual(m.t, m.p.looked-looked, 2*turn) // a look at a bound alone takes less
		require.LessOrEqual(m.t, m.p.coming.slots.len()-found, 4*victimSteps+looksPerStep/looksPerRun*marksRun)
		if !untidy {
			require.Greater(m.t, turns, 2)
			return int(e.slot())
		}
		require.Nil(m.t, e)
	}
}

func (m *lruMachine) readNow(slot int) {
	seen := m.marks.see(uint32(slot))
	require.True(m.t, (*m.slots.at(slot)).v.Load().read(instant(m.now)))
	seen.piece.marks[seen.at].CompareAndSwap(seen.was, int64(markOf(instant(m.now)))) // the bound stays behind
}

// However entries were read, an insert afterwards finds little to do, and yet it evicts
// what was used least recently.
func TestInsertsAfterReading(t *testing.T) {
	const n = 20_000
	for name, reads := range map[string]func(r *rand.Rand) []int{
		"each once": func(r *rand.Rand) []int { return r.Perm(n) },
		"again and again in one order": func(r *rand.Rand) []int {
			return slices.Repeat(r.Perm(n), 3)
		},
		"again and again in another order": func(r *rand.Rand) []int {
			return slices.Concat(r.Perm(n), r.Perm(n), r.Perm(n))
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
			keys := make([]int, n)
			used := make([]int, n) // when, each
			uses := 0
			set := func(i, key int) {
				require.NoError(t, s.Set(key, key))
				uses++
				keys[i], used[i] = key, uses
			}
			for i := range n {
				set(i, i)
			}
			r := rand.New(rand.NewPCG(1, 2))
			for round := range 2 { // the second time, those who were next are no longer
				for _, i := range reads(r) {
					_, err := s.Get(keys[i])
					require.NoError(t, err)
					uses++
					used[i] = uses
				}
				oldest := make([]int, n)
				for i := range oldest {
					oldest[i] = i
				}
				slices.SortFunc(oldest, func(i, j int) int { return cmp.Compare(used[i], used[j]) })
				s.mu.Lock()
				for slot := range uint32(n) { // as those would have it who come a bit later
					s.table.unlocked.use(slot, 0)
				}
				s.mu.Unlock()
				for at, i := range oldest[:n/10] {
					s.mu.Lock()
					e, turns := victimOf(s.table.unlocked)
					s.mu.Unlock()
					require.Equal(t, keys[i], e.key(), "victim %d", at)
					require.LessOrEqual(t, turns, 12)
					set(i, n+round*n+at)
				}
			}
		})
	}
}

// Whatever comes, goes, is locked, and is used, under mu or not, and though the slot's mark
// is raised late or not at all: what is evicted has the earliest mark of all. The clock is
// so coarse that many have the same.
func TestLRUIsExact(t *testing.T) {
	for seed := range uint64(30) {
		m := newMachine(t, seed)
		m.tick = []uint64{100, boundLow / 2, uint64(markLag) / 2}[seed%3] // a little, or so much that bounds differ, or marks are raised
		if seed%2 == 0 {
			for range 20 * marksRun {
				m.add()
			}
		}
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

// Where the next ones are used all the time, so that with each insert all have to be looked
// at anew, that takes a few turns, whether the bounds are up or not.
func TestVictimsWhileTheNextAreUsed(t *testing.T) {
	const n, inserts = 100_000, 300
	const reads = n/wastes + 64 + 10
	m := newMachine(t, 1)
	for slot := range int32(n) {
		m.addAt(slot)
	}
	oldest := 0 // slot; the order of use is that of slots
	for i := range inserts {
		for range reads {
			m.now = max(m.next(), m.now+boundLow)
			m.readNow(oldest)
			if i > inserts/2 {
				p, at := m.marks.piece(oldest), oldest%pieceLen
				p.raised(at, p.bounds[at/marksRun].Load())
			}
			oldest = (oldest + 1) % n
		}
		e, turns := victimOf(m.p)
		require.EqualValues(t, oldest, e.slot())
		require.LessOrEqual(t, turns, 100) // as many are taken down, where those used one after the other are neighbours
		m.p.remove(e)
		m.addAt(int32(oldest))
		oldest = (oldest + 1) % n
	}
}

// Where nearly all are locked, nobody looks through all for the few that are not.
func TestFewMayGo(t *testing.T) {
	const n = 2 * victimSteps * looksPerStep / looksPerRun * marksRun
	m := newMachine(t, 1)
	for slot := range int32(n) {
		m.addAt(slot)
	}
	for slot := range n - 1 {
		m.p.remove(*m.slots.at(slot))
	}
	_, untidy := m.p.victim()
	require.True(t, untidy)
	for range 100 {
		m.p.remove(m.victim())
		m.addAt(n - 1)
		_, untidy = m.p.victim()
		require.False(t, untidy)
	}
	require.LessOrEqual(t, m.p.found.slots.len(), 2+n/16+64)
}

// Who uses an entry raises the mark of its slot, now and then, and that of nobody else.
func TestSlotMarks(t *testing.T) {
	m := newMarks()
	m.grow(2 * pieceLen)
	const slot = pieceLen + 1
	mark := m.at(slot)
	for _, test := range []struct {
		name            string
		before, between int64 // the mark, and what it is by the time of the use
		use             uint64
		after           int64
	}{
		{"lags behind", 10, 10, uint64(11 + markLag), 11 + markLag},
		{"does so little", 10, 10, uint64(10 + markLag), 10},
		{"is later", 20, 20, 10, 20},
		{"the slot is another's", 10, 20, uint64(30 + markLag), 20},
		{"has gone", int64(never), int64(never), 10, int64(never)},
		{"goes meanwhile", 10, int64(never), uint64(20 + markLag), int64(never)},
	} {
		mark.Store(test.before)
		seen := m.see(slot)
		mark.Store(test.between)
		seen.raise(test.use)
		require.Equal(t, test.after, mark.Load(), test.name)
	}

	seen := m.see(slot)
	m.reset()
	seen.raise(uint64(markLag)) // of what has gone
	m.see(slot).raise(1)
	(*marks)(nil).see(slot).raise(1)
	m.grow(1)
	require.Equal(t, int64(never), m.at(0).Load())
}

// lruMachine does with a policy what a store does.
type lruMachine struct {
	t             *testing.T
	r             *rand.Rand
	p             *lru[int, int]
	slots         pieces[*entry[int, int]]
	locked        map[*entry[int, int]]bool
	now, position uint64
	tick          uint64 // of the clock
	marks         *marks
	late          []func()
}

func newMachine(t *testing.T, seed uint64) *lruMachine {
	m := &lruMachine{
		t: t, r: rand.New(rand.NewPCG(seed, 0)),
		marks: newMarks(), locked: make(map[*entry[int, int]]bool),
	}
	m.p = newLRU(&m.slots, m.marks, func([nextPlaces]int32) {})
	return m
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
		m.now += m.tick
	case action < 20 || e == nil:
		m.add()
	case action < 60:
		v, seen := e.v.Load(), m.marks.see(e.v.Load().slot)
		require.True(m.t, v.read(instant(m.now)))
		if now := markOf(instant(m.now)); int64(now) > seen.was {
			m.late = append(m.late, func() {
				if m.r.IntN(2) == 0 {
					seen.raise(now)
				} else { // the bound stays behind
					seen.piece.marks[seen.at].CompareAndSwap(seen.was, int64(now))
				}
			})
		}
	case action < 65:
		e.v.Load().use(m.next(), instant(m.now))
		m.p.use(uint32(e.slot()), 0)
	case action < 75:
		m.tell()
	case action < 82:
		m.p.scan(1)
	case action < 85:
		m.p.remove(e)
		m.locked[e] = true
	case action < 88:
		for l := range m.locked {
			if m.r.IntN(2) == 0 { // the end of a lease is a use
				l.v.Load().use(m.next(), instant(m.now))
				m.p.use(uint32(l.slot()), 0)
			}
			delete(m.locked, l)
			m.p.giveBack(l)
			break
		}
	case action < 91:
		m.p.remove(e)
		*m.slots.at(int(e.slot())) = nil
	default:
		m.evict()
	}
}

func (m *lruMachine) add() {
	free := int32(m.slots.n)
	for slot := range m.slots.n {
		if *m.slots.at(slot) == nil {
			free = int32(slot)
		}
	}
	m.addAt(free)
}

func (m *lruMachine) addAt(slot int32) {
	e, v := &entry[int, int]{}, &version[int, int]{slot: uint32(slot)}
	v.e = e
	e.v.Store(v)
	v.used.Store(2 * m.next())
	if int(slot) == m.slots.n {
		m.slots.push(nil)
		m.p.grow()
	}
	*m.slots.at(int(slot)) = e
	m.p.add(e)
}

// tell does what a reader does last, late, or never.
func (m *lruMachine) tell() {
	if len(m.late) == 0 {
		return
	}
	i := m.r.IntN(len(m.late))
	note := m.late[i]
	m.late = slices.Delete(m.late, i, i+1)
	if m.r.IntN(4) > 0 {
		note()
	}
}

// victim returns the victim, however many turns it takes.
func (m *lruMachine) victim() *entry[int, int] {
	e, _ := victimOf(m.p)
	return e
}

// victimOf returns the victim of a policy, and how many turns it took.
func victimOf(p policy[int, int]) (e *entry[int, int], turns int) {
	for turns = 1; ; turns++ {
		if e, untidy := p.victim(); !untidy {
			return e, turns
		}
	}
}

func (m *lruMachine) evict() {
	want := uint64(never)
	for _, e := range m.listed() {
		want = min(want, e.v.Load().used.Load())
	}
	e := m.victim()
	require.NotNil(m.t, e)
	require.Equal(m.t, want, e.v.Load().used.Load())
	require.False(m.t, m.locked[e])
	m.p.remove(e)
	*m.slots.at(int(e.slot())) = nil
}

// No mark is below the bound of its run, whoever raises others meanwhile.
func TestBoundsStayBelow(t *testing.T) {
	const slots = marksRun
	m := newMarks()
	m.grow(slots)
	var now atomic.Int64
	now.Store(1 << 50)
	var readers sync.WaitGroup
	var over atomic.Bool
	for seed := range uint64(2) {
		readers.Go(func() {
			for r := rand.New(rand.NewPCG(seed, 1)); !over.Load(); {
				seen := m.see(uint32(r.IntN(slots)))
				seen.raise(uint64(now.Add(2*markLag)) | 1)
			}
		})
	}
	r := rand.New(rand.NewPCG(3, 1))
	p := m.piece(0)
	for i := range 200_000 {
		at := r.IntN(slots)
		p.marks[at].Store(int64(never))
		m.list(at, instant(i+1)*(boundLow+1))
		bound := p.bound(at / marksRun)
		require.LessOrEqual(t, bound, instant(p.marks[at].Load()))
	}
	over.Store(true)
	readers.Wait()
	for run := range slots / marksRun {
		earliest := p.tighten(run)
		require.Equal(t, earliest&^boundLow, p.bound(run), "nobody was at it meanwhile")
		for i := range marksRun {
			require.LessOrEqual(t, earliest, instant(m.at(run*marksRun+i).Load()))
		}
		require.LessOrEqual(t, p.lineBound(0), p.bound(run))
	}
}

// Who is listed while another looks at the marks of the run is not overlooked.
func TestBoundIsNotPutUpPastANewcomer(t *testing.T) {
	m := newMarks()
	m.grow(marksRun)
	m.list(0, 100*(boundLow+1))
	p := m.piece(0)
	was := p.bounds[0].Load()
	m.raise(0, 300*(boundLow+1)) // puts the bound up by itself
	p.bounds[0].Store(was)       // not yet, as by one who is about to
	earliest := p.earliest(0)
	m.list(1, 200*(boundLow+1))
	p.putUp(0, was, earliest)
	require.LessOrEqual(t, p.bound(0), instant(200*(boundLow+1)))
}
