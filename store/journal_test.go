package store_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/internal/disk"
	"github.com/latchkey-go/latchkey/persist"
	"github.com/latchkey-go/latchkey/store"
	"github.com/latchkey-go/latchkey/storetest"
)

// journaled returns the options of a store on a disk in memory.
func journaled(d persist.FS, sync persist.Sync) options {
	return options{Persist: persist.Config{Dir: "/data/store", FS: d, Sync: sync}}
}

// journalings are the ways in which a journal is written.
var journalings = []struct {
	name string
	sync persist.Sync
	disk func() *disk.Disk
}{
	{"Always", persist.Always, disk.New},
	{"EverySecond", persist.EverySecond, disk.New},
	{"EverySecond, mapped", persist.EverySecond, func() *disk.Disk { return disk.New().Mapped() }},
}

// EverySecond syncs a second after the first change that is not durable, and then
// rests.
func TestEverySecond(t *testing.T) {
	for _, d := range []*disk.Disk{disk.New(), disk.New().Mapped()} {
		o := journaled(d, persist.EverySecond)
		clock := storetest.NewClock(t)
		o.Clock = clock
		s := open(t, o)
		lost := func() map[string]int {
			o := journaled(d.Crash(disk.KeepNone).Boot(), persist.EverySecond)
			return content(open(t, o))
		}
		set(t, s, "a")
		clock.Advance(900 * time.Millisecond)
		set(t, s, "b")
		require.Empty(t, lost())
		clock.Advance(100 * time.Millisecond)
		require.Equal(t, map[string]int{"a": 1, "b": 1}, lost())
		require.Zero(t, clock.Timers())
		set(t, s, "c")
		clock.Advance(999 * time.Millisecond)
		require.NotContains(t, lost(), "c")
		require.NoError(t, s.Sync())
		require.Contains(t, lost(), "c")
		require.Zero(t, clock.Timers())
	}
}

// Accesses are in the journal once they have moved the idle timeout by a quarter.
func TestAccessesAreCoalesced(t *testing.T) {
	d := disk.New()
	o := journaled(d, persist.Always)
	o.IdleTimeout = 40 * time.Second
	clock := storetest.NewClock(t)
	o.Clock = clock
	s := open(t, o)
	set(t, s, "a")
	records := func() uint64 { return s.Stats().Journal.Records }
	require.EqualValues(t, 1, records())
	for range 99 {
		clock.Advance(time.Second)
		_, err := s.Get("a")
		require.NoError(t, err)
	}
	require.EqualValues(t, 1+9, records(), "one in ten seconds")
	require.NoError(t, s.Touch("a"))

	// Without an idle timeout, accesses alone leave no record.
	o.IdleTimeout, o.Persist.FS = 0, disk.New()
	s = open(t, o)
	set(t, s, "a")
	for range 100 {
		clock.Advance(time.Second)
		_, err := s.Get("a")
		require.NoError(t, err)
	}
	require.EqualValues(t, 1, records())
}

// In memory, a step of the wall clock expires nothing and revives nothing. What is
// on disk goes by the wall clock.
func TestJournalAndTheWallClock(t *testing.T) {
	for _, j := range journalings {
		t.Run(j.name, func(t *testing.T) {
			d := j.disk()
			o := journaled(d, j.sync)
			o.TTL = time.Minute
			clock := storetest.NewClock(t)
			o.Clock = clock
			start := clock.Now()
			s := open(t, o)
			set(t, s, "a")
			clock.Set(start.Add(-time.Hour))
			require.True(t, s.Has("a"))
			set(t, s, "b")
			l := lock(t, s, "b")
			require.NoError(t, s.Sync())

			// After a crash it is an hour before: b lives for its minute,
			// and a until the time that it was to die at.
			o.Persist.FS = d.Image().Boot()
			after := open(t, o)
			clock.Advance(store.DefaultMaxLease - 1)
			_, err := after.Get("b")
			require.Equal(t, store.ErrLocked, err)
			clock.Advance(1)
			_, err = after.Get("b")
			require.NoError(t, err)
			clock.Advance(30 * time.Second)
			require.Equal(t, []string{"a"}, has(after, "a", "b"))
			clock.Set(start.Add(time.Minute))
			require.Empty(t, has(after, "a", "b"))
			_, err = l.Get()
			require.Equal(t, store.ErrLeaseLost, err)
		})
	}
}

