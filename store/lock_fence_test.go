package store_test

import (
	"bytes"
	"context"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/persist"
	"github.com/latchkey-go/latchkey/store"
	"github.com/latchkey-go/latchkey/storetest"
)

// fences sees to it that each fence is above all before it.
type fences struct{ latest uint64 }

func (f *fences) add(t *testing.T, l *store.Lease[string, int]) {
	t.Helper()
	require.Greater(t, l.Fence(), f.latest)
	f.latest = l.Fence()
}

// lock takes, and gives up, a few leases on different keys.
func (f *fences) lock(t *testing.T, s *store.Store[string, int]) {
	t.Helper()
	for _, key := range []string{"a", "b", "a", "a", "b"} {
		l := lock(t, s, key)
		f.add(t, l)
		require.NoError(t, l.Unlock())
	}
}

// leasesIn returns the options of a store in a folder.
func leasesIn(t *testing.T, clock store.Clock, dir string) store.Options[string, int] {
	t.Helper()
	return store.Options[string, int]{MaxLease: time.Hour, Clock: clock, Persist: persist.Config{Dir: dir}}
}

func TestLockFencesRiseWithinAStore(t *testing.T) {
	bubble(t, store.Options[string, int]{}, func(t *testing.T, s *store.Store[string, int], clock *storetest.Clock) {
		var f fences
		set(t, s, "a", "b")
		f.lock(t, s)
		holder := lock(t, s, "a")
		f.add(t, holder)
		all := queueUp(t, s, 3)
		f.add(t, lock(t, s, "b"))
		require.NoError(t, holder.Unlock())
		require.Equal(t, []int{0}, served(all))
		f.add(t, all[0].lease)
		clock.Advance(10 * time.Second)
		require.Equal(t, []int{0, 1}, served(all))
		f.add(t, all[1].lease)
		require.True(t, s.ForceUnlock("a"))
		require.Equal(t, []int{0, 1, 2}, served(all))
		f.add(t, all[2].lease)
		require.NoError(t, s.Clear())
		set(t, s, "a", "b")
		f.lock(t, s)
		m, ok := s.Metadata("b")
		require.True(t, ok)
		require.Equal(t, f.latest, m.Fence)
	})
}

// Over clean restarts, and over crashes that no snapshot has come before.
func TestLockFencesRiseOverRestarts(t *testing.T) {
	var f fences
	clock := storetest.NewClock(t)
	dir := folder(t)
	for range 3 {
		s := open(t, leasesIn(t, clock, dir))
		set(t, s, "a", "b")
		f.lock(t, s)
		require.NoError(t, s.Close())
	}
	for range 3 {
		s := open(t, leasesIn(t, clock, dir))
		set(t, s, "a", "b")
		f.lock(t, s)
		dir = crash(t, dir)
		require.NoError(t, s.Close())
	}
	s := open(t, leasesIn(t, clock, dir))
	set(t, s, "a", "b")
	require.NoError(t, s.Sync())
	f.lock(t, s)
	require.NoError(t, s.Close(), "with nothing in the folder but what came before the locks")
	s = open(t, leasesIn(t, clock, dir))
	f.lock(t, s)
}

// A store without a folder, or with one of its own, goes on above the fences
// that it imports, also after a crash.
func TestLockFencesRiseOverImport(t *testing.T) {
	var f fences
	clock := storetest.NewClock(t)
	dir := folder(t)
	for range 4 { // each crash costs many fences
		s := open(t, leasesIn(t, clock, dir))
		set(t, s, "a", "b")
		f.lock(t, s)
		dir = crash(t, dir)
	}
	from := open(t, leasesIn(t, clock, dir))
	set(t, from, "a", "b")
	f.lock(t, from)
	var snapshot bytes.Buffer
	require.NoError(t, from.Export(&snapshot))

	latest := f
	for _, dir := range []string{"", folder(t)} {
		f = latest
		s := open(t, leasesIn(t, clock, dir))
		set(t, s, "a", "b")
		own := lock(t, s, "b")
		require.Less(t, own.Fence(), f.latest, "else this test shows nothing")
		require.NoError(t, s.Import(bytes.NewReader(snapshot.Bytes())))
		f.lock(t, s)
		require.NoError(t, s.Import(bytes.NewReader(snapshot.Bytes())))
		f.lock(t, s)
		if dir != "" {
			s = open(t, leasesIn(t, clock, crash(t, dir)))
			set(t, s, "a", "b")
			f.lock(t, s)
		}
	}
}

