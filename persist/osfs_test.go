package persist_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/persist"
)

// What the tests' file system in memory takes for granted of the real one.
func TestOSFileSystem(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "file")
	f, err := persist.OS.Create(name)
	require.NoError(t, err)
	_, err = f.Write([]byte("text"))
	require.NoError(t, err)
	require.NoError(t, f.Sync())
	require.NoError(t, f.Close())
	onlyOwner(t, name)

	_, err = persist.OS.Create(name)
	require.ErrorIs(t, err, fs.ErrExist, "what is there is never written over")
	data, err := os.ReadFile(name)
	require.NoError(t, err)
	require.Equal(t, "text", string(data))

	require.NoError(t, persist.OS.SyncDir(dir))
	require.ErrorIs(t, persist.OS.Remove(filepath.Join(dir, "missing")), fs.ErrNotExist)
	_, err = persist.OS.Open(filepath.Join(dir, "missing"))
	require.ErrorIs(t, err, fs.ErrNotExist)
	_, err = persist.OS.Stat(filepath.Join(dir, "missing"))
	require.ErrorIs(t, err, fs.ErrNotExist)

	lock := filepath.Join(dir, "LOCK")
	require.NoError(t, os.WriteFile(lock, []byte("what another process has noted"), 0o600))
	l, err := persist.OS.Lock(lock)
	require.NoError(t, err)
	if runtime.GOOS != "windows" {
		note, err := os.ReadFile(lock)
		require.NoError(t, err)
		require.Equal(t, strconv.Itoa(os.Getpid())+"\n", string(note), "for people who wonder who has it")
	}
	_, err = persist.OS.Lock(lock)
	require.ErrorIs(t, err, persist.ErrInUse)
	require.NoError(t, l.Close())
	l, err = persist.OS.Lock(lock)
	require.NoError(t, err)
	require.NoError(t, l.Close())
	onlyOwner(t, lock)
}

func TestOSFileSystemSyncsFolders(t *testing.T) {
	if err := persist.OS.SyncDir(filepath.Join(t.TempDir(), "missing")); persist.CanSyncDir {
		require.ErrorIs(t, err, fs.ErrNotExist)
	} else {
		require.NoError(t, err)
	}
}

// A lock is held as long as its file has its name.
func TestOSFileSystemTellsThatALockIsLost(t *testing.T) {
	name := filepath.Join(t.TempDir(), "LOCK")
	l, err := persist.OS.Lock(name)
	require.NoError(t, err)
	require.NoError(t, l.Held())
	if runtime.GOOS != "windows" { // there, nobody can rename it
		require.NoError(t, os.Rename(name, name+"2"))
		require.ErrorIs(t, l.Held(), fs.ErrNotExist)
		require.NoError(t, os.WriteFile(name, nil, 0o600))
		require.ErrorContains(t, l.Held(), "another file has its name")
	}
	require.NoError(t, l.Close())
}
