package persist_test

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/internal/disk"
	"github.com/latchkey-go/latchkey/internal/testenv"
	"github.com/latchkey-go/latchkey/persist"
	"github.com/latchkey-go/latchkey/store"
)

var (
	olderState = map[string]int{"a": 1, "b": 1}
	newerState = map[string]int{"b": 2, "c": 2}
)

const (
	manifest = storeDir + "/MANIFEST"
	older    = storeDir + "/snapshot-000000000001"
	newer    = storeDir + "/snapshot-000000000002"
)

// twoSnapshots returns the disk of a closed store that has taken two snapshots.
func twoSnapshots(t testing.TB) disk.Image {
	d := disk.New()
	s := mustNew(t, options(t, d))
	fill(t, s, olderState)
	require.NoError(t, s.Snapshot(context.Background()))
	fill(t, s, newerState)
	require.NoError(t, s.Snapshot(context.Background()))
	require.NoError(t, s.Close())
	img := d.Image()
	require.Contains(t, img, older)
	require.Contains(t, img, newer)
	return img
}

// fill makes state the content of a store.
func fill(t testing.TB, s *store.Store[string, int], state map[string]int) {
	t.Helper()
	require.NoError(t, s.Clear())
	for key, value := range state {
		require.NoError(t, s.Set(key, value))
	}
}

// refusesToOpen makes sure that the damage is told, with the file and a place
// no later than at, and that nothing is changed.
func refusesToOpen(t testing.TB, img disk.Image, file string, at int) {
	t.Helper()
	d := img.Boot()
	_, err := store.New(options(t, d))
	require.ErrorIs(t, err, persist.ErrCorrupt)
	tellsPlace(t, err.Error(), file, at)
	require.True(t, img.Equal(d.Image()), "the disk must stay as it is")
}

var place = regexp.MustCompile(`damaged: (\S+) at byte (\d+): `)

func tellsPlace(t testing.TB, text, file string, at int) {
	t.Helper()
	found := place.FindStringSubmatch(text)
	require.NotNil(t, found, text)
	require.Equal(t, filepath.Base(file), found[1])
	offset, err := strconv.Atoi(found[2])
	require.NoError(t, err)
	require.LessOrEqual(t, offset, at, text)
}

// fallsBack makes sure that the older snapshot is used, that this is told, and
// that the damaged newer one stays as it is, for ever.
func fallsBack(t testing.TB, img disk.Image, at int) {
	t.Helper()
	d := img.Boot()
	o := options(t, d)
	var log logBook
	o.Logger = log.logger()
	s := mustNew(t, o)
	require.Empty(t, cmp.Diff(olderState, contents(s)))
	require.Equal(t, 1, s.Stats().DamagedSnapshots)
	require.Contains(t, log.String(), "snapshot can't be used")
	require.Contains(t, log.String(), "file="+filepath.Base(newer))
	if _, ok := img[newer]; ok {
		tellsPlace(t, log.String(), newer, at)
	}
	for i := range 3 {
		require.NoError(t, s.Set("d", i))
		require.NoError(t, s.Snapshot(context.Background()))
	}
	require.NoError(t, s.Close())
	require.Equal(t, img[newer], d.Image()[newer], "the damaged snapshot must stay as it is")
	want := map[string]int{"a": 1, "b": 1, "d": 2}
	require.Empty(t, cmp.Diff(want, restored(t, d.Image())))
}

// worksAsNew makes sure that the newest state is there and nothing is wrong.
func worksAsNew(t testing.TB, img disk.Image) {
	t.Helper()
	o := options(t, img.Boot())
	var log logBook
	o.Logger = log.logger()
	s := mustNew(t, o)
	require.Empty(t, cmp.Diff(newerState, contents(s)))
	require.Zero(t, s.Stats().DamagedSnapshots)
	require.Empty(t, log.String())
}

// allDamage calls f for every cut and every flipped bit of data, with the
// first byte that is not as it was.
func allDamage(t testing.TB, data []byte, f func(damaged []byte, at int)) {
	damageUpTo(t, data, len(data), f)
}

