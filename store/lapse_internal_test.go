package store

import (
	"maps"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/internal/clock"
)

// A reader without mu looks at the clock in time, and loses its processor before it leaves its
// mark. Once the entry was found dead, whoever that was, it stays so.
func TestTheDeadStayDead(t *testing.T) {
	const idle = time.Minute
	finders := map[string]func(s *Store[string, int]){
		"Get":      func(s *Store[string, int]) { _, _ = s.Get("a") },
		"Peek":     func(s *Store[string, int]) { _, _ = s.Peek("a") },
		"Has":      func(s *Store[string, int]) { _ = s.Has("a") },
		"Status":   func(s *Store[string, int]) { _, _ = s.Status("a") },
		"Metadata": func(s *Store[string, int]) { _, _ = s.Metadata("a") },
		"All":      func(s *Store[string, int]) { _ = maps.Collect(s.All()) },
		"a cut":    func(s *Store[string, int]) { s.seeAll() },
	}
	for name, find := range finders {
		t.Run(name, func(t *testing.T) {
			c := new(clock.Fake)
			c.Set(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC))
			s, err := New(Options[string, int]{IdleTimeout: idle, Clock: c, SweepInterval: MaxDuration})
			require.NoError(t, err)
			defer s.Close()
			require.NoError(t, s.Set("a", 1))
			c.Advance(idle - 1)
			reader, now := s.table.find(s.hash("a"), "a").version(), s.read().at
			require.False(t, reader.isFrozen())
			c.Advance(1)
			find(s)
			reader.leaveMark(markOf(now))
			require.NotZero(t, reader.reads.Add(1)&frozen, "so it asks under mu")
			_, err = s.Get("a")
			require.ErrorIs(t, err, ErrNotFound)
			requireExpired(t, s)

			require.NoError(t, s.Set("a", 2))
			got, err := s.Get("a")
			require.NoError(t, err)
			require.Equal(t, 2, got)
		})
	}
}

// Until then, a mark counts.
func TestALateMarkOfTheLiving(t *testing.T) {
	const idle = time.Minute
	c := new(clock.Fake)
	c.Set(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC))
	s, err := New(Options[string, int]{IdleTimeout: idle, Clock: c})
	require.NoError(t, err)
	defer s.Close()
	require.NoError(t, s.Set("a", 1))
	c.Advance(idle - 1)
	e := s.table.find(s.hash("a"), "a")
	reader, now := e.version(), s.read().at
	_, ok := s.Metadata("a") // freezes it for a while
	require.True(t, ok)
	require.True(t, reader.read(now))
	c.Advance(1)
	_, err = s.Get("a")
	require.NoError(t, err)
}

func requireExpired(t *testing.T, s *Store[string, int]) {
	t.Helper()
	status, ok := s.Status("a")
	require.True(t, ok)
	require.Equal(t, Expired, status)
}

// seeAll takes the image of all entries.
func (s *Store[K, V]) seeAll() {
	c, _ := s.beginCut(false)
	for i := range c.slots.n {
		s.mu.Lock()
		if e := *c.slots.at(i); e != nil {
			c.see(s.table, e)
		}
		s.mu.Unlock()
	}
	s.endCut()
}
