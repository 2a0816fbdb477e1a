package store

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/internal/clock"
)

// A sweep frees a few entries at a time, and one while somebody waits for mu.
func TestSweepGivesWay(t *testing.T) {
	const n = 3 * sweepBatch
	c := new(clock.Fake)
	c.Set(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC))
	s, err := New(Options[int, int]{TTL: time.Minute, Clock: c, SweepInterval: MaxDuration})
	require.NoError(t, err)
	defer s.Close()
	for key := range n {
		require.NoError(t, s.Set(key, key))
	}
	c.Advance(time.Minute)
	now, err := s.enter()
	require.NoError(t, err)
	more := s.sweepLocked(now, true)
	left := []int{s.table.len()}
	s.waiting.Add(1)
	more = s.sweepLocked(now, true) && more
	left = append(left, s.table.len())
	s.leave()
	require.True(t, more)
	require.Equal(t, []int{n - sweepBatch, n - sweepBatch - 1}, left)
	s.sweepAll()
	require.Zero(t, s.table.len(), "though somebody waits all the time")
	s.waiting.Add(-1)
}
