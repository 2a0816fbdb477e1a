package persist_test

import (
	"io/fs"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/persist"
)

// Whether a sync makes anything durable can't be seen while the machine runs. But
// the system refuses to sync some files, and so tells that it was asked.
func TestOSFileSystemHasTheSystemSync(t *testing.T) {
	f, err := persist.OS.Open("/dev/null")
	require.NoError(t, err)
	require.ErrorIs(t, f.Sync(), syscall.EINVAL)
	require.NoError(t, f.Close())
	require.ErrorIs(t, persist.OS.SyncDir("/proc"), syscall.EINVAL)
}

// What is written to a file that has no name any more is lost, however well it is
// synced.
func TestOSFileSystemSyncsNoFileThatIsGone(t *testing.T) {
	name := filepath.Join(t.TempDir(), "file")
	f, err := persist.OS.Create(name)
	require.NoError(t, err)
	require.NoError(t, persist.OS.Remove(name))
	require.ErrorIs(t, f.Sync(), fs.ErrNotExist)
	require.NoError(t, f.Close())
}
