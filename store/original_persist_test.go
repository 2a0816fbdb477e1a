package store_test

import (
	"encoding/binary"
	"hash/crc32"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"weak"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/internal/testenv"
	"github.com/latchkey-go/latchkey/persist"
	"github.com/latchkey-go/latchkey/store"
	"github.com/latchkey-go/latchkey/storetest"
)

// files returns what a folder holds, by name.
func files(t testing.TB, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	all := make(map[string]string)
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		require.NoError(t, err)
		all[e.Name()] = string(data)
	}
	return all
}

// snapshots returns the paths of the snapshots in a folder, oldest first.
func snapshots(t testing.TB, dir string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "snapshot-*"))
	require.NoError(t, err)
	return paths
}

// inFolder returns options for a store in a folder.
func inFolder(dir string) store.Options[string, int] {
	return store.Options[string, int]{Persist: persist.Config{Dir: dir, Generations: 1}}
}

// saved returns a folder with a snapshot of the keys.
func saved(t testing.TB, keys ...string) (dir string) {
	t.Helper()
	dir = folder(t)
	s := open(t, inFolder(dir))
	set(t, s, keys...)
	require.NoError(t, s.Close())
	return dir
}

// content returns the live entries of a store.
func content[K comparable, V any](s *store.Store[K, V]) map[K]V { return maps.Collect(s.All()) }

