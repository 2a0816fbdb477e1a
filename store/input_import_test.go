package store_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/persist"
	"github.com/latchkey-go/latchkey/store"
)

// exported returns what Export writes of a store.
func exported[K comparable, V any](t testing.TB, s *store.Store[K, V]) []byte {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, s.Export(&out))
	return out.Bytes()
}

// exportOf returns the export of a store made for it.
func exportOf[K comparable, V any](t testing.TB, o store.Options[K, V], key K, value V) []byte {
	t.Helper()
	s := open(t, o)
	require.NoError(t, s.Set(key, value))
	return exported(t, s)
}

// What can't be imported is refused, and the store is as it was: entries,
// metadata, leases, counts, events.
func TestBadImport(t *testing.T) {
	errBroken := errors.New("broken pipe")
	good := exportOf(t, options{}, "new", 7)
	gob := exportOf(t, options{Persist: persist.Config{Codec: persist.Gob{}}}, "new", 7)
	for name, c := range map[string]struct {
		from io.Reader
		want error
	}{
		"empty":        {bytes.NewReader(nil), persist.ErrCorrupt},
		"garbage":      {bytes.NewReader([]byte("GIF89a, or so: in any case nothing of ours")), persist.ErrCorrupt},
		"long garbage": {bytes.NewReader(bytes.Repeat([]byte{0xff}, 1<<16)), persist.ErrCorrupt},
		"garbage behind a good start": {
			bytes.NewReader(append(bytes.Clone(good[:40]), bytes.Repeat([]byte{0xff}, 1<<12)...)), persist.ErrCorrupt,
		},
		"something after the end": {bytes.NewReader(append(bytes.Clone(good), 0)), persist.ErrCorrupt},
		"twice in a row":          {bytes.NewReader(append(bytes.Clone(good), good...)), persist.ErrCorrupt},
		"another version":         {bytes.NewReader(otherVersion(good)), persist.ErrVersion},
		"another codec":           {bytes.NewReader(gob), persist.ErrCodecMismatch},
		"another type of value": {
			bytes.NewReader(exportOf(t, store.Options[string, string]{}, "new", "7")), persist.ErrTypeMismatch,
		},
		"another type of key": {bytes.NewReader(exportOf(t, store.Options[int, int]{}, 1, 7)), persist.ErrTypeMismatch},
		"another schema": {
			bytes.NewReader(exportOf(t, options{Persist: persist.Config{Schema: "v2"}}, "new", 7)), persist.ErrTypeMismatch,
		},
		"a reader that fails": {
			io.MultiReader(bytes.NewReader(good[:len(good)-1]), iotest.ErrReader(errBroken)), errBroken,
		},
		"more locked entries than room": {bytes.NewReader(lockedEntries(t, 4)), store.ErrFull},
	} {
		t.Run(name, func(t *testing.T) { requireRefused(t, c.from, c.want) })
	}
	t.Run("cut at every byte", func(t *testing.T) {
		for n := range good {
			requireRefused(t, bytes.NewReader(good[:n]), persist.ErrCorrupt)
		}
	})
}

// lockedEntries returns an export of n locked entries.
func lockedEntries(t *testing.T, n int) []byte {
	s := open(t, options{})
	for i := range n {
		require.NoError(t, s.Set(fmt.Sprint(i), i))
		lock(t, s, fmt.Sprint(i))
	}
	return exported(t, s)
}

func requireRefused(t *testing.T, from io.Reader, want error) {
	t.Helper()
	var told removals[string, int]
	s := open(t, options{Capacity: 3, TTL: time.Hour, OnRemove: told.add})
	set(t, s, "a", "b", "c")
	l := lock(t, s, "b")
	before, stats := map[string]store.Metadata{}, s.Stats()
	for key := range s.Keys() {
		before[key], _ = s.Metadata(key)
	}

	require.ErrorIs(t, s.Import(from), want)
	require.Equal(t, map[string]int{"a": 1, "b": 2, "c": 3}, content(s))
	for key, m := range before {
		after, _ := s.Metadata(key)
		require.Equal(t, m, after)
	}
	require.Equal(t, stats, s.Stats())
	require.Empty(t, told.take())
	require.NoError(t, l.Set(4))
}

