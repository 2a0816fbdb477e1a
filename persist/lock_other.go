//go:build !windows && (!unix || solaris || illumos || aix)

package persist

import (
	"errors"
	"io"
)

const canSyncDir = true

// lockFile fails: without a lock that goes with the process, two of them could
// open one folder, and that would cost data.
func lockFile(string) (io.Closer, error) {
	return nil, errors.New("this system has no flock: a store here is memory only")
}
