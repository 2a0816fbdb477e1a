package persist_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/persist"
)

func TestPeriodicSnapshots(t *testing.T) {
	disk := newMemFS()
	faulty := &faultFS{under: disk}
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
	require.Empty(t, cmp.Diff(map[string]int{"a": 1}, restored(t, disk.crash(keepNone))))

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
	require.Empty(t, cmp.Diff(map[string]int{"b": 2}, restored(t, disk.crash(keepNone))))

	// One that fails is told and tried again.
	faulty.setPlan(everyCallFrom(1, refused, syscall.EIO))
	require.NoError(t, s.Set("c", 3))
	clock.Advance(3 * time.Minute)
	require.EqualValues(t, 3, s.Stats().SnapshotErrors)
	require.Equal(t, 3, strings.Count(log.String(), "periodic snapshot failed"))
	faulty.heal()
	clock.Advance(time.Minute)
	require.EqualValues(t, 3, s.Stats().Snapshots)
	require.Empty(t, cmp.Diff(map[string]int{"b": 2, "c": 3}, restored(t, disk.crash(keepNone))))
	require.NoError(t, s.Close())
	require.EqualValues(t, 3, s.Stats().Snapshots, "by Close too")
	require.Zero(t, clock.Timers())
}

// What changes while a periodic snapshot is taken is for the next one, an
// interval later, and not for one at once.
func TestChangesDuringAPeriodicSnapshot(t *testing.T) {
	faulty := &faultFS{under: newMemFS()}
	o := options(t, faulty)
	o.Persist.SnapshotInterval = time.Minute
	s := mustNew(t, o)
	clock := clockOf(o)
	faulty.setPlan(func(c call) (fault, error) {
		if c.op == "sync" {
			require.NoError(t, s.Set("busy", c.n))
		}
		return none, nil
	})
	require.NoError(t, s.Set("a", 1))
	for i := range 5 {
		clock.Advance(time.Minute)
		require.EqualValues(t, i+1, s.Stats().Snapshots)
	}
	faulty.heal()
	require.NoError(t, s.Close())
}

// A folder as a tool drives it, without a store.
func TestFolderAlone(t *testing.T) {
	disk := newMemFS()
	config := persist.On(disk, persist.Config{Dir: storeDir})
	f, err := persist.Open(config, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	never := func(*persist.Reader) error { return errors.New("there is no snapshot") }
	damaged, err := f.Restore(never)
	require.NoError(t, err)
	require.Zero(t, damaged)
	after, upTo, err := f.Reserve(7)
	require.NoError(t, err)
	require.EqualValues(t, 7, after)
	require.Greater(t, upTo, after)

	one := func(w *persist.Writer) error { return w.Write(&persist.Record{Key: []byte("k"), Value: []byte("v")}) }
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	before := disk.image()
	_, err = f.Save(ctx, persist.Header{}, one)
	require.ErrorIs(t, err, context.Canceled)
	require.Empty(t, cmp.Diff(before, disk.image()))
	_, err = f.Save(context.Background(), persist.Header{Fence: 9}, one)
	require.NoError(t, err)
	require.NoError(t, f.Release())

	f, err = persist.Open(config, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	var got []persist.Record
	_, err = f.Restore(func(r *persist.Reader) error {
		require.EqualValues(t, 9, r.Header().Fence)
		for {
			rec, err := r.Next()
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return err
			}
			rec.Key, rec.Value = bytes.Clone(rec.Key), bytes.Clone(rec.Value)
			got = append(got, rec)
		}
	})
	require.NoError(t, err)
	require.Empty(t, cmp.Diff([]persist.Record{{Key: []byte("k"), Value: []byte("v")}}, got))
	require.NoError(t, f.Close(9))
}

func TestSnapshotThatIsCalledOff(t *testing.T) {
	disk := newMemFS()
	s := mustNew(t, options(t, disk))
	fill(t, s, olderState)
	require.NoError(t, s.Sync())
	fill(t, s, newerState)
	before := disk.image()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	require.ErrorIs(t, s.Snapshot(ctx), context.Canceled)
	require.Empty(t, cmp.Diff(before, disk.image()))
	require.NoError(t, s.Snapshot(context.Background()))
	require.Empty(t, cmp.Diff(newerState, restored(t, disk.kill())))
}

// A store that had to go back to an older snapshot has something to save.
func TestDamageIsSavedOver(t *testing.T) {
	img := twoSnapshots(t)
	o := options(t, img.without(newer).boot())
	s := mustNew(t, o)
	require.NoError(t, s.Sync())
	require.EqualValues(t, 1, s.Stats().Snapshots)
	s = reopen(t, s, o)
	require.Zero(t, s.Stats().DamagedSnapshots)
	require.NoError(t, s.Sync())
	require.Zero(t, s.Stats().Snapshots)
}