// Of an import longer than the capacity, what is locked and what was used last
// stay.
func TestImportLongerThanCapacity(t *testing.T) {
	from, clock := fake(t, options{TTL: time.Hour})
	set(t, from, "a", "b", "c", "d", "e", "f")
	lock(t, from, "b")
	_, err := from.Get("c") // now the latest used
	require.NoError(t, err)

	var told removals[string, int]
	to := open(t, options{Capacity: 3, Clock: clock, OnRemove: told.add})
	set(t, to, "old")
	require.NoError(t, to.Import(bytes.NewReader(exported(t, from))))
	require.Equal(t, map[string]int{"b": 2, "c": 3, "f": 6}, content(to))
	require.Equal(t, 1, to.Stats().Locked)
	require.Equal(t, []store.Removal[string, int]{{Key: "old", Value: 1, Reason: store.ReasonCleared}}, told.take())

	require.NoError(t, to.Set("new", 1))
	require.Equal(t, []string{"b", "c"}, has(to, "b", "c", "f"), "the order of use came along")
	evicted, err := to.Resize(1)
	require.NoError(t, err)
	require.Equal(t, 2, evicted)
}

// What was refused in the middle of an Export leaves the store ready for more.
func TestExportToABadWriter(t *testing.T) {
	s := open(t, inFolder(folder(t)))
	set(t, s, "a", "b")
	for name, w := range map[string]writer{
		"an error":            func([]byte) (int, error) { return 0, io.ErrShortWrite },
		"a panic":             func([]byte) (int, error) { panic("full") },
		"one that calls back": func(p []byte) (int, error) { return len(p), s.Set("a", 3) },
	} {
		t.Run(name, func(t *testing.T) {
			soon(t, func() {
				func() {
					defer func() { _ = recover() }()
					_ = s.Export(w)
				}()
				require.NoError(t, s.Set("c", 3))
				require.NoError(t, s.Snapshot(t.Context()))
				require.NotEmpty(t, exported(t, s))
			})
		})
	}
}

type writer func([]byte) (int, error)

func (w writer) Write(p []byte) (int, error) { return w(p) }

// An entry whose deadline is not its last write plus its TTL, as another program may have
// written it, dies at that deadline, and a write starts its TTL anew.
func TestImportKeepsTheTTL(t *testing.T) {
	r, err := persist.NewReader(bytes.NewReader(exportOf(t, options{TTL: time.Minute}, "a", 7)), "export")
	require.NoError(t, err)
	rec, err := r.Next()
	require.NoError(t, err)
	rec.Expires += int64(time.Second)
	var out bytes.Buffer
	w, err := persist.NewWriter(&out, r.Header())
	require.NoError(t, err)
	require.NoError(t, w.Write(&rec))
	require.NoError(t, w.Close())

	for name, o := range map[string]options{
		"in memory": {}, "in a folder": {Persist: persist.Config{Dir: t.TempDir()}},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, o)
			lives := func() time.Duration {
				m, ok := s.Metadata("a")
				require.True(t, ok)
				return m.Expires.Sub(m.Updated)
			}
			require.NoError(t, s.Import(bytes.NewReader(out.Bytes())))
			require.Equal(t, time.Minute+time.Second, lives())
			require.NoError(t, s.Import(bytes.NewReader(exported(t, s))))
			for range 2 {
				_, err = s.Update("a", func(old int, found bool) (int, error) { return old + 1, nil })
				require.NoError(t, err)
				require.Equal(t, time.Minute, lives())
			}
			require.NoError(t, s.SetWithTTL("a", 1, time.Hour))
			_, err = s.Update("a", func(old int, found bool) (int, error) { return old + 1, nil })
			require.NoError(t, err)
			require.Equal(t, time.Hour, lives())
		})
	}
}
