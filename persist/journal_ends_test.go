package persist_test

import (
	"log/slog"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/internal/disk"
	"github.com/latchkey-go/latchkey/persist"
	"github.com/latchkey-go/latchkey/store"
)

// A store that is open has its place in the journal, durably: what the segments
// before have beyond that never counts again. Where that fails, it is not opened.
func TestBeginningOfAJournalIsDurable(t *testing.T) {
	for _, w := range journalWays {
		d := disk.New()
		mustNew(t, w.on(t, d))
		frames := persist.FramesOf(d.Crash(disk.KeepNone)[segmentOne])
		require.Len(t, frames, 2, w.name)
		require.EqualValues(t, persist.FrameBegin, frames[1].Type)

		syncs := 0
		o := w.on(t, disk.New())
		o.Persist.FS = disk.Fails(o.Persist.FS, func(c disk.Call) (disk.Fault, error) {
			if c.Op == "sync" && c.Name == segmentOne {
				if syncs++; syncs == 2 { // the first is that of the header
					return disk.Refused, syscall.EIO
				}
			}
			return disk.None, nil
		})
		_, err := store.New(o)
		require.ErrorIs(t, err, syscall.EIO, w.name)
	}
}

// A store that has no room for a last snapshot is closed with its journal durable.
// Where that fails too, the manifest does not say how far the journal goes.
func TestEndOfAJournalIsDurable(t *testing.T) {
	for _, w := range journalWays {
		for _, fails := range []bool{false, true} {
			d := disk.New()
			faulty := disk.Fails(d, nil)
			o := w.on(t, d)
			o.Persist.FS = faulty
			s := mustNew(t, o)
			require.NoError(t, s.Set("a", 1))
			require.NoError(t, s.Sync())
			faulty.SetPlan(func(c disk.Call) (disk.Fault, error) {
				switch {
				case c.Op == "create" && !strings.Contains(c.Name, manifest):
					return disk.Refused, syscall.ENOSPC
				case fails && c.Op == "sync" && c.Name == segmentOne:
					return disk.Refused, syscall.EIO
				}
				return disk.None, nil
			})
			want := map[string]int{"a": 1}
			if w.sync == persist.EverySecond { // and so it is not durable yet
				require.NoError(t, s.Set("b", 2))
				if !fails {
					want["b"] = 2
				}
			}
			require.ErrorIs(t, s.Close(), syscall.ENOSPC, w.name)
			o.Persist.FS = d.Crash(disk.KeepNone).Boot()
			require.Equal(t, want, contents(mustNew(t, o)), "%s, fails %v", w.name, fails)
			if !fails {
				o.Persist.FS = withoutLastChange(d.Image()).Boot()
				_, err := store.New(o)
				require.ErrorIs(t, err, persist.ErrCorrupt, "it was closed, and so a change is missing")
			}
		}
	}
}

// withoutLastChange cuts the first segment in front of its last change.
func withoutLastChange(img disk.Image) disk.Image {
	end := 0
	for _, f := range persist.FramesOf(img[segmentOne]) {
		if f.Type == byte(persist.ChangeSet) {
			end = f.Offset
		}
	}
	return img.But(segmentOne, img[segmentOne][:end])
}

// Before a snapshot is taken, the journal goes on in another segment. If it can't be
// taken then, what is in the one before counts, and is as durable as ever.
func TestSealedSegmentIsDurable(t *testing.T) {
	for _, w := range journalWays {
		d := disk.New()
		faulty := disk.Fails(d, nil)
		o := w.on(t, d)
		o.Persist.FS = faulty
		s := mustNew(t, o)
		require.NoError(t, s.Set("a", 1))
		faulty.SetPlan(func(c disk.Call) (disk.Fault, error) {
			if c.Op == "create" && strings.Contains(c.Name, "snapshot-") {
				return disk.Refused, syscall.EIO
			}
			return disk.None, nil
		})
		require.ErrorIs(t, s.Snapshot(t.Context()), syscall.EIO)
		require.NoError(t, s.Sync())
		o.Persist.FS = d.Crash(disk.KeepNone).Boot()
		require.Equal(t, map[string]int{"a": 1}, contents(mustNew(t, o)), w.name)
	}
}

// A file whose fsync has failed is never written to again, though the disk may work
// by then: what the system has dropped would be missing in between.
func TestBrokenJournalIsLeftAlone(t *testing.T) {
	for _, d := range []*disk.Disk{disk.New(), disk.New().Mapped()} {
		faulty := disk.Fails(d, nil)
		config, err := persist.Config{Dir: storeDir, FS: faulty}.WithDefaults()
		require.NoError(t, err)
		contents := persist.Contents{Codec: "json", Schema: "string int"}
		f, err := persist.Open(config, contents, slog.New(slog.DiscardHandler))
		require.NoError(t, err)
		_, err = f.Restore(func(persist.Contents) error { return nil })
		require.NoError(t, err)
		_, _, err = f.Start(0, true)
		require.NoError(t, err)
		j := f.Journal()
		set := persist.Change{Kind: persist.ChangeSet, Key: []byte(`"a"`), Value: []byte("1"), Revision: 1, At: 1}
		j.Add(&set)
		require.NoError(t, j.Write(false))

		faulty.SetPlan(func(c disk.Call) (disk.Fault, error) {
			if c.Op == "sync" {
				return disk.Refused, syscall.EIO
			}
			return disk.None, nil
		})
		require.ErrorIs(t, j.Sync(), syscall.EIO)
		faulty.Heal()
		before := d.Image()
		j.Add(&set)
		require.ErrorIs(t, j.Write(false), syscall.EIO)
		require.ErrorIs(t, j.Write(true), syscall.EIO)
		require.Equal(t, before, d.Image())
	}
}
