package store_test

import (
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/internal/disk"
	"github.com/latchkey-go/latchkey/persist"
	"github.com/latchkey-go/latchkey/store"
	"github.com/latchkey-go/latchkey/storetest"
)

// meddledDisk is one on which something happens while a file is synced.
type meddledDisk struct {
	persist.FS
	whileSynced func() // once
}

type meddledFile struct {
	persist.File
	disk *meddledDisk
}

func (d *meddledDisk) Create(name string) (persist.File, error) {
	f, err := d.FS.Create(name)
	return meddledFile{f, d}, err
}

func (f meddledFile) Sync() error {
	if meddle := f.disk.whileSynced; meddle != nil {
		f.disk.whileSynced = nil
		meddle()
	}
	return f.File.Sync()
}

// What is written while what was written before is being synced doesn't say yet that
// this is durable: a crash may leave the one without the other, and that is no
// damage.
func TestDurableIsSaidOnceItIs(t *testing.T) {
	under := disk.New()
	d := &meddledDisk{FS: under}
	s := open(t, journaled(d, persist.EverySecond))
	set(t, s, "a")
	before := under.Image()
	var left disk.Image
	d.whileSynced = func() {
		set(t, s, "b")
		left = under.Image()
	}
	require.NoError(t, s.Sync())
	const name = "/data/store/journal-000000000001"
	require.Greater(t, len(left[name]), len(before[name]))
	left[name][len(before[name])-1] ^= 1 // of "a"
	s = open(t, journaled(left.Boot(), persist.EverySecond))
	require.Zero(t, s.Len())
	require.NotZero(t, s.Stats().TornBytes)
}

// Whoever asks for a sync that fails is told so.
func TestSyncThatFailsIsTold(t *testing.T) {
	d := disk.Fails(disk.New(), nil)
	s := open(t, journaled(d, persist.EverySecond))
	set(t, s, "a")
	d.SetPlan(func(c disk.Call) (disk.Fault, error) {
		if c.Op == "sync" {
			return disk.Refused, syscall.EIO
		}
		return disk.None, nil
	})
	require.ErrorIs(t, s.Sync(), syscall.EIO)
	require.True(t, s.Stats().ReadOnly)
	d.Heal()
}

// A store that is read-only can't promise that what was dead when it was deleted stays
// away: after a crash, and with a longer idle timeout, it would be there.
func TestDeleteOfTheDeadWhileReadOnly(t *testing.T) {
	for _, j := range journalings {
		t.Run(j.name, func(t *testing.T) {
			d := j.disk()
			o := journaled(d, j.sync)
			clock := storetest.NewClock(t)
			o.Clock, o.IdleTimeout, o.SweepInterval = clock, time.Minute, time.Hour
			s := open(t, o)
			set(t, s, "dead")
			require.NoError(t, d.Rename("/data/store", "/data/elsewhere"))
			_ = s.Set("x", 1)
			clock.Advance(time.Second)
			require.True(t, s.Stats().ReadOnly)
			clock.Advance(time.Minute)
			require.False(t, s.Has("dead"))
			for range 2 { // the second time, its memory has been freed
				err := s.Delete("dead")
				require.NoError(t, d.Rename("/data/elsewhere", "/data/store"))
				o := journaled(d.Image().Boot(), j.sync)
				o.Clock, o.IdleTimeout = clock, time.Hour
				if open(t, o).Has("dead") {
					require.ErrorIs(t, err, store.ErrReadOnly)
				}
				require.NoError(t, d.Rename("/data/store", "/data/elsewhere"))
			}
		})
	}
}

// What was freed already stays away, too, once it was deleted.
func TestDeleteOfWhatWasFreed(t *testing.T) {
	for _, j := range journalings {
		t.Run(j.name, func(t *testing.T) {
			d := j.disk()
			o := journaled(d, j.sync)
			clock := storetest.NewClock(t)
			o.Clock, o.IdleTimeout = clock, time.Minute
			s := open(t, o)
			set(t, s, "dead")
			clock.Advance(time.Minute)
			require.Zero(t, s.Len())
			require.NoError(t, s.Delete("dead"))
			o = journaled(d.Image().Boot(), j.sync)
			o.Clock, o.IdleTimeout = clock, time.Hour
			require.False(t, open(t, o).Has("dead"))
		})
	}
}
