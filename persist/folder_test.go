package persist_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/internal/disk"
	"github.com/latchkey-go/latchkey/persist"
	"github.com/latchkey-go/latchkey/store"
)

// onDisk are the options of a store in a folder of the real file system.
func onDisk(t testing.TB, dir string) store.Options[string, int] {
	o := options(t, persist.OS)
	o.Persist.Dir = dir
	return o
}

// onlyOwner makes sure that nobody else can read a folder and what is in it.
func onlyOwner(t testing.TB, dir string) {
	t.Helper()
	if runtime.GOOS == "windows" {
		return
	}
	require.NoError(t, filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		require.NoError(t, err)
		info, err := d.Info()
		require.NoError(t, err)
		want := fs.FileMode(0o600)
		if d.IsDir() {
			want = 0o700
		}
		require.Equal(t, want, info.Mode().Perm(), name)
		return nil
	}))
}

func TestFolderIsMadeForItsOwnerAlone(t *testing.T) {
	top := filepath.Join(t.TempDir(), "new")
	dir := filepath.Join(top, "and", "deep")
	s := mustNew(t, onDisk(t, dir))
	fill(t, s, newerState)
	require.NoError(t, s.Snapshot(context.Background()))
	onlyOwner(t, top)
	require.NoError(t, s.Close())
	onlyOwner(t, top)
	require.Empty(t, cmp.Diff(newerState, contents(mustNew(t, onDisk(t, dir)))))
}

func TestFolderThatOthersCouldRead(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "given")
	require.NoError(t, os.Mkdir(dir, 0o755))
	s := mustNew(t, onDisk(t, dir))
	require.NoError(t, s.Close())
	onlyOwner(t, dir)
}

func TestFolderThatIsAFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, []byte("something"), 0o600))
	for _, dir := range []string{file, filepath.Join(file, "below")} {
		_, err := store.New(onDisk(t, dir))
		require.Error(t, err)
		require.Contains(t, err.Error(), "file")
	}
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, "something", string(data))
}

func TestFolderInUse(t *testing.T) {
	dir := t.TempDir()
	s := mustNew(t, onDisk(t, dir))
	_, err := store.New(onDisk(t, dir))
	require.ErrorIs(t, err, persist.ErrInUse)
	require.NoError(t, s.Set("a", 1), "the first goes on")
	require.NoError(t, s.Close())
	s = mustNew(t, onDisk(t, dir))
	require.Empty(t, cmp.Diff(map[string]int{"a": 1}, contents(s)))
	require.NoError(t, s.Close())
}

// A folder is free again after an opening that failed.
func TestFolderIsFreeAfterAFailedOpening(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, mustNew(t, onDisk(t, dir)).Close())
	intact, err := os.ReadFile(filepath.Join(dir, "MANIFEST"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "MANIFEST"), []byte("rubbish"), 0o600))
	_, err = store.New(onDisk(t, dir))
	require.ErrorIs(t, err, persist.ErrCorrupt)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "MANIFEST"), intact, 0o600))
	require.NoError(t, mustNew(t, onDisk(t, dir)).Close())
}

func TestFolderOfSomebodyElse(t *testing.T) {
	img := emptyFolder()
	img[storeDir+"/thesis.txt"] = []byte("years of work")
	d := img.Boot()
	_, err := store.New(options(t, d))
	require.ErrorIs(t, err, persist.ErrForeign)
	require.ErrorContains(t, err, `"thesis.txt"`)
	require.True(t, img.Equal(d.Image()), "not even a LOCK")

	// What a volume brings along does not count.
	img = emptyFolder()
	img[storeDir+"/lost+found"] = nil
	img[storeDir+"/.nfs0001"] = []byte("x")
	require.NoError(t, mustNew(t, options(t, img.Boot())).Close())
}

func TestFolderThatCannotBeWritten(t *testing.T) {
	for _, cause := range []error{syscall.EROFS, syscall.EACCES} {
		readOnly := func(c disk.Call) (disk.Fault, error) {
			switch c.Op {
			case "stat", "readdir", "open", "read", "close", "unlock":
				return disk.None, nil
			}
			return disk.Refused, cause
		}
		// A new one, and one with a store in it.
		for _, img := range []disk.Image{disk.New().Image(), twoSnapshots(t)} {
			d := img.Boot()
			_, err := store.New(options(t, disk.Fails(d, readOnly)))
			require.ErrorIs(t, err, cause)
			require.True(t, img.Equal(d.Image()))
		}

		// One that turns so while the store is open.
		d := disk.New()
		faulty := disk.Fails(d, nil)
		s := mustNew(t, options(t, faulty))
		fill(t, s, olderState)
		require.NoError(t, s.Sync())
		faulty.SetPlan(readOnly)
		fill(t, s, newerState)
		require.ErrorIs(t, s.Sync(), cause)
		require.Empty(t, cmp.Diff(newerState, contents(s)))
		require.ErrorIs(t, s.Close(), cause)
		require.Empty(t, cmp.Diff(olderState, restored(t, d.Image())))
	}
}

