package persist_test

import (
	"context"
	"log/slog"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/internal/disk"
	"github.com/latchkey-go/latchkey/persist"
)

func TestPeriodicSnapshots(t *testing.T) {
	d := disk.New()
	faulty := disk.Fails(d, nil)
	o := options(t, faulty)
	clock := clockOf(o)
	var log logBook
	o.Logger = log.logger()
	o.Persist.SnapshotInterval = time.Minute
	s := mustNew(t, o)
	require.Zero(t, clock.Timers(), "nothing to save, nothing armed")
	clock.Advance(time.Hour)
	require.Zero(t, s.Stats().Snapshots)

	require.NoError(t, s.Set("a", 1))
	clock.Advance(time.Minute - 1)
	require.Zero(t, s.Stats().Snapshots)
	clock.Advance(1)
	require.EqualValues(t, 1, s.Stats().Snapshots)
	require.Empty(t, cmp.Diff(map[string]int{"a": 1}, restored(t, d.Crash(disk.KeepNone))))

	clock.Advance(time.Hour)
	require.EqualValues(t, 1, s.Stats().Snapshots, "skipped when nothing changed")
	require.NoError(t, s.Sync())
	require.EqualValues(t, 1, s.Stats().Snapshots, "by Sync too")
	require.Zero(t, clock.Timers())

	require.NoError(t, s.Delete("a"))
	clock.Advance(30 * time.Second)
	require.NoError(t, s.Set("b", 2))
	clock.Advance(30 * time.Second)
	require.EqualValues(t, 2, s.Stats().Snapshots, "an interval after the first change")
	require.Empty(t, cmp.Diff(map[string]int{"b": 2}, restored(t, d.Crash(disk.KeepNone))))

	// One that fails is told and tried again.
	faulty.SetPlan(disk.EveryCallFrom(1, disk.Refused, syscall.EIO))
	require.NoError(t, s.Set("c", 3))
	clock.Advance(3 * time.Minute)
	require.EqualValues(t, 3, s.Stats().SnapshotErrors)
	require.Equal(t, 3, strings.Count(log.String(), "periodic snapshot failed"))
	faulty.Heal()
	clock.Advance(time.Minute)
	require.EqualValues(t, 3, s.Stats().Snapshots)
	require.Empty(t, cmp.Diff(map[string]int{"b": 2, "c": 3}, restored(t, d.Crash(disk.KeepNone))))
	require.NoError(t, s.Close())
	require.EqualValues(t, 3, s.Stats().Snapshots, "by Close too")
	require.Zero(t, clock.Timers())
}

// What changes while a periodic snapshot is taken is for the next one, an
// interval later, and not for one at once.
func TestChangesDuringAPeriodicSnapshot(t *testing.T) {
	faulty := disk.Fails(disk.New(), nil)
	o := options(t, faulty)
	o.Persist.SnapshotInterval = time.Minute
	s := mustNew(t, o)
	clock := clockOf(o)
	faulty.SetPlan(func(c disk.Call) (disk.Fault, error) {
		if c.Op == "sync" {
			require.NoError(t, s.Set("busy", c.N))
		}
		return disk.None, nil
	})
	require.NoError(t, s.Set("a", 1))
	for i := range 5 {
		clock.Advance(time.Minute)
		require.EqualValues(t, i+1, s.Stats().Snapshots)
	}
	faulty.Heal()
	require.NoError(t, s.Close())
}

// A folder as a tool drives it, without a store.
func TestFolderAlone(t *testing.T) {
	d := disk.New()
	config := persist.Config{FS: d, Dir: storeDir, Sync: persist.OnSnapshot}
	f, err := persist.Open(config, persist.Contents{Codec: "json"}, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	anything := func(persist.Contents) error { return nil }
	rec, err := f.Restore(anything)
	require.NoError(t, err)
	require.Empty(t, cmp.Diff(&persist.Recovered{}, rec))
	after, upTo, err := f.Start(7, false)
	require.NoError(t, err)
	require.EqualValues(t, 7, after)
	require.Greater(t, upTo, after)

	one := func(w *persist.Writer) error { return w.Write(&persist.Record{Key: []byte("k"), Value: []byte("v")}) }
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	before := d.Image()
	_, err = f.Save(ctx, persist.Header{}, one)
	require.ErrorIs(t, err, context.Canceled)
	require.True(t, before.Equal(d.Image()))
	_, err = f.Save(context.Background(), persist.Header{Fence: 9}, one)
	require.NoError(t, err)
	require.NoError(t, f.Release())

	f, err = persist.Open(config, persist.Contents{Codec: "json"}, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	rec, err = f.Restore(anything)
	require.NoError(t, err)
	require.EqualValues(t, 9, rec.Fence)
	require.Empty(t, cmp.Diff([]persist.Record{{Key: []byte("k"), Value: []byte("v"), In: &persist.Contents{Codec: "json"}}}, rec.Records))
	require.NoError(t, f.Close(9))
}

func TestSnapshotThatIsCalledOff(t *testing.T) {
	d := disk.New()
	s := mustNew(t, options(t, d))
	fill(t, s, olderState)
	require.NoError(t, s.Sync())
	fill(t, s, newerState)
	before := d.Image()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	require.ErrorIs(t, s.Snapshot(ctx), context.Canceled)
	require.True(t, before.Equal(d.Image()))
	require.NoError(t, s.Snapshot(context.Background()))
	require.Empty(t, cmp.Diff(newerState, restored(t, d.Image())))
}

// A store that had to go back to an older snapshot has something to save.
func TestDamageIsSavedOver(t *testing.T) {
	img := twoSnapshots(t)
	o := options(t, img.Without(newer).Boot())
	s := mustNew(t, o)
	require.NoError(t, s.Sync())
	require.EqualValues(t, 1, s.Stats().Snapshots)
	s = reopen(t, s, o)
	require.Zero(t, s.Stats().DamagedSnapshots)
	require.NoError(t, s.Sync())
	require.Zero(t, s.Stats().Snapshots)
}