// damageUpTo is allDamage for the first n bytes.
func damageUpTo(t testing.TB, data []byte, n int, f func(damaged []byte, at int)) {
	var what string
	defer func() {
		if t.Failed() {
			t.Log(what)
		}
	}()
	for i := range n {
		what = fmt.Sprintf("cut at %d of %d", i, len(data))
		f(slices.Clone(data[:i]), i)
	}
	for i := range n {
		for bit := range 8 {
			if testenv.Race && bit != i%8 {
				continue
			}
			what = fmt.Sprintf("bit %d of byte %d flipped", bit, i)
			flipped := slices.Clone(data)
			flipped[i] ^= 1 << bit
			f(flipped, i)
		}
	}
	what = "a byte added"
	f(append(slices.Clone(data), 0), len(data))
	what = "written twice"
	f(append(slices.Clone(data), data...), len(data))
}

func TestAllDamageToTheManifest(t *testing.T) {
	t.Parallel()
	img := twoSnapshots(t)
	allDamage(t, img[manifest], func(damaged []byte, at int) {
		refusesToOpen(t, img.But(manifest, damaged), manifest, at)
	})
}

func TestAllDamageToTheNewestSnapshot(t *testing.T) {
	t.Parallel()
	img := twoSnapshots(t)
	allDamage(t, img[newer], func(damaged []byte, at int) {
		fallsBack(t, img.But(newer, damaged), at)
	})
}

func TestAllDamageToTheOlderSnapshot(t *testing.T) {
	t.Parallel()
	img := twoSnapshots(t)
	allDamage(t, img[older], func(damaged []byte, _ int) {
		worksAsNew(t, img.But(older, damaged))
	})
}

func TestAllDamageToTheOnlySnapshot(t *testing.T) {
	t.Parallel()
	img := twoSnapshots(t).Without(older)
	allDamage(t, img[newer], func(damaged []byte, at int) {
		refusesToOpen(t, img.But(newer, damaged), newer, at)
	})
}

func TestAllDamageToAnExport(t *testing.T) {
	t.Parallel()
	s := mustNew(t, store.Options[string, int]{})
	fill(t, s, newerState)
	var b bytes.Buffer
	require.NoError(t, s.Export(&b))
	allDamage(t, b.Bytes(), func(damaged []byte, at int) {
		err := s.Import(bytes.NewReader(damaged))
		require.ErrorIs(t, err, persist.ErrCorrupt)
		tellsPlace(t, err.Error(), "import", at)
		require.Empty(t, cmp.Diff(newerState, contents(s)))
	})
	require.NoError(t, s.Import(&b))
}

func TestSnapshotsInTheWrongPlace(t *testing.T) {
	img := twoSnapshots(t)
	other := twoSnapshots(t)
	all := len(img[newer])

	t.Run("swapped", func(t *testing.T) {
		refusesToOpen(t, img.But(newer, img[older]).But(older, img[newer]), newer, all)
	})
	t.Run("the older in place of the newer", func(t *testing.T) {
		fallsBack(t, img.But(newer, img[older]), all)
	})
	t.Run("another store's in place of the newer", func(t *testing.T) {
		fallsBack(t, img.But(newer, other[newer]), all)
	})
	t.Run("an export in place of the newer", func(t *testing.T) {
		s := mustNew(t, store.Options[string, int]{})
		var b bytes.Buffer
		require.NoError(t, s.Export(&b))
		fallsBack(t, img.But(newer, b.Bytes()), all)
	})
	t.Run("the manifest in place of the newer", func(t *testing.T) {
		fallsBack(t, img.But(newer, img[manifest]), all)
	})
	t.Run("a snapshot in place of the manifest", func(t *testing.T) {
		refusesToOpen(t, img.But(manifest, img[newer]), manifest, all)
	})
	t.Run("another store's manifest", func(t *testing.T) {
		refusesToOpen(t, img.But(manifest, other[manifest]), newer, all)
	})
	t.Run("no manifest", func(t *testing.T) {
		d := img.Without(manifest).Boot()
		_, err := store.New(options(t, d))
		require.ErrorIs(t, err, persist.ErrCorrupt)
		require.ErrorContains(t, err, "MANIFEST is missing")
		require.Empty(t, cmp.Diff(img.Without(manifest), d.Image()))
	})
	t.Run("no newer", func(t *testing.T) { fallsBack(t, img.Without(newer), all) })
	t.Run("no older", func(t *testing.T) { worksAsNew(t, img.Without(older)) })
	t.Run("both damaged beside what a crash has left", func(t *testing.T) {
		left := img.But(older, []byte("x")).But(newer, []byte("x"))
		left[storeDir+"/snapshot-000000000003.tmp"] = []byte("perhaps all there is")
		refusesToOpen(t, left, newer, all)
	})
	t.Run("neither", func(t *testing.T) {
		d := img.Without(older, newer).Boot()
		_, err := store.New(options(t, d))
		require.ErrorIs(t, err, persist.ErrCorrupt)
		require.ErrorContains(t, err, filepath.Base(older)+" is missing")
		require.ErrorContains(t, err, filepath.Base(newer)+" is missing")
		require.Empty(t, cmp.Diff(img.Without(older, newer), d.Image()))
	})
}