// Folders far above may be somebody else's: that they can't be synced by us is
// no reason to refuse, but that the disk fails is.
func TestFoldersAboveThatCannotBeSynced(t *testing.T) {
	for cause, refuses := range map[error]bool{syscall.EACCES: false, syscall.EINVAL: false, errors.ErrUnsupported: false, syscall.EIO: true} {
		d := disk.New()
		_, err := store.New(options(t, disk.Fails(d, func(c disk.Call) (disk.Fault, error) {
			if c.Op == "syncdir" && !strings.HasPrefix(c.Name, storeDir) {
				return disk.Refused, cause
			}
			return disk.None, nil
		})))
		if refuses {
			require.ErrorIs(t, err, cause)
		} else {
			require.NoError(t, err)
		}
	}
}

// A disk that is full keeps the snapshot before, leaves nothing behind and
// takes the next one when there is room.
func TestFullDisk(t *testing.T) {
	d := disk.New()
	s := mustNew(t, options(t, d))
	fill(t, s, olderState)
	require.NoError(t, s.Sync())
	fill(t, s, newerState)
	before := d.Image()
	used := 0
	for _, data := range before {
		used += len(data)
	}
	failures := 0
	for extra := 1; ; extra++ {
		d.Limit(used + extra)
		err := s.Sync()
		if err == nil {
			break
		}
		failures++
		require.ErrorIs(t, err, syscall.ENOSPC)
		require.True(t, before.Equal(d.Image()), "with room for %d bytes", extra)
		require.Empty(t, cmp.Diff(newerState, contents(s)))
	}
	require.Greater(t, failures, 500)
	require.EqualValues(t, failures, s.Stats().SnapshotErrors)
	require.Empty(t, cmp.Diff(newerState, restored(t, d.Crash(disk.KeepNone))))
}

func TestLeftoversOfACrash(t *testing.T) {
	img := twoSnapshots(t)
	img[storeDir+"/MANIFEST.tmp"] = []byte("half a manif")
	img[storeDir+"/snapshot-000000000003.tmp"] = []byte("half a snap")
	img[storeDir+"/mine.tmp"] = []byte("not the store's")
	worksAsNew(t, img)
	d := img.Boot()
	s := mustNew(t, options(t, d))
	require.NoError(t, s.Set("d", 1))
	require.NoError(t, s.Close())
	var names []string
	for name := range d.Image() {
		if strings.HasPrefix(name, storeDir+"/") {
			names = append(names, filepath.Base(name))
		}
	}
	// Its number was taken: the name is not used again.
	require.ElementsMatch(t, []string{"LOCK", "MANIFEST", "mine.tmp", "snapshot-000000000002", "snapshot-000000000004"}, names)
}

func TestGenerations(t *testing.T) {
	for _, keep := range []int{0, 1, 2, 5} {
		d := disk.New()
		o := options(t, d)
		o.Persist.Generations = keep
		s := mustNew(t, o)
		if keep == 0 {
			keep = persist.DefaultGenerations
		}
		for i := range 8 {
			require.NoError(t, s.Set("n", i))
			require.NoError(t, s.Sync())
			_, generations, err := persist.ReadManifest(d, storeDir)
			require.NoError(t, err)
			require.Len(t, generations, min(i+1, keep))
			require.EqualValues(t, i+1, generations[len(generations)-1])
			require.Equal(t, min(i+1, keep), snapshotFiles(d))
		}
		require.NoError(t, s.Close())
		// Each of those kept can be gone back to.
		img := d.Image()
		for back := range keep {
			require.Empty(t, cmp.Diff(map[string]int{"n": 7 - back}, restored(t, img)))
			img = img.Without(snapshotPath(8 - back))
		}
		_, err := store.New(options(t, img.Boot()))
		require.ErrorIs(t, err, persist.ErrCorrupt)
	}
}

func snapshotPath(generation int) string {
	return fmt.Sprintf("%s/snapshot-%012d", storeDir, generation)
}

func TestFewerGenerationsThanBefore(t *testing.T) {
	d := disk.New()
	o := options(t, d)
	o.Persist.Generations = 5
	s := mustNew(t, o)
	for i := range 5 {
		require.NoError(t, s.Set("n", i))
		require.NoError(t, s.Sync())
	}
	require.NoError(t, s.Close())
	o.Persist.Generations = 2
	s = mustNew(t, o)
	require.NoError(t, s.Set("n", 5))
	require.NoError(t, s.Close())
	_, generations, err := persist.ReadManifest(d, storeDir)
	require.NoError(t, err)
	require.Equal(t, []uint64{5, 6}, generations)
	require.NotContains(t, d.Image(), snapshotPath(4))
}
