package persist_test

import (
	"bytes"
	"log/slog"
	"maps"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/internal/disk"
	"github.com/latchkey-go/latchkey/persist"
	"github.com/latchkey-go/latchkey/store"
	"github.com/latchkey-go/latchkey/storetest"
)

// storeDir is the store's folder in a memFS. Neither it nor the one above it is
// there at first.
const storeDir = "/data/app/store"

// options are those of a store in a folder of a file system in memory.
func options(t testing.TB, fsys persist.FS) store.Options[string, int] {
	return store.Options[string, int]{
		Clock:   storetest.NewClock(t),
		Persist: persist.Config{FS: fsys, Dir: storeDir, Sync: persist.OnSnapshot},
	}
}

// emptyFolder is a disk on which the store's folder has been made.
func emptyFolder() disk.Image {
	return disk.Image{"/": nil, "/data": nil, filepath.Dir(storeDir): nil, storeDir: nil}
}

func mustNew[K comparable, V any](t testing.TB, o store.Options[K, V]) *store.Store[K, V] {
	t.Helper()
	s, err := store.New(o)
	require.NoError(t, err)
	return s
}

// contents returns what is live in a store.
func contents[K comparable, V any](s *store.Store[K, V]) map[K]V { return maps.Collect(s.All()) }

// restored returns what a store that is opened on the disk finds, and leaves
// the disk alone.
func restored(t testing.TB, img disk.Image) map[string]int {
	t.Helper()
	return contents(mustNew(t, options(t, img.Boot())))
}

// logBook is what was logged.
type logBook struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logBook) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *logBook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (l *logBook) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }
