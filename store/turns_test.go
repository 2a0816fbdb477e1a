package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/store"
	"github.com/latchkey-go/latchkey/storetest"
)

// turnsClock calls a function before each turn that an operation takes under the lock: that
// is when it is read.
type turnsClock struct {
	*storetest.Clock
	turn func()
}

func (c *turnsClock) Now() time.Time {
	c.turn()
	return c.Clock.Now()
}

// valueWeighs has an entry weigh what its value says.
func valueWeighs[K any](_ K, value int) uint32 { return uint32(value) }

// However many entries are dead, or listed as if they were, few of them are looked at and
// freed in one turn under the lock: others get theirs in between.
func TestDeadEntriesGoInTurns(t *testing.T) {
	const entries = 2000
	const most = 64 // in one turn: some tens of microseconds
	for name, do := range map[string]func(s *store.Store[int, int], clock *storetest.Clock) error{
		"sweep":        func(_ *store.Store[int, int], clock *storetest.Clock) error { clock.Advance(time.Hour); return nil },
		"Len":          func(s *store.Store[int, int], _ *storetest.Clock) error { s.Len(); return nil },
		"insert":       func(s *store.Store[int, int], _ *storetest.Clock) error { return s.Set(-1, -1) },
		"heavy insert": func(s *store.Store[int, int], _ *storetest.Clock) error { return s.Set(-1, entries) },
		"Resize":       func(s *store.Store[int, int], _ *storetest.Clock) error { _, err := s.Resize(entries / 2); return err },
	} {
		run := func(t *testing.T, used bool) (turns int) {
			base := storetest.NewClock(t)
			clock := &turnsClock{base, func() {}}
			o := store.Options[int, int]{Capacity: entries, IdleTimeout: 2 * time.Hour, SweepInterval: 3 * time.Hour, Clock: clock}
			if name == "heavy insert" {
				o.Weigher, o.MaxWeight = valueWeighs[int], entries
			}
			s := open(t, o)
			for i := range entries {
				require.NoError(t, s.Set(i, 1))
			}
			base.Advance(90 * time.Minute)
			for i := range entries {
				if used {
					require.NoError(t, s.Touch(i))
				}
			}
			base.Advance(time.Hour)
			left := s.Stats().Entries
			require.Equal(t, entries, left, "nothing has been freed yet")
			clock.turn = func() {
				now := s.Stats().Entries
				require.LessOrEqual(t, left-now, most)
				left = now
				turns++
			}
			require.NoError(t, do(s, base))
			clock.turn()
			return turns
		}
		t.Run(name+", dead", func(t *testing.T) { run(t, false) })
		// They stay listed by the deadline that they had before.
		t.Run(name+", used since", func(t *testing.T) { require.Greater(t, run(t, true), entries/most) })
	}
}

// Those who add something between two turns of Resize do not take the room that it has
// made, or many of them would keep it from ever ending.
func TestResizeIsNotUndone(t *testing.T) {
	const added = 200
	var s *store.Store[int, int]
	next, most := 0, 100
	s = open(t, store.Options[int, int]{Capacity: most, OnRemove: func(store.Removal[int, int]) {
		if next == added {
			return
		}
		next++
		require.NoError(t, s.Set(-next, 0))
		n := s.Stats().Entries
		require.LessOrEqual(t, n, most)
		most = n
	}})
	for i := range most {
		require.NoError(t, s.Set(i, i))
	}
	evicted, err := s.Resize(10)
	require.NoError(t, err)
	require.Equal(t, 90, evicted)
	require.Equal(t, added, next)
	require.Equal(t, 10, s.Len())
}

// A Resize that was refused leaves the room that there was.
func TestResizeInVain(t *testing.T) {
	var s *store.Store[int, int]
	s = open(t, store.Options[int, int]{Capacity: 100, OnRemove: func(r store.Removal[int, int]) {
		if r.Key == 0 { // after the first turn
			for i := 50; i < 70; i++ {
				lock(t, s, i)
			}
		}
	}})
	for i := range 100 {
		require.NoError(t, s.Set(i, i))
	}
	evicted, err := s.Resize(10)
	require.Equal(t, store.ErrFull, err)
	for i := range evicted {
		require.NoError(t, s.Set(-1-i, 0))
	}
	require.Equal(t, 100, s.Len())
}

// Nor does a Resize that is going to be refused have others refused, though there is room.
func TestResizeInVainRefusesNobody(t *testing.T) {
	var s *store.Store[int, int]
	s = open(t, store.Options[int, int]{Capacity: 13, OnRemove: func(r store.Removal[int, int]) {
		if r.Key == 0 { // after the first turn
			for left := range s.All() {
				lock(t, s, left)
			}
			require.NoError(t, s.Set(-1, 0))
			require.NoError(t, s.Set(-2, 0), "in the place of the other one")
		}
	}})
	for i := range 13 {
		require.NoError(t, s.Set(i, i))
	}
	evicted, err := s.Resize(2)
	require.Equal(t, store.ErrFull, err)
	require.Equal(t, 13-evicted+1, s.Len())
	for i := range evicted - 1 {
		require.NoError(t, s.Set(100+i, 0))
	}
	require.Equal(t, 13, s.Len(), "the capacity is what it was")
	require.True(t, s.Has(-2))
}

