package persist_test

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/persist"
	"github.com/latchkey-go/latchkey/store"
	"github.com/latchkey-go/latchkey/storetest"
)

var update = flag.Bool("update", false, "write testdata/golden of the present format version anew")

// goldenVersion is the format version that this release writes. Those below it
// must stay readable: their folders are never written again.
const goldenVersion = "v1"

type goldenSession struct {
	User  string
	Cart  []string
	Since time.Time
}

// goldenCodecs are the codecs whose output must stay readable.
func goldenCodecs(t testing.TB) map[string]persist.Codec {
	return map[string]persist.Codec{
		"json":   persist.JSON{},
		"gob":    persist.Gob{},
		"sealed": encrypt(t, persist.JSON{}, key(42)),
	}
}

func goldenOptions(t testing.TB, dir string, codec persist.Codec) store.Options[string, goldenSession] {
	return store.Options[string, goldenSession]{
		Capacity:    10,
		TTL:         1000 * time.Hour,
		IdleTimeout: 500 * time.Hour,
		MaxLease:    200 * time.Hour,
		Clock:       storetest.NewClock(t),
		Persist:     persist.Config{Dir: dir, Codec: codec, Schema: "string goldenSession"},
	}
}

var goldenTime = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// writeGolden writes the golden folder: two snapshots of a store with a bit of
// everything in it.
func writeGolden(t testing.TB, dir string, codec persist.Codec) {
	o := goldenOptions(t, t.TempDir(), codec)
	o.Persist.Sync = persist.OnSnapshot
	clock := clockOf(o)
	s := mustNew(t, o)
	require.NoError(t, s.Set("ada", goldenSession{User: "Ada", Since: goldenTime}))
	require.NoError(t, s.SetWithTTL("für immer", goldenSession{User: "späť 世界"}, store.NoExpiry))
	require.NoError(t, s.SetWithTTL("brief", goldenSession{}, time.Hour))
	require.NoError(t, s.Snapshot(context.Background()))
	clock.Advance(time.Minute + 1)
	require.NoError(t, s.Set("ada", goldenSession{User: "Ada", Cart: []string{"lamp", "oil"}, Since: goldenTime}))
	for range 3 {
		_, err := s.Get("ada")
		require.NoError(t, err)
	}
	require.NoError(t, s.Set("locked", goldenSession{User: "Alan"}))
	l, err := s.TryLock("für immer", time.Hour)
	require.NoError(t, err)
	require.NoError(t, l.Unlock())
	_, err = s.TryLock("locked", 100*time.Hour)
	require.NoError(t, err)
	require.NoError(t, s.Close())

	require.NoError(t, os.RemoveAll(dir))
	require.NoError(t, os.MkdirAll(dir, 0o755))
	copyStore(t, o.Persist.Dir, dir)
}

// copyStore copies what counts in a store's folder.
func copyStore(t testing.TB, from, to string) {
	entries, err := os.ReadDir(from)
	require.NoError(t, err)
	for _, e := range entries {
		if e.Name() == "LOCK" {
			continue
		}
		data, err := os.ReadFile(filepath.Join(from, e.Name()))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(to, e.Name()), data, 0o600))
	}
}

// Files of every version of the format stay readable.
func TestGolden(t *testing.T) {
	for name, codec := range goldenCodecs(t) {
		t.Run(name, func(t *testing.T) {
			golden := filepath.Join("testdata", "golden", goldenVersion, name)
			if *update {
				writeGolden(t, golden, codec)
			}
			dir := t.TempDir()
			copyStore(t, golden, dir)
			checkGolden(t, goldenOptions(t, dir, codec))
		})
	}
}

func checkGolden(t *testing.T, o store.Options[string, goldenSession]) {
	clock := clockOf(o)
	clock.Advance(2 * time.Hour)
	s := mustNew(t, o)
	require.Zero(t, s.Stats().DamagedSnapshots)
	want := map[string]goldenSession{
		"ada":       {User: "Ada", Cart: []string{"lamp", "oil"}, Since: goldenTime},
		"für immer": {User: "späť 世界"},
		"locked":    {User: "Alan"},
	}
	require.Empty(t, cmp.Diff(want, contents(s)))
	later := goldenTime.Add(time.Minute + 1)
	metadata := map[string]store.Metadata{}
	for k := range want {
		metadata[k], _ = s.Metadata(k)
	}
	require.Empty(t, cmp.Diff(map[string]store.Metadata{
		"ada": {
			Weight: 1, Status: store.Active, Created: goldenTime, Updated: later, Accessed: later,
			Accesses: 3, Revision: 2, Expires: later.Add(500 * time.Hour),
		},
		"für immer": {
			Weight: 1, Status: store.Active, Created: goldenTime, Updated: goldenTime, Accessed: later,
			Revision: 1, Fence: 1, Expires: later.Add(500 * time.Hour),
		},
		"locked": {
			Weight: 1, Status: store.Locked, Created: later, Updated: later, Accessed: later,
			Revision: 1, Fence: 2, Expires: later.Add(1000 * time.Hour), LockedUntil: later.Add(100 * time.Hour),
		},
	}, metadata))

	_, err := s.Resume("locked", 2)
	require.NoError(t, err)
	l, err := s.TryLock("ada", 0)
	require.NoError(t, err)
	require.EqualValues(t, 3, l.Fence())
	require.NoError(t, l.Unlock())
	require.NoError(t, s.Close())

	// It goes on from there, and its snapshots follow those that were.
	s = mustNew(t, o)
	require.Empty(t, cmp.Diff(want, contents(s)))
	require.NoError(t, s.Close())
	names, err := filepath.Glob(filepath.Join(o.Persist.Dir, "snapshot-*"))
	require.NoError(t, err)
	require.Len(t, names, 2)
	newest := "snapshot-000000000003"
	if o.Persist.Codec.ID() == "gob" {
		newest = "snapshot-000000000004" // what was not yet described was encoded anew
	}
	require.Equal(t, newest, filepath.Base(names[1]))
}

// The generation before the newest can be gone back to.
func TestGoldenOlderGeneration(t *testing.T) {
	dir := t.TempDir()
	copyStore(t, filepath.Join("testdata", "golden", "v1", "json"), dir)
	require.NoError(t, os.Remove(filepath.Join(dir, "snapshot-000000000002")))
	s := mustNew(t, goldenOptions(t, dir, persist.JSON{}))
	require.Equal(t, 1, s.Stats().DamagedSnapshots)
	require.Empty(t, cmp.Diff(map[string]goldenSession{
		"ada":       {User: "Ada", Since: goldenTime},
		"für immer": {User: "späť 世界"},
		"brief":     {},
	}, contents(s)))
	require.NoError(t, s.Close())
}
