package store

import (
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
		s.table.find(s.hash(key), key).v.Load().used.Store(2 * uint64(n+at+1))
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
		s.table.find(s.hash(key), key).v.Load().used.Store(2 * uint64(2*n+at+1))
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