// meddle has f called between the turns of an operation, not within its own calls of the
// store, and no more than so often that an operation which others keep from its end ends
// all the same. It returns how often f was called.
func (c *turnsClock) meddle(most int, f func()) (times func() int) {
	n, within := 0, false
	c.turn = func() {
		if within || n == most {
			return
		}
		n++
		within = true
		f()
		within = false
	}
	return func() int { return n }
}

// Those who add more between two turns of Len than it frees in one, while as much dies, do
// not outrun it.
func TestLenEnds(t *testing.T) {
	const entries, each, most = 400, 100, 200
	base := storetest.NewClock(t)
	clock := &turnsClock{base, func() {}}
	s := open(t, store.Options[int, int]{TTL: time.Minute, SweepInterval: store.MaxDuration, Clock: clock})
	next := 0
	add := func(n int) {
		for range n {
			next++
			require.NoError(t, s.Set(next, next))
		}
	}
	add(entries)
	base.Advance(time.Minute)
	times := clock.meddle(most, func() {
		add(each)
		base.Advance(time.Minute)
		add(each)
	})
	require.Equal(t, each, s.Len())
	require.Less(t, times(), most)

	clock.turn = func() {}
	add(entries)
	base.Advance(time.Minute)
	add(1)
	require.Equal(t, each+entries+1, s.Stats().Entries, "those who add something free nothing when nobody counts")
}

// Those who add something between two turns of a write that makes room for its weight do
// not take what it has made.
func TestHeavyWriteEnds(t *testing.T) {
	const entries, most = 1000, 10_000
	for _, policy := range []store.Policy{store.LRU, store.TinyLFU} {
		t.Run(policy.String(), func(t *testing.T) {
			clock := &turnsClock{storetest.NewClock(t), func() {}}
			s := open(t, store.Options[int, int]{
				Policy: policy, Clock: clock, Capacity: 2 * entries,
				MaxWeight: entries, Weigher: valueWeighs[int],
			})
			next := 0
			add := func(n, weight int) {
				for range n {
					next++
					require.NoError(t, s.Set(next, weight))
				}
			}
			add(entries, 1)
			weight := uint64(entries)
			times := clock.meddle(most, func() {
				add(100, 1)
				add(1, 80) // more than is evicted at a time
				now := s.Stats().Weight
				require.LessOrEqual(t, now, weight)
				weight = now
			})
			require.NoError(t, s.Set(-1, 900))
			require.Less(t, times(), 100)
			clock.turn = func() {}
			require.True(t, s.Has(-1))
			require.NoError(t, s.Delete(-1))
			add(entries, 1)
			require.EqualValues(t, entries, s.Stats().Weight, "the room is there for all again")
		})
	}
}

// Nor does such a write, if it is going to be refused, have others refused.
func TestHeavyWriteInVainRefusesNobody(t *testing.T) {
	clock := &turnsClock{storetest.NewClock(t), func() {}}
	s := open(t, store.Options[int, int]{
		Clock: clock, MaxWeight: 100, Weigher: valueWeighs[int],
	})
	for i := range 100 {
		require.NoError(t, s.Set(i, 1))
	}
	turns := 0
	clock.meddle(100, func() {
		turns++
		if turns == 2 {
			for left := range s.All() {
				lock(t, s, left)
			}
			require.NoError(t, s.Set(-1, 1))
			require.NoError(t, s.Set(-2, 1), "in the place of the other one")
		}
	})
	require.Equal(t, store.ErrFull, s.Set(-3, 90))
	clock.turn = func() {}
	require.True(t, s.Has(-2))
	left := s.Len()
	require.NoError(t, s.Set(-3, 1))
	require.Equal(t, left+1, s.Len(), "the room is there for all again")
}

// Those who add little beside it have the room that it does not need, in memory and while it
// is on its way to the disk: nothing is evicted in vain.
func TestHeavyWriteEvictsNoMore(t *testing.T) {
	const entry, heavy, bound = 1000, 200_000, 1_000_000
	weighed := options{Capacity: 10_000, MaxWeight: bound, Weigher: valueWeighs[string]}
	fill := func(t *testing.T, s *store.Store[string, int]) {
		for i := range bound / entry {
			require.NoError(t, s.Set(fmt.Sprint(i), entry))
		}
	}
	t.Run("in memory", func(t *testing.T) {
		var s *store.Store[string, int]
		o, light := weighed, 0
		o.OnRemove = func(removed) {
			if light < 900 {
				light++
				require.NoError(t, s.Set(fmt.Sprint("light ", light), 1))
			}
		}
		s = open(t, o)
		fill(t, s)
		require.NoError(t, s.Set("heavy", heavy))
		require.LessOrEqual(t, s.Stats().Evicted, uint64(heavy/entry+5))
	})
	onSlowDisk(t, "on its way to the disk", weighed, func(t *testing.T, s *store.Store[string, int], _ *storetest.Clock, d *slowDisk) {
		fill(t, s)
		letGo := d.slow()
		adding := []started{start(func() error { return s.Set("heavy", heavy) })}
		for i := range 900 {
			adding = append(adding, start(func() error { return s.Set(fmt.Sprint("light ", i), 1) }))
		}
		letGo(nil)
		for _, a := range adding {
			require.NoError(t, <-a.done)
		}
		require.Equal(t, uint64(heavy/entry+1), s.Stats().Evicted)
	})
}