// Persistence lost, mangled or exposed data in ten ways. That every write is
// synced before it counts is what package persist tests, on a disk that forgets.
func TestOriginal7(t *testing.T) {
	t.Run("the folder is restored before anything is written", func(t *testing.T) {
		dir := saved(t, "a", "b")
		o := inFolder(dir)
		clock := storetest.NewClock(t)
		o.Clock, o.Persist.SnapshotInterval = clock, 1
		s := open(t, o)
		require.Equal(t, map[string]int{"a": 1, "b": 2}, content(open(t, inFolder(crash(t, dir)))))
		clock.Advance(time.Hour)
		require.NoError(t, s.Snapshot(t.Context()))
		require.Equal(t, map[string]int{"a": 1, "b": 2}, content(open(t, inFolder(crash(t, dir)))))
	})
	t.Run("a corrupt file is told and not overwritten", func(t *testing.T) {
		dir := saved(t, "a")
		path := snapshots(t, dir)[0]
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		data[len(data)/2] ^= 1
		require.NoError(t, os.WriteFile(path, data, 0o600))
		before := files(t, dir)
		for range 2 {
			_, err = store.New(inFolder(dir))
			require.ErrorIs(t, err, persist.ErrCorrupt)
			require.ErrorContains(t, err, filepath.Base(path))
		}
		require.Equal(t, before, files(t, dir))
	})
	t.Run("keys keep their types", func(t *testing.T) {
		o := store.Options[any, int]{Persist: persist.Config{Dir: folder(t), Codec: persist.Gob{}}}
		s := open(t, o)
		want := map[any]int{1: 1, "1": 2, 1.0: 3, uint8(1): 4}
		for key, value := range want {
			require.NoError(t, s.Set(key, value))
		}
		require.NoError(t, s.Close())
		require.Equal(t, want, content(open(t, o)))
	})
	t.Run("a value that can't be encoded fails alone", func(t *testing.T) {
		o := store.Options[string, any]{Persist: persist.Config{Dir: folder(t)}}
		s := open(t, o)
		require.NoError(t, s.Set("good", "1"))
		require.Error(t, s.Set("bad", make(chan int)))
		require.NoError(t, s.Snapshot(t.Context()))
		require.NoError(t, s.Set("after", "2"))
		require.NoError(t, s.Close())
		require.Equal(t, map[string]any{"good": "1", "after": "2"}, content(open(t, o)))
	})
	t.Run("what a crash left of a snapshot gets in nobody's way", func(t *testing.T) {
		dir := saved(t, "a")
		path := snapshots(t, dir)[0]
		for g := byte('1'); g <= '9'; g++ {
			left := path[:len(path)-1] + string(g) + ".tmp"
			require.NoError(t, os.WriteFile(left, []byte("half a snap"), 0o600))
		}
		s := open(t, inFolder(dir))
		require.NoError(t, s.Set("b", 2))
		require.NoError(t, s.Close())
		require.Equal(t, map[string]int{"a": 1, "b": 2}, content(open(t, inFolder(dir))))
	})
	t.Run("two stores never write to one folder", func(t *testing.T) {
		dir := saved(t, "a")
		open(t, inFolder(dir))
		_, err := store.New(inFolder(dir))
		require.ErrorIs(t, err, persist.ErrInUse)
	})
	t.Run("every byte is under a checksum", func(t *testing.T) {
		dir := saved(t, "a")
		path := snapshots(t, dir)[0]
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		for i := range data {
			data[i] ^= 0x10
			require.NoError(t, os.WriteFile(path, data, 0o600))
			_, err := store.New(inFolder(dir))
			require.ErrorIs(t, err, persist.ErrCorrupt, i)
			data[i] ^= 0x10
		}
		require.NoError(t, os.WriteFile(path, data, 0o600))
		require.Equal(t, map[string]int{"a": 1}, content(open(t, inFolder(dir))))
	})
	t.Run("a file of another version is told from a damaged one", func(t *testing.T) {
		dir := saved(t, "a")
		path := snapshots(t, dir)[0]
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(path, otherVersion(data), 0o600))
		_, err = store.New(inFolder(dir))
		require.ErrorIs(t, err, persist.ErrVersion)
		require.NotErrorIs(t, err, persist.ErrCorrupt)
	})
	t.Run("the folder is its owner's alone", func(t *testing.T) {
		if runtime.GOOS == "windows" {
			testenv.Missing(t, "a system without such permissions")
		}
		dir := saved(t, "a")
		require.NoError(t, filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
			require.NoError(t, err)
			info, err := e.Info()
			require.NoError(t, err)
			want := os.FileMode(0o600)
			if e.IsDir() {
				want = 0o700
			}
			require.Equal(t, want, info.Mode().Perm(), path)
			return nil
		}))
	})
	t.Run("encoding holds nobody up", func(t *testing.T) {
		encoding, goOn := make(chan struct{}), make(chan struct{})
		codec := &hooked{marshal: func(v any) error {
			if v == 13 {
				encoding <- struct{}{}
				<-goOn
			}
			return nil
		}}
		s := open(t, store.Options[string, int]{Persist: persist.Config{Dir: folder(t), Codec: codec}})
		set(t, s, "k")
		slow := make(chan error)
		go func() { slow <- s.Set("slow", 13) }()
		<-encoding
		soon(t, func() {
			_, err := s.Get("k")
			require.NoError(t, err)
			require.NoError(t, s.Set("k", 2))
			require.NoError(t, s.Snapshot(t.Context()))
		})
		close(goOn)
		require.NoError(t, <-slow)
	})
	t.Run("a restore keeps to the capacity", func(t *testing.T) {
		o := inFolder(saved(t, "a", "b", "c", "d"))
		o.Capacity = 2
		s := open(t, o)
		require.Equal(t, map[string]int{"c": 3, "d": 4}, content(s))
		require.NoError(t, s.Set("e", 5))
		require.Equal(t, 2, s.Len())
	})
	t.Run("deletes do not come back after a crash", func(t *testing.T) {
		dir := saved(t, "a", "b", "c")
		s := open(t, inFolder(dir))
		require.NoError(t, s.Delete("b"))
		require.NoError(t, s.Sync())
		require.Equal(t, map[string]int{"a": 1, "c": 3}, content(open(t, inFolder(crash(t, dir)))))
		require.NoError(t, s.Clear())
		require.NoError(t, s.Sync())
		require.Empty(t, content(open(t, inFolder(crash(t, dir)))))
	})
}

// otherVersion returns a file as a later release might have written it.
func otherVersion(data []byte) []byte {
	data = []byte(string(data))
	data[9]++
	binary.LittleEndian.PutUint32(data[12:], crc32.Checksum(data[:12], crc32.MakeTable(crc32.Castagnoli)))
	return data
}

// countingClock counts how often a timer is asked for.
type countingClock struct {
	*storetest.Clock
	timers atomic.Int32
}

func (c *countingClock) AfterFunc(d time.Duration, f func()) (stop func() bool) {
	c.timers.Add(1)
	return c.Clock.AfterFunc(d, f)
}