// What was found dead does not come back, also when the store is opened with a
// longer idle timeout.
func TestExpiredDoesNotComeBack(t *testing.T) {
	for _, j := range journalings {
		t.Run(j.name, func(t *testing.T) {
			d := j.disk()
			o := journaled(d, j.sync)
			o.IdleTimeout = time.Second
			clock := storetest.NewClock(t)
			o.Clock = clock
			s := open(t, o)
			set(t, s, "seen", "swept", "deleted", "left")
			clock.Advance(time.Second)
			require.False(t, s.Has("seen"))
			require.NoError(t, s.Delete("deleted"))
			require.Equal(t, 0, s.Len())
			require.NoError(t, s.Sync())
			o.IdleTimeout = time.Hour
			o.Persist.FS = d.Crash(disk.KeepNone).Boot()
			require.Empty(t, content(open(t, o)))
		})
	}
	// That it was dead when the store was opened counts too.
	d := disk.New()
	o := journaled(d, persist.Always)
	o.IdleTimeout = time.Second
	clock := storetest.NewClock(t)
	o.Clock = clock
	s := open(t, o)
	set(t, s, "a")
	clock.Advance(time.Second)
	d = d.Image().Boot()
	o.Persist.FS = d
	s = open(t, o)
	require.Empty(t, content(s))
	clock.Advance(time.Second) // it is written down
	o.IdleTimeout = time.Hour
	o.Persist.FS = d.Image().Boot()
	require.Empty(t, content(open(t, o)))
}

// A journal that has outgrown the last snapshot is compacted while writers go on.
// Whenever the process is killed, all that was acknowledged is there.
func TestCompaction(t *testing.T) {
	for _, j := range journalings {
		t.Run(j.name, func(t *testing.T) {
			d := j.disk()
			o := journaled(d, j.sync)
			o.Persist.MinJournal = 4 << 10
			s := open(t, o)
			const writers, keys = 4, 10
			var acked [writers]atomic.Int64
			var stop atomic.Bool
			var all sync.WaitGroup
			for w := range writers {
				all.Go(func() {
					for n := 1; !stop.Load(); n++ {
						for k := range keys {
							if err := s.Set(fmt.Sprint(w, "/", k), n); err != nil {
								t.Error(err)
								return
							}
						}
						acked[w].Store(int64(n))
					}
				})
			}
			for kills := 0; kills < 20 || s.Stats().Snapshots < 4; kills++ {
				var before [writers]int64
				for w := range before {
					before[w] = acked[w].Load()
				}
				after := content(open(t, journaled(d.Image().Boot(), j.sync)))
				for w := range before {
					for k := range keys {
						require.GreaterOrEqual(t, after[fmt.Sprint(w, "/", k)], int(before[w]))
					}
				}
			}
			stop.Store(true)
			all.Wait()
			want := content(s)
			require.NoError(t, s.Close())
			o = journaled(d, j.sync)
			s = open(t, o)
			require.Equal(t, want, content(s))
			for range persist.DefaultGenerations {
				require.NoError(t, s.Snapshot(t.Context()))
			}
			require.NoError(t, s.Close())
			require.Less(t, d.Used(), 100<<10, "old segments and snapshots are gone")
		})
	}
}

// A folder that is moved away is told, and the store takes up its service when it
// is back. One that another has come in the place of is left alone.
func TestFolderMovesAway(t *testing.T) {
	for _, j := range journalings {
		t.Run(j.name, func(t *testing.T) {
			d := j.disk()
			o := journaled(d, j.sync)
			clock := storetest.NewClock(t)
			o.Clock = clock
			var log logged
			o.Logger = log.logger()
			s := open(t, o)
			set(t, s, "a")
			require.NoError(t, d.Rename("/data/store", "/data/elsewhere"))
			_ = s.Set("b", 2) // that may be told at once, or a second later
			clock.Advance(time.Second)
			require.True(t, s.Stats().ReadOnly)
			require.Contains(t, log.String(), "not where it was")
			require.ErrorIs(t, s.Set("c", 3), store.ErrReadOnly)
			v, err := s.Get("a")
			require.NoError(t, err)
			require.Equal(t, 1, v)
			want := content(s)

			require.NoError(t, d.Mkdir("/data/store", 0o700))
			clock.Advance(time.Minute)
			require.True(t, s.Stats().ReadOnly, "this is another folder")
			entries, err := d.ReadDir("/data/store")
			require.NoError(t, err)
			require.Empty(t, entries)

			require.NoError(t, d.Remove("/data/store"))
			require.NoError(t, d.Rename("/data/elsewhere", "/data/store"))
			clock.Advance(time.Minute)
			require.False(t, s.Stats().ReadOnly)
			require.NoError(t, s.Set("c", 3))
			want["c"] = 3
			require.Equal(t, want, content(open(t, journaled(d.Image().Boot(), j.sync))))
		})
	}
}

