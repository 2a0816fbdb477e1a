package store_test

import (
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
				o.Weigher, o.MaxWeight = func(_, value int) uint32 { return uint32(value) }, entries
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
