//go:build unix

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// sameOwner makes sure that files made now will belong to the user who can read
// those that are in the folder. What is missing is told later.
func sameOwner(dir string) error {
	info, err := os.Stat(filepath.Join(dir, "MANIFEST"))
	if err != nil {
		return nil
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if me := os.Geteuid(); ok && int(stat.Uid) != me {
		return fmt.Errorf("folder %s belongs to user %d, and new files would belong to user %d, so that its store could not read them; run this as that user, with sudo -u '#%d'",
			dir, stat.Uid, me, stat.Uid)
	}
	return nil
}