// Without a journal, a snapshot finds out.
func TestSnapshotAfterFolderMovesAway(t *testing.T) {
	d := disk.New()
	s := open(t, journaled(d, persist.OnSnapshot))
	set(t, s, "a")
	require.NoError(t, d.Rename("/data/store", "/data/elsewhere"))
	require.NoError(t, d.Mkdir("/data/store", 0o700))
	require.ErrorContains(t, s.Snapshot(t.Context()), "not where it was")
	entries, err := d.ReadDir("/data/store")
	require.NoError(t, err)
	require.Empty(t, entries, "this is another folder")

	require.NoError(t, d.Remove("/data/store"))
	require.NoError(t, d.Rename("/data/elsewhere", "/data/store"))
	require.NoError(t, s.Snapshot(t.Context()))
	require.Equal(t, content(s), content(open(t, journaled(d.Image().Boot(), persist.OnSnapshot))))
}

// A journal's file that is cut short under the store, which faults in memory that
// is mapped to it, costs nothing either.
func TestJournalIsCutShort(t *testing.T) {
	dir := folder(t)
	clock := storetest.NewClock(t)
	s := open(t, options{Clock: clock, Capacity: 10_000, Persist: persist.Config{Dir: dir}})
	set(t, s, "a")
	files, err := filepath.Glob(filepath.Join(dir, "journal-*"))
	require.NoError(t, err)
	require.Len(t, files, 1)
	require.NoError(t, os.Truncate(files[0], 0))
	want := map[string]int{"a": 1}
	for i := range 5000 {
		key := fmt.Sprint("key-", i)
		err := s.Set(key, i)
		if err == nil {
			want[key] = i
			continue
		}
		require.True(t, s.Stats().ReadOnly)
		break
	}
	clock.Advance(time.Minute)
	require.False(t, s.Stats().ReadOnly)
	require.NoError(t, s.Set("z", 26))
	want["z"] = 26
	require.Equal(t, want, content(s))
	o := inFolder(crash(t, dir))
	o.Capacity, o.Clock = 10_000, clock
	require.Equal(t, want, content(open(t, o)))
}

// Import is durable when it returns, and all or nothing.
func TestImportIsDurable(t *testing.T) {
	other := open(t, options{})
	set(t, other, "x", "y")
	l := lock(t, other, "y")
	var export bytes.Buffer
	require.NoError(t, other.Export(&export))
	for _, j := range journalings {
		t.Run(j.name, func(t *testing.T) {
			for n := 1; ; n++ {
				d := j.disk()
				faulty := disk.Fails(d, nil)
				o := journaled(faulty, j.sync)
				clock := storetest.NewClock(t)
				o.Clock = clock
				s := open(t, o)
				set(t, s, "a", "x")
				require.NoError(t, s.Sync())
				before := content(s)
				calls, _ := faulty.Count()
				faulty.SetPlan(disk.OnlyCall(calls+n, disk.Refused, syscall.EIO))
				err := s.Import(bytes.NewReader(export.Bytes()))
				_, hits := faulty.Count()
				faulty.Heal()
				o.Persist.FS = d.Crash(disk.KeepNone).Boot()
				left := content(open(t, o))
				if err != nil {
					require.ErrorIs(t, err, syscall.EIO)
					require.Equal(t, before, content(s))
					require.Contains(t, []map[string]int{before, {"x": 1, "y": 2}}, left)
				} else {
					require.Equal(t, map[string]int{"x": 1, "y": 2}, content(s))
					require.Equal(t, map[string]int{"x": 1, "y": 2}, left)
					_, err := s.Resume("y", l.Fence())
					require.NoError(t, err)
				}
				clock.Advance(time.Minute)
				require.NoError(t, s.Set("after", 1), "it goes on")
				_ = s.Close()
				if hits == 0 {
					require.Greater(t, n, 10)
					return
				}
			}
		})
	}
}

// beforeSnapshots is a disk on which something is done, perhaps in vain, before a snapshot is
// made; nil = nothing.
type beforeSnapshots struct {
	persist.FS
	do func() error
}