// Its life had no clean beginning and no end.
func TestOriginal8(t *testing.T) {
	t.Run("a write after Close is refused", func(t *testing.T) {
		dir := folder(t)
		s := open(t, inFolder(dir))
		set(t, s, "a")
		require.NoError(t, s.Close())
		for name, overwrite := range overwrites {
			require.ErrorIs(t, overwrite(s, "late", 2), store.ErrClosed, name)
		}
		require.Equal(t, map[string]int{"a": 1}, content(open(t, inFolder(dir))))
	})
	for name, leave := range map[string]func(*store.Store[string, int]) error{
		"closed":   (*store.Store[string, int]).Close,
		"unclosed": func(*store.Store[string, int]) error { return nil },
	} {
		t.Run("a store that is left is collected/"+name, func(t *testing.T) {
			left := func() weak.Pointer[store.Store[string, int]] {
				s, err := store.New(store.Options[string, int]{IdleTimeout: time.Hour})
				require.NoError(t, err)
				if name == "closed" {
					require.NoError(t, s.Set("k", 1))
				}
				require.NoError(t, leave(s))
				return weak.Make(s)
			}()
			for range 100 {
				if runtime.GC(); left.Value() == nil {
					return
				}
			}
			t.Fatal("it is still there")
		})
	}
	t.Run("zero intervals are defaults and do not spin", func(t *testing.T) {
		clock := &countingClock{Clock: storetest.NewClock(t)}
		s := open(t, store.Options[string, int]{TTL: time.Nanosecond, Clock: clock, Persist: persist.Config{Dir: folder(t)}})
		for range 10 {
			set(t, s, "k")
			clock.Advance(time.Minute)
		}
		require.Less(t, clock.timers.Load(), int32(40), "one sweep a minute, one snapshot every five")
		require.Positive(t, clock.timers.Load())
	})
	t.Run("options are validated", func(t *testing.T) {
		_, err := store.New(store.Options[string, int]{Capacity: -1})
		require.ErrorContains(t, err, "capacity")
		_, err = store.New(store.Options[string, int]{SweepInterval: -1})
		require.ErrorContains(t, err, "SweepInterval")
	})
	t.Run("a message is logged once, and only to the Logger", func(t *testing.T) {
		var elsewhere, own logged
		old := slog.Default()
		slog.SetDefault(elsewhere.logger())
		defer slog.SetDefault(old)
		for range 5 {
			open(t, store.Options[string, int]{Logger: (&logged{}).logger()})
		}
		panicking := open(t, store.Options[string, int]{
			Logger:   own.logger(),
			OnRemove: func(store.Removal[string, int]) { panic("told") },
		})
		set(t, panicking, "k")
		require.NoError(t, panicking.Delete("k"))
		require.Equal(t, 1, strings.Count(own.String(), "\n"))
		require.Empty(t, elsewhere.String())
	})
	t.Run("session ids are not logged", func(t *testing.T) {
		var log logged
		s := open(t, store.Options[string, int]{
			Capacity: 1, Logger: log.logger(),
			OnRemove: func(store.Removal[string, int]) { panic("told") },
		})
		set(t, s, "the-id", "the-other-id")
		require.NotEmpty(t, log.String())
		require.NotContains(t, log.String(), "id-")
		require.NotContains(t, log.String(), "-id")
	})
	t.Run("each error is its own", func(t *testing.T) {
		s, clock := fake(t, store.Options[string, int]{Capacity: 1})
		set(t, s, "k")
		_, notFound := s.Get("none")
		l := lock(t, s, "k")
		_, locked := s.Get("k")
		full := s.Set("none", 1)
		clock.Advance(store.DefaultMaxLease)
		lost := l.Set(1)
		conflict := s.CompareAndSet("k", 9, 1)
		require.NoError(t, s.Close())
		for i, errs := range [][2]error{
			{notFound, store.ErrNotFound},
			{locked, store.ErrLocked},
			{full, store.ErrFull},
			{lost, store.ErrLeaseLost},
			{conflict, store.ErrConflict},
			{s.Touch("k"), store.ErrClosed},
		} {
			require.Same(t, errs[1], errs[0], "%d: the bare sentinel", i)
		}
	})
}
