package store

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// counted is a policy that counts what it is told of.
type counted struct {
	policy[int, int]
	uses int
}

func (c *counted) useAll(uses []use) {
	c.uses += len(uses)
	c.policy.useAll(uses)
}

// When nothing has been inserted for long, most uses are left out, whoever's they are;
// an insert ends that for who makes it, and overwriting does not.
func TestLull(t *testing.T) {
	const capacity = 100
	s, err := New(Options[int, int]{Capacity: capacity, Policy: TinyLFU})
	require.NoError(t, err)
	defer s.Close()
	require.True(t, s.quick, "the clock is steady")
	for i := range capacity {
		require.NoError(t, s.Set(i, i))
	}
	told := &counted{policy: s.table.unlocked}
	s.table.unlocked = told
	read := func(n int) int {
		before := told.uses
		for i := range n {
			_, err := s.Get(i % capacity)
			require.NoError(t, err)
		}
		return told.uses - before
	}
	const long = capacity + quietUses

	require.Greater(t, read(long/2), long/2-tellEvery, "all are told of, but the last few")
	read(5 * long)
	require.Less(t, read(100*tellEvery), 10*tellEvery)
	read(20 * long)
	require.Less(t, read(100*tellEvery), 4*tellEvery)

	other := make(chan int)
	go func() { other <- read(100 * tellEvery) }()
	require.Less(t, <-other, 10*tellEvery, "it is a lull for another goroutine, too")

	require.NoError(t, s.Set(1, 2))
	ok, err := s.SetIfAbsent(1, 3)
	require.NoError(t, err)
	require.False(t, ok)
	_, err = s.Update(1, func(old int, _ bool) (int, error) { return old + 1, nil })
	require.NoError(t, err)
	require.Less(t, read(100*tellEvery), 10*tellEvery, "overwriting goes on with it")

	require.NoError(t, s.Delete(5))
	require.NoError(t, s.Set(5, 5))
	require.Greater(t, read(long/2), long/2-tellEvery)
}