func (d *beforeSnapshots) Create(name string) (persist.File, error) {
	if d.do != nil && strings.Contains(name, "snapshot") {
		if err := d.do(); err != nil {
			return nil, err
		}
	}
	return d.FS.Create(name)
}

// What happens by itself while an import is under way is written down after it if that
// fails, and not if it does not: then it was about what has gone.
func TestImportWhileEntriesAreFreed(t *testing.T) {
	for _, fate := range []error{nil, syscall.EIO} {
		for _, j := range journalings {
			t.Run(fmt.Sprint(j.name, ", ", fate), func(t *testing.T) {
				other, later := fake(t, options{})
				later.Advance(time.Minute)
				set(t, other, "dead", "used")
				var export bytes.Buffer
				require.NoError(t, other.Export(&export))
				clock := storetest.NewClock(t)
				d := j.disk()
				snapshots := &beforeSnapshots{FS: d}
				o := journaled(snapshots, j.sync)
				o.Clock, o.IdleTimeout, o.SweepInterval = clock, time.Minute, time.Hour
				s := open(t, o)
				set(t, s, "dead")
				clock.Advance(30 * time.Second)
				set(t, s, "used")
				snapshots.do = func() error {
					clock.Advance(30 * time.Second)
					require.Equal(t, 1, s.Len())
					require.NoError(t, s.Touch("used"))
					return fate
				}
				require.ErrorIs(t, s.Import(&export), fate)
				snapshots.do = nil
				require.NoError(t, s.Sync())
				o.Persist.FS, o.IdleTimeout = d.Crash(disk.KeepNone).Boot(), time.Hour
				s = open(t, o)
				require.Equal(t, fate == nil, s.Has("dead"))
				m, ok := s.Metadata("used")
				require.True(t, ok)
				if fate != nil {
					require.Equal(t, clock.Now().UTC(), m.Accessed.UTC())
				}
			})
		}
	}
}

// While an import is under way, others wait to write, and read on.
func TestImportAmongOthers(t *testing.T) {
	other := open(t, options{})
	set(t, other, "x")
	var export bytes.Buffer
	require.NoError(t, other.Export(&export))
	onSlowDisk(t, "slow", options{MaxLease: time.Second}, func(t *testing.T, s *store.Store[string, int], clock *storetest.Clock, d *slowDisk) {
		set(t, s, "a")
		lock(t, s, "a")
		waiting := start(func() error { _, err := s.Lock(context.Background(), "a", 0); return err })
		letGo := d.slow()
		importing := start(func() error { return s.Import(bytes.NewReader(export.Bytes())) })
		writing := start(func() error { return s.Set("b", 2) })
		clearing := start(s.Clear)
		clock.Advance(time.Second)
		require.True(t, importing.waits())
		require.True(t, writing.waits())
		require.True(t, clearing.waits())
		v, ok := s.Peek("a")
		require.True(t, ok)
		require.Equal(t, 1, v)
		letGo(nil)
		require.NoError(t, <-importing.done)
		require.NoError(t, <-writing.done)
		require.NoError(t, <-clearing.done)
		require.Equal(t, store.ErrNotFound, <-waiting.done)
		synctest.Wait()
	})
}

// With a smaller capacity, what has no room is gone for good, whatever comes.
func TestSmallerCapacityIsWrittenDown(t *testing.T) {
	d := disk.New()
	s := open(t, journaled(d, persist.Always))
	set(t, s, "a", "b", "c")
	o := journaled(d.Image().Boot(), persist.Always)
	o.Capacity = 2
	d2 := o.Persist.FS.(*disk.Disk)
	s = open(t, o)
	require.Equal(t, map[string]int{"b": 2, "c": 3}, content(s))
	o = journaled(d2.Image().Boot(), persist.Always)
	require.Equal(t, map[string]int{"b": 2, "c": 3}, content(open(t, o)))
}

// A large store tells how far its reading is.
func TestProgress(t *testing.T) {
	if testing.Short() {
		t.Skip()
	}
	d := disk.New()
	o := store.Options[string, string]{Persist: persist.Config{Dir: "/data/store", FS: d, MinJournal: 1 << 40}}
	s := open(t, o)
	for i := range 70 {
		require.NoError(t, s.Set(fmt.Sprint(i), strings.Repeat("x", 1<<20)))
	}
	var log logged
	o.Logger, o.Persist.FS = log.logger(), d.Image().Boot()
	require.Len(t, content(open(t, o)), 70)
	require.GreaterOrEqual(t, strings.Count(log.String(), "restoring"), 9)
}