func TestLockResume(t *testing.T) {
	s, clock := fake(t, store.Options[string, int]{})
	set(t, s, "a", "b")
	before := lock(t, s, "a")
	require.NoError(t, before.Unlock())
	l := lock(t, s, "a")
	other := lock(t, s, "b")
	_, err := s.Resume("a", before.Fence())
	require.Equal(t, store.ErrLeaseLost, err, "an earlier lease")
	_, err = s.Resume("a", other.Fence())
	require.Equal(t, store.ErrLeaseLost, err, "another key's")
	_, err = s.Resume("a", 0)
	require.Equal(t, store.ErrLeaseLost, err)

	again, err := s.Resume("a", l.Fence())
	require.NoError(t, err)
	require.Equal(t, l.Fence(), again.Fence())
	require.Equal(t, l.Deadline(), again.Deadline(), "Resume is no Extend")
	require.NoError(t, again.Set(7))
	value, err := l.Get()
	require.NoError(t, err)
	require.Equal(t, 7, value)
	clock.Advance(store.DefaultMaxLease)
	_, err = s.Resume("a", l.Fence())
	require.Equal(t, store.ErrLeaseLost, err, "lapsed")
	require.Equal(t, store.ErrLeaseLost, again.Set(8))

	l = lock(t, s, "a")
	require.NoError(t, l.Delete())
	_, err = s.Resume("a", l.Fence())
	require.Equal(t, store.ErrNotFound, err)
	set(t, s, "a")
	_, err = s.Resume("a", l.Fence())
	require.Equal(t, store.ErrLeaseLost, err, "a new entry")
}

// A lease outlives the store that has granted it, with a clean end and with a
// crash: the key stays locked until the deadline, or until somebody takes the
// lease up.
func TestLockResumeAfterRestart(t *testing.T) {
	for name, end := range map[string]func(t *testing.T, s *store.Store[string, int], dir string) (left string){
		"Close": func(t *testing.T, s *store.Store[string, int], dir string) string {
			require.NoError(t, s.Close())
			return dir
		},
		"crash": func(t *testing.T, s *store.Store[string, int], dir string) string {
			require.NoError(t, s.Snapshot(context.Background()))
			return crash(t, dir)
		},
	} {
		t.Run(name, func(t *testing.T) {
			clock := storetest.NewClock(t)
			dir := filepath.Join(ramDir(t), "store")
			s := open(t, leasesIn(t, clock, dir))
			set(t, s, "resumed", "forced", "lapsing", "over")
			resumed, forced, lapsing := lock(t, s, "resumed"), lock(t, s, "forced"), lock(t, s, "lapsing")
			over, err := s.TryLock("over", time.Minute)
			require.NoError(t, err)
			deadline := resumed.Deadline()
			dir = end(t, s, dir)
			clock.Advance(time.Minute)

			s = open(t, leasesIn(t, clock, dir))
			require.Equal(t, 3, s.Stats().Locked)
			_, err = s.Resume("over", over.Fence())
			require.Equal(t, store.ErrLeaseLost, err, "lapsed while the store was closed")
			require.NoError(t, s.Set("over", 7))
			for _, key := range []string{"resumed", "forced", "lapsing"} {
				require.Equal(t, store.ErrLocked, s.Set(key, 7))
			}
			_, err = s.Resume("resumed", resumed.Fence()+1)
			require.Equal(t, store.ErrLeaseLost, err, "a wrong fence")
			again, err := s.Resume("resumed", resumed.Fence())
			require.NoError(t, err)
			require.Equal(t, deadline, again.Deadline())
			require.Equal(t, resumed.Fence(), again.Fence())
			require.NoError(t, again.Set(8))
			require.NoError(t, again.Unlock())
			require.NoError(t, s.Set("resumed", 7))
			require.True(t, s.ForceUnlock("forced"))
			_, err = s.Resume("forced", forced.Fence())
			require.Equal(t, store.ErrLeaseLost, err)
			done := mustResume(t, s, "lapsing", lapsing.Fence()).Done()
			clock.Advance(time.Hour - time.Minute - 1)
			require.Equal(t, store.ErrLocked, s.Set("lapsing", 7))
			clock.Advance(1)
			require.True(t, closed(done))
			require.NoError(t, s.Set("lapsing", 7))
		})
	}
}

func mustResume(t *testing.T, s *store.Store[string, int], key string, fence uint64) *store.Lease[string, int] {
	t.Helper()
	l, err := s.Resume(key, fence)
	require.NoError(t, err)
	return l
}

// Who waits for a restored lease is served like any other.
func TestLockWaitAfterRestart(t *testing.T) {
	dir := filepath.Join(ramDir(t), "store")
	synctest.Test(t, func(t *testing.T) {
		clock := storetest.NewClock(t)
		s := open(t, leasesIn(t, clock, dir))
		set(t, s, "a")
		before, err := s.TryLock("a", time.Minute)
		require.NoError(t, err)
		lost := queueUp(t, s, 2)
		require.NoError(t, s.Close())
		refused(t, s, lost, store.ErrClosed)

		s = open(t, leasesIn(t, clock, dir))
		all := queueUp(t, s, 2)
		clock.Advance(time.Minute)
		require.Equal(t, []int{0}, served(all))
		require.Greater(t, all[0].lease.Fence(), before.Fence())
		require.NoError(t, all[0].lease.Unlock())
		require.Equal(t, []int{0, 1}, served(all))
		require.NoError(t, s.Close())
	})
}
