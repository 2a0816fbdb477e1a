package main

import (
	"path/filepath"
	"strings"
	"sync/atomic"

	"github.com/latchkey-go/latchkey/persist"
)

// countingFS is the system's file system, and counts the bytes that are written to
// it by calls, but for those of the journal: a store counts these itself, and may
// have them go through memory, past any call.
type countingFS struct {
	persist.FS
	written *atomic.Int64
}

func newCountingFS() (countingFS, error) {
	c, err := persist.Config{}.WithDefaults()
	return countingFS{c.FS, new(atomic.Int64)}, err
}

func (c countingFS) Create(name string) (persist.File, error) {
	f, err := c.FS.Create(name)
	if err != nil || strings.HasPrefix(filepath.Base(name), "journal-") {
		return f, err
	}
	return countingFile{f, c.written}, nil
}

type countingFile struct {
	persist.File
	written *atomic.Int64
}

func (c countingFile) Write(b []byte) (int, error) {
	n, err := c.File.Write(b)
	c.written.Add(int64(n))
	return n, err
}
