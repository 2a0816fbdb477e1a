package persist_test

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/internal/disk"
	"github.com/latchkey-go/latchkey/internal/testenv"
	"github.com/latchkey-go/latchkey/persist"
	"github.com/latchkey-go/latchkey/store"
	"github.com/latchkey-go/latchkey/storetest"
)

// quiet is a log that nobody reads.
var quiet = slog.New(slog.DiscardHandler)

type cart struct {
	User  string
	Items []int
}

// workshop is a folder that a store has worked in, for the tools to work on.
type workshop struct {
	name  string
	codec persist.Codec
	sync  persist.Sync
	img   disk.Image
	clean bool // the store was closed; else it was stopped dead

	stride int // of damage, in bytes: each takes its time
}

// tool is the configuration with which tools open the folder on a disk.
func (w workshop) tool(d persist.FS) persist.Config {
	c := persist.Config{FS: d, Dir: storeDir}
	if strings.HasPrefix(w.codec.ID(), "aes") {
		c.Codec = w.codec
	}
	return c
}

// files returns the paths of the files that hold something.
func (w workshop) files() []string {
	var names []string
	for name, data := range w.img {
		if data != nil && filepath.Base(name) != "LOCK" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func (w workshop) options(t testing.TB, d persist.FS) store.Options[string, cart] {
	return store.Options[string, cart]{
		Capacity: 6,
		TTL:      time.Hour,
		Clock:    storetest.NewClock(t),
		Persist:  persist.Config{FS: d, Dir: storeDir, Sync: w.sync, Codec: w.codec},
	}
}

// workshops returns folders of all kinds: each way to sync, each codec, closed and
// stopped dead.
func workshops(t testing.TB) []workshop {
	var all []workshop
	stride := 1
	if testenv.Race {
		stride = 11
	}
	for _, codec := range []persist.Codec{
		persist.JSON{},
		persist.Gob{},
		encrypt(t, persist.JSON{}, key(7)), encrypt(t, persist.Gob{}, key(7)),
	} {
		for _, sync := range []persist.Sync{persist.Always, persist.EverySecond, persist.OnSnapshot} {
			for _, clean := range []bool{true, false} {
				w := workshop{codec: codec, sync: sync, clean: clean, stride: stride}
				w.name = fmt.Sprintf("%s %v closed=%t", codec.ID(), sync, clean)
				w.work(t)
				all = append(all, w)
			}
			stride = 11
		}
	}
	return all
}

// work has two stores work in the folder, one after the other, so that there are
// two snapshots and several segments.
func (w *workshop) work(t testing.TB) {
	d := disk.New()
	s := mustNew(t, w.options(t, d))
	for i := range 5 {
		require.NoError(t, s.Set(fmt.Sprint("customer-", i), cart{fmt.Sprint("user ", i), []int{i}}))
	}
	require.NoError(t, s.Snapshot(t.Context()))
	require.NoError(t, s.Delete("customer-0"))
	l, err := s.TryLock("customer-1", 0)
	require.NoError(t, err)
	require.NoError(t, l.Set(cart{"user 1", []int{1, 1}}))
	require.NoError(t, s.Close())

	o := w.options(t, d)
	o.Clock.(*storetest.Clock).Advance(time.Second)
	s = mustNew(t, o)
	for i := range 3 {
		require.NoError(t, s.SetWithTTL(fmt.Sprint("customer-", 5+i), cart{"late", []int{5 + i}}, store.NoExpiry))
	}
	_, err = s.Get("customer-4")
	require.NoError(t, err)
	require.NoError(t, s.Set("customer-4", cart{"user 4", nil}))
	_, err = s.TryLock("customer-3", 0)
	require.NoError(t, err)
	_, err = s.Resize(7)
	require.NoError(t, err)
	w.img = d.Image()
	require.NoError(t, s.Close())
	if w.clean {
		w.img = d.Image()
	}
}

// entries are records by their keys, as they are on disk.
type entries map[string]persist.Record

func entriesOf(t testing.TB, records []persist.Record) entries {
	t.Helper()
	all := make(entries, len(records))
	for _, r := range records {
		r.In = nil
		all[string(r.Key)] = r
	}
	require.Len(t, all, len(records), "each key once")
	return all
}

// restoredEntries returns what a store would find in the folder.
func restoredEntries(t testing.TB, c persist.Config) (entries, *persist.Recovered) {
	t.Helper()
	f, err := persist.OpenExisting(c, quiet)
	require.NoError(t, err)
	rec, err := f.Restore(func(persist.Contents) error { return nil })
	require.NoError(t, err)
	require.NoError(t, f.Release())
	return entriesOf(t, rec.Records), rec
}

func salvagedEntries(t testing.TB, s *persist.Salvaged) entries {
	t.Helper()
	var all []persist.Record
	for _, g := range s.Groups {
		all = append(all, g.Records...)
	}
	return entriesOf(t, all)
}

// same makes sure that entries are the same, and tells the difference only if there
// is one: that takes long.
func same(t testing.TB, want, got entries) {
	t.Helper()
	if !reflect.DeepEqual(want, got) {
		require.Empty(t, cmp.Diff(want, got))
	}
}
