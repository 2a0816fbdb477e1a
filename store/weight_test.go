package store_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/internal/disk"
	"github.com/latchkey-go/latchkey/internal/testenv"
	"github.com/latchkey-go/latchkey/persist"
	"github.com/latchkey-go/latchkey/store"
)

// TestWeightedMisses replays block I/O with sizes and wants the misses that
// libCacheSim publishes for LRU bounded by bytes (test/test_evictionAlgo.c).
func TestWeightedMisses(t *testing.T) {
	t.Parallel()
	want := map[uint64][2]uint64{ // by MiB: misses, and the bytes of those
		128: {93374, 4214303232}, 256: {89783, 4061242368}, 384: {83572, 3778040320}, 512: {81722, 3660569600},
		640: {72494, 3100927488}, 768: {72104, 3078128640}, 896: {71972, 3075403776}, 1024: {71704, 3061662720},
	}
	path := testenv.Data(t, "traces", "libcachesim_cloudphysicsio.tks.gz")
	if testenv.Race {
		t.Skip("one goroutine: nothing to detect")
	}
	requests := sizedTrace(t, path)
	require.Len(t, requests, 113_872)
	for mib, want := range want {
		s := open(t, store.Options[uint64, uint32]{
			Capacity: len(requests), MaxWeight: mib << 20,
			Weigher: func(_ uint64, size uint32) uint32 { return size },
		})
		var got [2]uint64
		for _, r := range requests {
			if _, err := s.Get(r.key); err == nil {
				continue
			}
			got[0]++
			got[1] += uint64(r.size)
			require.NoError(t, s.Set(r.key, r.size))
		}
		require.Equal(t, want, got, "misses and their bytes at %d MiB", mib)
		require.LessOrEqual(t, s.Stats().Weight, mib<<20)
		require.NoError(t, s.Close())
	}
}

type sizedRequest struct {
	key  uint64
	size uint32
}

func sizedTrace(t *testing.T, path string) (requests []sizedRequest) {
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	z, err := gzip.NewReader(f)
	require.NoError(t, err)
	lines := bufio.NewScanner(z)
	for lines.Scan() {
		var at uint64
		var r sizedRequest
		_, err := fmt.Sscan(lines.Text(), &at, &r.key, &r.size)
		require.NoError(t, err)
		requests = append(requests, r)
	}
	require.NoError(t, lines.Err())
	return requests
}

// length weighs a text.
func length(_, text string) uint32 { return uint32(len(text)) }

func TestMaxWeight(t *testing.T) {
	s := open(t, store.Options[string, string]{Weigher: length, MaxWeight: 10})
	for _, key := range []string{"a", "b", "c"} {
		require.NoError(t, s.Set(key, "123"))
	}
	_, err := s.Get("a")
	require.NoError(t, err)
	require.EqualValues(t, 9, s.Stats().Weight)

	require.NoError(t, s.Set("d", "1")) // just fits
	require.Equal(t, []string{"a", "b", "c", "d"}, has(s, "a", "b", "c", "d"))
	require.NoError(t, s.Set("e", "1234")) // takes the place of two
	require.Equal(t, []string{"a", "d", "e"}, has(s, "a", "b", "c", "d", "e"))
	require.NoError(t, s.Set("a", "123456")) // as would an old one that has grown
	require.Equal(t, []string{"a", "e"}, has(s, "a", "d", "e"))
	require.EqualValues(t, 10, s.Stats().Weight)
	require.NoError(t, s.Set("e", "")) // or has become smaller
	require.EqualValues(t, 6, s.Stats().Weight)
	m, ok := s.Metadata("a")
	require.True(t, ok)
	require.EqualValues(t, 6, m.Weight)

	require.Equal(t, store.ErrFull, s.Set("a", "12345678901"), "heavier than all may be")
	require.Equal(t, store.ErrFull, s.Set("new", "12345678901"))
	value, err := s.Get("a")
	require.NoError(t, err)
	require.Equal(t, "123456", value)

	l := lock(t, s, "a")
	require.NoError(t, s.Set("f", "12"))
	require.Equal(t, store.ErrFull, s.Set("g", "12345"), "what is locked stays")
	require.Equal(t, []string{"a", "e", "f"}, has(s, "a", "e", "f", "g"), "and nothing was evicted in vain")
	require.NoError(t, l.Set("1234567890"), "a holder's value may grow at the cost of others")
	require.Equal(t, []string{"a"}, has(s, "a", "e", "f"))
	require.Equal(t, store.ErrFull, l.Set("12345678901"))
	require.NoError(t, l.Delete())
	require.Zero(t, s.Stats().Weight)
	require.NoError(t, s.Set("h", "1234567890"))
	require.NoError(t, s.Clear())
	require.Zero(t, s.Stats().Weight)
}

