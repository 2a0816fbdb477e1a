package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/persist"
	"github.com/latchkey-go/latchkey/store"
	"github.com/latchkey-go/latchkey/storetest"
)

func Example() {
	main()
	// Output:
	// in CBOR: hello, Ada, here since 2026-03-02T12:00:00.000000005Z
	// opened as JSON: true
	// opened with B too early: false
	// with B and A: hello, Ada, here since 2026-03-02T12:00:00.000000005Z
	// with B: hello, Ada, here since 2026-03-02T12:00:00.000000005Z
	// opened with A too late: false
}

func TestCBOR(t *testing.T) {
	t.Parallel()
	codec, err := NewCBOR()
	require.NoError(t, err)
	storetest.Codec(t, codec, "id-1", Session{"Ada", time.Unix(1, 5)}, "\xff not UTF-8")
}

func TestEncryptedCBOR(t *testing.T) {
	t.Parallel()
	codec, err := NewCBOR()
	require.NoError(t, err)
	sealed, err := persist.Encrypt(codec, newKey(), newKey())
	require.NoError(t, err)
	storetest.Codec(t, sealed, "id-1", Session{"Ada", time.Unix(1, 5)})
}

// The decoder's default limits would refuse what the encoder has made of these.
func TestCBORTakesBackWhatItMade(t *testing.T) {
	codec, err := NewCBOR()
	require.NoError(t, err)
	long := make([]bool, 1<<18)
	require.Empty(t, cmp.Diff(long, again(t, codec, long)))
	type tree struct{ Next *tree }
	deep := new(tree)
	for range 100 {
		deep = &tree{deep}
	}
	require.Empty(t, cmp.Diff(deep, again(t, codec, deep)))
}

func again[T any](t *testing.T, codec persist.Codec, v T) (back T) {
	data, err := codec.Marshal(v)
	require.NoError(t, err)
	require.NoError(t, codec.Unmarshal(data, &back))
	return back
}

// After the rotation, the new key opens every file that is left, and nothing in
// them can be read without.
func TestRotate(t *testing.T) {
	codec, err := NewCBOR()
	require.NoError(t, err)
	dir, b := t.TempDir(), newKey()
	require.NoError(t, rotate(dir, codec, newKey(), b))
	onlyB, err := persist.Encrypt(codec, b)
	require.NoError(t, err)

	files, err := filepath.Glob(filepath.Join(dir, "snapshot-*"))
	require.NoError(t, err)
	require.Len(t, files, persist.DefaultGenerations)
	for _, name := range files {
		data, err := os.ReadFile(name)
		require.NoError(t, err)
		require.NotContains(t, string(data), "Ada")

		s, err := store.New(store.Options[string, Session]{Persist: persist.Config{Codec: onlyB}})
		require.NoError(t, err)
		require.NoError(t, s.Import(bytes.NewReader(data)))
		session, err := s.Get("id-1")
		require.NoError(t, err)
		require.Equal(t, "Ada", session.User)
		require.NoError(t, s.Close())
	}
}
