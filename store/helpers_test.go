package store_test

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/latchkey-go/latchkey/store"
	"github.com/latchkey-go/latchkey/storetest"
)

// No test leaves a goroutine behind.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// open makes a store that is closed when the test ends.
func open[K comparable, V any](t testing.TB, o store.Options[K, V]) *store.Store[K, V] {
	t.Helper()
	s, err := store.New(o)
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// fake makes a store with a fake clock.
func fake(t testing.TB, o store.Options[string, int]) (*store.Store[string, int], *storetest.Clock) {
	t.Helper()
	clock := storetest.NewClock(t)
	o.Clock = clock
	return open(t, o), clock
}

// set stores values that must be accepted: 1 for the first key, 2 for the next.
func set(t testing.TB, s *store.Store[string, int], keys ...string) {
	t.Helper()
	for i, key := range keys {
		require.NoError(t, s.Set(key, i+1))
	}
}

// lock takes a lease of MaxLease that must be granted.
func lock[K comparable, V any](t testing.TB, s *store.Store[K, V], key K) *store.Lease[K, V] {
	t.Helper()
	l, err := s.TryLock(key, 0)
	require.NoError(t, err)
	return l
}

// has returns those of the keys that are live.
func has[V any](s *store.Store[string, V], keys ...string) (live []string) {
	for _, key := range keys {
		if s.Has(key) {
			live = append(live, key)
		}
	}
	return live
}

// closed reports whether a channel is closed, without waiting for it.
func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// removals records what OnRemove is told.
type removals[K comparable, V any] struct {
	mu  sync.Mutex // guards all
	all []store.Removal[K, V]
}

func (r *removals[K, V]) add(removal store.Removal[K, V]) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, removal)
}

// take returns what was recorded since the last take.
func (r *removals[K, V]) take() []store.Removal[K, V] {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := r.all
	r.all = nil
	return all
}

// logged is everything that is written to a logger, at every level.
type logged struct {
	mu   sync.Mutex // guards text
	text bytes.Buffer
}

func (l *logged) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug - 100, AddSource: true}))
}

func (l *logged) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(line)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// folder returns the path of a folder that does not exist yet.
func folder(t testing.TB) string { return filepath.Join(t.TempDir(), "store") }

// ramDir returns a folder in memory where the system has such, as Linux does: on
// a disk, thousands of snapshots would take their time.
func ramDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "latchkey")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	return dir
}

// crash returns a folder that is what a crash right now would leave of dir.
func crash(t testing.TB, dir string) string {
	t.Helper()
	left := folder(t)
	require.NoError(t, os.CopyFS(left, os.DirFS(dir)))
	return left
}
