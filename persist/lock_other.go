//go:build !windows && (!unix || solaris || illumos || aix)

package persist

import (
	"errors"
	"os"
)

const canSyncDir = true

const openToSync = os.O_RDONLY

func removed(os.FileInfo) bool { return false }

// lockFile fails: without a lock that goes with the process, two of them could
// open one folder, and that would cost data.
func lockFile(string) (FileLock, error) {
	return nil, errors.New("this system has no flock: a store here is memory only")
}
