package store

import (
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
)

// Who counts in one part of the tallies waits for nobody who counts in another, nor for
// those who look at what is beside them: each part is written in a cache line of its own.
func TestTalliesHaveLinesOfTheirOwn(t *testing.T) {
	tallyLines[string, int](t)
	tallyLines[int, []byte](t)
	tallyLines[[3]string, [100]byte](t)
}

func tallyLines[K comparable, V any](t *testing.T) {
	const line = 64
	require.EqualValues(t, line, unsafe.Sizeof(tally{}))
	for range 10 { // wherever Go puts them
		s, err := New(Options[K, V]{})
		require.NoError(t, err)
		defer s.Close()
		at := func(p unsafe.Pointer) uintptr { return uintptr(p) / line }
		used := map[uintptr]string{at(unsafe.Pointer(&s.reads)): "reads", at(unsafe.Pointer(&s.uses)): "uses"}
		for i := range s.tallies {
			part := &s.tallies[i]
			first := at(unsafe.Pointer(&part.hits))
			require.Empty(t, used[first], "part %d shares its line; pad the store in front of tallies", i)
			require.Equal(t, first, at(unsafe.Pointer(&part.overwrites)), "part %d is in two lines; pad likewise", i)
			require.Equal(t, first, at(unsafe.Pointer(&part.misses)), "part %d is in two lines; pad likewise", i)
			used[first] = "another part"
		}
	}
}
