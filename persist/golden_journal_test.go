package persist_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/persist"
	"github.com/latchkey-go/latchkey/store"
)

// writeGoldenJournal writes the golden folder of a store that was killed: two
// generations, and a journal with all kinds of records between and behind them.
func writeGoldenJournal(t testing.TB, dir string, codec persist.Codec) {
	o := goldenOptions(t, t.TempDir(), codec)
	o.Persist.Sync = persist.Always
	clock := clockOf(o)
	s := mustNew(t, o)
	set := func(key, user string) { require.NoError(t, s.Set(key, goldenSession{User: user})) }
	set("cleared", "nobody")
	require.NoError(t, s.Clear())
	set("ada", "Ada")
	require.NoError(t, s.SetWithTTL("für immer", goldenSession{User: "späť 世界"}, store.NoExpiry))
	require.NoError(t, s.SetWithTTL("brief", goldenSession{}, time.Hour))
	set("deleted", "nobody")
	set("evicted", "nobody")
	require.NoError(t, s.Snapshot(t.Context()))

	clock.Advance(200 * time.Hour) // brief dies, and the others' idle timeouts move
	require.Equal(t, 4, s.Len())
	for _, key := range []string{"ada", "für immer", "deleted"} {
		_, err := s.Get(key)
		require.NoError(t, err)
	}
	_, err := s.Resize(3)
	require.NoError(t, err)
	require.NoError(t, s.Snapshot(t.Context()))

	clock.Advance(time.Minute + 1)
	require.NoError(t, s.Set("ada", goldenSession{User: "Ada", Cart: []string{"lamp", "oil"}, Since: goldenTime}))
	require.NoError(t, s.Delete("deleted"))
	set("locked", "Alan")
	l, err := s.TryLock("für immer", time.Hour)
	require.NoError(t, err)
	require.NoError(t, l.Unlock())
	l, err = s.TryLock("locked", time.Hour)
	require.NoError(t, err)
	require.NoError(t, l.Extend(100*time.Hour))

	require.NoError(t, os.RemoveAll(dir))
	require.NoError(t, os.MkdirAll(dir, 0o755))
	copyStore(t, o.Persist.Dir, dir)
}

// Journals of every version of the format stay readable.
func TestGoldenJournal(t *testing.T) {
	for name, codec := range goldenCodecs(t) {
		t.Run(name, func(t *testing.T) {
			golden := filepath.Join("testdata", "golden", goldenVersion, name+"-journal")
			if *update {
				writeGoldenJournal(t, golden, codec)
			}
			for _, lost := range []string{"", "snapshot-000000000002"} {
				dir := t.TempDir()
				copyStore(t, golden, dir)
				o := goldenOptions(t, dir, codec)
				if lost != "" {
					require.NoError(t, os.Remove(filepath.Join(dir, lost)))
				}
				checkGoldenJournal(t, o, lost)
			}
		})
	}
}

func checkGoldenJournal(t *testing.T, o store.Options[string, goldenSession], lost string) {
	later := goldenTime.Add(200 * time.Hour)
	last := later.Add(time.Minute + 1)
	clockOf(o).Set(last)
	s := mustNew(t, o)
	stats := s.Stats()
	require.Equal(t, lost != "", stats.DamagedSnapshots == 1)
	require.Zero(t, stats.TornBytes)
	if lost == "" {
		require.EqualValues(t, 7, stats.Replayed)
	} else {
		require.EqualValues(t, 13, stats.Replayed)
	}
	require.Empty(t, cmp.Diff(map[string]goldenSession{
		"ada":       {User: "Ada", Cart: []string{"lamp", "oil"}, Since: goldenTime},
		"für immer": {User: "späť 世界"},
		"locked":    {User: "Alan"},
	}, contents(s)))
	metadata := map[string]store.Metadata{}
	for k := range s.All() {
		metadata[k], _ = s.Metadata(k)
	}
	require.Empty(t, cmp.Diff(map[string]store.Metadata{
		"ada": {
			Weight: 1, Status: store.Active, Created: goldenTime, Updated: last, Accessed: last,
			Accesses: 1, Revision: 2, Expires: last.Add(500 * time.Hour),
		},
		"für immer": {
			Weight: 1, Status: store.Active, Created: goldenTime, Updated: goldenTime, Accessed: last,
			Accesses: 1, Revision: 1, Fence: 1, Expires: last.Add(500 * time.Hour),
		},
		"locked": {
			Weight: 1, Status: store.Locked, Created: last, Updated: last, Accessed: last,
			Revision: 1, Fence: 2, Expires: last.Add(1000 * time.Hour), LockedUntil: last.Add(100 * time.Hour),
		},
	}, metadata))
	_, err := s.Resume("locked", 2)
	require.NoError(t, err)
	l, err := s.TryLock("ada", 0)
	require.NoError(t, err)
	require.Greater(t, l.Fence(), uint64(1)<<40, "above the block that was set aside")
	require.NoError(t, s.Close())
}
