package store

import (
	"runtime"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
)

// A segment that is split while somebody puts a version into it keeps the one before;
// who finds that goes to mu, where it is mended.
func TestIndexIsHealed(t *testing.T) {
	s, err := New(Options[string, int]{})
	require.NoError(t, err)
	defer s.Close()
	require.NoError(t, s.Set("a", 1))
	overwrite := func(value int) {
		v, _ := s.table.index.locate(s.hash("a"), "a")
		reads, ok := v.claim()
		require.True(t, ok)
		w, err := s.newWriting("a", value, 0)
		require.NoError(t, err)
		now := s.read().at
		v.giveWay(w.version(), reads, now, never)
		require.NotSame(t, s.table.index.find(s.hash("a"), "a"), v.e.v.Load())
	}
	healed := func() bool {
		v := s.table.index.find(s.hash("a"), "a")
		return v == v.e.v.Load()
	}

	overwrite(2)
	value, err := s.Get("a")
	require.NoError(t, err)
	require.Equal(t, 2, value)
	require.True(t, healed())

	overwrite(3)
	value, ok := s.Peek("a")
	require.True(t, ok)
	require.Equal(t, 3, value)
	require.True(t, healed())

	overwrite(4)
	require.NoError(t, s.Set("a", 5))
	require.True(t, healed())
	value, _ = s.Peek("a")
	require.Equal(t, 5, value)

	overwrite(6)
	require.NoError(t, s.Delete("a"))
	require.False(t, s.Has("a"))
	require.Zero(t, s.table.index.n)
}

// Whoever comes to an entry while somebody without mu puts another version in its place
// waits for that.
func TestClaimIsWaitedFor(t *testing.T) {
	for name, use := range map[string]func(s *Store[string, int]) (int, error){
		"Get": func(s *Store[string, int]) (int, error) { return s.Get("a") },
		"Peek": func(s *Store[string, int]) (int, error) {
			value, _ := s.Peek("a")
			return value, nil
		},
		"Entry": func(s *Store[string, int]) (int, error) {
			e, err := s.Entry("a")
			return e.Value, err
		},
		"TryLock": func(s *Store[string, int]) (int, error) {
			l, err := s.TryLock("a", 0)
			if err != nil {
				return 0, err
			}
			return l.Get()
		},
		"Update": func(s *Store[string, int]) (int, error) {
			return s.Update("a", func(old int, _ bool) (int, error) { return old, nil })
		},
		"All": func(s *Store[string, int]) (int, error) {
			for _, value := range s.All() {
				return value, nil
			}
			return 0, ErrNotFound
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := New(Options[string, int]{})
			require.NoError(t, err)
			defer s.Close()
			require.NoError(t, s.Set("a", 1))
			v, place := s.table.index.locate(s.hash("a"), "a")
			w, err := s.newWriting("a", 2, 0)
			require.NoError(t, err)
			reads, ok := v.claim()
			require.True(t, ok)
			type result struct {
				value int
				err   error
			}
			got := make(chan result, 1)
			go func() {
				value, err := use(s)
				got <- result{value, err}
			}()
			for range 10_000 {
				runtime.Gosched() // it has nothing to wait for but its turns
			}
			require.Empty(t, got, "it did not wait")
			next := w.version()
			v.giveWay(next, reads, s.read().at, never)
			place.CompareAndSwap(v, next)
			require.Equal(t, result{2, nil}, <-got)
		})
	}
}

// Entries and versions are never of one size class, so that versions lie side by side.
func TestVersionsLieApart(t *testing.T) {
	liesApartFrom[string, int](t)
	liesApartFrom[int, int](t)
	liesApartFrom[string, string](t)
	liesApartFrom[string, []byte](t)
	liesApartFrom[string, [40]byte](t)
}

func liesApartFrom[K comparable, V any](t *testing.T) {
	class := func(size uintptr) uintptr { return (size + 15) / 16 } // exact up to 128 bytes
	size := unsafe.Sizeof(entry[K, V]{})
	if liesApart[K, V]() {
		size = unsafe.Sizeof(larger[K, V]{})
	}
	require.NotEqual(t, class(size), class(unsafe.Sizeof(version[K, V]{})))
	require.LessOrEqual(t, size, uintptr(80))
}
