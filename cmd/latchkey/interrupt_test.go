package main

import (
	"context"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// fuse is a context that ends when it has been asked so many times.
type fuse struct {
	context.Context
	left *int
}

func newFuse(t testing.TB, length int) fuse { return fuse{t.Context(), &length} }

func (f fuse) Err() error {
	if *f.left--; *f.left < 0 {
		return context.Canceled
	}
	return nil
}

// interrupted runs a command line anew in a fresh folder, interrupted a little
// later each time, until it gets through. check looks at what is left.
func interrupted(t *testing.T, line string, check func(t *testing.T)) {
	jsonShop.work(t)
	latchkey(t, "export sessions file").good(t)
	export, err := os.ReadFile("file")
	require.NoError(t, err)
	for length := 0; ; length++ {
		jsonShop.work(t)
		require.NoError(t, os.WriteFile("file", export, 0o600))
		got := latchkeyUntil(newFuse(t, length), t, strings.NewReader(""), line)
		if got.status == statusGood {
			require.Greater(t, length, 3, "interrupted too seldom")
			return
		}
		require.Equal(t, "latchkey: interrupted\n", got.stderr)
		require.Equal(t, statusFailed, got.status)
		check(t)
	}
}

// Whenever a signal comes, a command that only looks is no success.
func TestInterruptedLook(t *testing.T) {
	for _, line := range []string{"info sessions", "verify sessions", "dump sessions", "salvage sessions --dry-run", "export sessions -"} {
		t.Run(line, func(t *testing.T) {
			interrupted(t, line, func(t *testing.T) {
				require.Equal(t, []string{"file", "sessions"}, here(t))
			})
		})
	}
}

// Whenever a signal comes, nothing is left half done.
func TestInterruptedWrite(t *testing.T) {
	for _, line := range []string{"salvage sessions --out a/new", "export sessions new", "import file a/new"} {
		t.Run(line, func(t *testing.T) {
			interrupted(t, line, func(t *testing.T) {
				require.Equal(t, []string{"file", "sessions"}, here(t))
			})
		})
	}
}

// A folder that is not compacted, as a signal came, is as good as it was.
func TestInterruptedCompact(t *testing.T) {
	interrupted(t, "compact sessions", func(t *testing.T) {
		latchkey(t, "verify sessions").good(t)
		require.NotContains(t, latchkey(t, "info sessions").good(t), "stray")
		require.Empty(t, filesOf(t, "sessions").names(t, "*.tmp"))
		require.Len(t, jsonShop.entries(t, "sessions"), 5)
	})
}

// A signal comes through though there is nothing to be read: as from a pipe that
// nobody writes to.
func TestInterruptedWait(t *testing.T) {
	t.Chdir(t.TempDir())
	r, w, err := os.Pipe()
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	waiting := make(chan struct{})
	in := io.MultiReader(readerFunc(func([]byte) (int, error) { close(waiting); return 0, io.EOF }), r)
	go func() { <-waiting; cancel() }()
	latchkeyUntil(ctx, t, in, "import - new").failed(t, statusFailed, "latchkey: interrupted")
	require.Empty(t, here(t))
	require.NoError(t, w.Close())
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(b []byte) (int, error) { return f(b) }