// Files that the manifest does not name are nobody's: they are not read,
// changed or removed, and their names are not used.
func TestSnapshotsThatNobodyNames(t *testing.T) {
	img := twoSnapshots(t)
	strays := disk.Image{
		storeDir + "/snapshot-000000000004": img[older],
		storeDir + "/snapshot-000000000009": []byte("rubbish"),
		storeDir + "/snapshot-3":            []byte("not a name of ours"),

		storeDir + "/snapshot-18446744073709551615": img[older],
		storeDir + "/backup.tgz":                    []byte("an operator's"),
	}
	for name, data := range strays {
		img = img.But(name, data)
	}
	worksAsNew(t, img)
	d := img.Boot()
	s := mustNew(t, options(t, d))
	for i := range 3 {
		require.NoError(t, s.Set("d", i))
		require.NoError(t, s.Sync())
	}
	require.NoError(t, s.Close())
	left := d.Image()
	for name, data := range strays {
		require.Equal(t, data, left[name], name)
	}
	_, generations, err := persist.ReadManifest(d, storeDir)
	require.NoError(t, err)
	require.Equal(t, []uint64{11, 12}, generations)
}

// A snapshot that was damaged while it was written is never named: it is read
// back first.
func TestDamageWhileWriting(t *testing.T) {
	d := disk.New()
	bad := &flippingFS{FS: d}
	s := mustNew(t, options(t, bad))
	fill(t, s, olderState)
	require.NoError(t, s.Snapshot(context.Background()))
	fill(t, s, newerState)
	bad.flips = true
	err := s.Snapshot(context.Background())
	require.ErrorIs(t, err, persist.ErrCorrupt)
	require.ErrorContains(t, err, "reading it back")
	require.EqualValues(t, 1, s.Stats().SnapshotErrors)
	require.Empty(t, cmp.Diff(olderState, restored(t, d.Image())))
	bad.flips = false
	require.NoError(t, s.Snapshot(context.Background()))
	require.Empty(t, cmp.Diff(newerState, restored(t, d.Image())))
	for name := range d.Image() {
		require.False(t, strings.HasSuffix(name, ".tmp"), name)
	}
}

// flippingFS writes some snapshots with a bit flipped.
type flippingFS struct {
	persist.FS
	flips bool
}

func (f *flippingFS) Create(name string) (persist.File, error) {
	file, err := f.FS.Create(name)
	if f.flips && strings.Contains(name, "snapshot") {
		file = flippingFile{file}
	}
	return file, err
}

type flippingFile struct{ persist.File }

func (f flippingFile) Write(b []byte) (int, error) {
	b = slices.Clone(b)
	b[len(b)/2] ^= 4
	return f.File.Write(b)
}
