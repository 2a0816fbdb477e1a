package store_test

import (
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/internal/disk"
	"github.com/latchkey-go/latchkey/persist"
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