// One heavy newcomer may have to evict more than is done at a time.
func TestHeavyNewcomer(t *testing.T) {
	for _, o := range []store.Options[string, string]{{}, {Policy: store.TinyLFU}} {
		t.Run(o.Policy.String(), func(t *testing.T) {
			o.Weigher, o.MaxWeight, o.Capacity = length, 1000, 2000
			s := open(t, o)
			for i := range 1000 {
				require.NoError(t, s.Set(fmt.Sprint(i), "1"))
			}
			require.Equal(t, 1000, s.Len())
			require.NoError(t, s.Set("heavy", string(make([]byte, 900))))
			require.Equal(t, 101, s.Len())
			require.True(t, s.Has("heavy"))
		})
	}
}

// However many write at once, and however long the disk takes, the weight is never
// above its bound, and it is that of what is there.
func TestMaxWeightConcurrently(t *testing.T) {
	for name, o := range map[string]store.Options[string, string]{
		"in memory":      {},
		"TinyLFU":        {Policy: store.TinyLFU},
		"with a journal": {Persist: persist.Config{Dir: "/d", FS: disk.New(), Sync: persist.Always}},
	} {
		t.Run(name, func(t *testing.T) {
			o.Weigher, o.MaxWeight, o.Capacity = length, 100, 50
			s := open(t, o)
			var all sync.WaitGroup
			for g := range 8 {
				all.Go(func() {
					for i := range 500 {
						key := fmt.Sprint((g + i*i) % 61)
						switch err := s.Set(key, string(make([]byte, (i*7+g)%23))); err {
						case nil, store.ErrLocked, store.ErrFull:
						default:
							t.Error(err)
						}
						if i%5 == 0 {
							if l, err := s.TryLock(key, 0); err == nil {
								_ = l.Set(string(make([]byte, i%40))) // may be full
								_ = l.Unlock()
							}
						}
						if w := s.Stats().Weight; w > 100 {
							t.Errorf("weight %d", w)
						}
					}
				})
			}
			all.Wait()
			sum := 0
			for value := range s.Values() {
				sum += len(value)
			}
			require.EqualValues(t, sum, s.Stats().Weight)
			require.NoError(t, s.Close())
		})
	}
}

// A store that is opened with a smaller MaxWeight keeps what was used last.
func TestMaxWeightOfAFolder(t *testing.T) {
	o := store.Options[string, string]{Persist: persist.Config{Dir: "/d", FS: disk.New()}, Weigher: length}
	s := open(t, o)
	for _, key := range []string{"a", "b", "c"} {
		require.NoError(t, s.Set(key, "123"))
	}
	require.NoError(t, s.Close())
	o.MaxWeight = 7
	s = open(t, o)
	require.Equal(t, []string{"b", "c"}, has(s, "a", "b", "c"))
	require.EqualValues(t, 6, s.Stats().Weight)
	var export bytes.Buffer
	lock(t, s, "b")
	require.NoError(t, s.Export(&export))
	require.NoError(t, s.Close())

	o.MaxWeight = 2
	_, err := store.New(o)
	require.ErrorIs(t, err, store.ErrFull, "what is locked stays")
	o.MaxWeight = 3
	s = open(t, o)
	require.Equal(t, []string{"b"}, has(s, "b", "c"))
	require.NoError(t, s.Import(&export))
	require.Equal(t, []string{"b"}, has(s, "b", "c"))
	require.NoError(t, s.Close())

	o.Weigher = func(string, string) uint32 { panic("secret") }
	_, err = store.New(o)
	require.ErrorContains(t, err, "Weigher")
	require.NotContains(t, err.Error(), "secret")
}

// A Weigher may use the store, and a panic of it is the caller's.
func TestWeigherIsOutsideTheLock(t *testing.T) {
	var s *store.Store[string, string]
	s = open(t, store.Options[string, string]{Weigher: func(key, text string) uint32 {
		if text == "panic" {
			panic(text)
		}
		return uint32(s.Len())
	}})
	require.NoError(t, s.Set("a", "x"))
	require.NoError(t, s.Set("b", "x"))
	require.EqualValues(t, 1, s.Stats().Weight)
	require.PanicsWithValue(t, "panic", func() { _ = s.Set("a", "panic") })
	require.NoError(t, s.Set("a", "y"))
}
