package persist

import (
	"errors"
	"io/fs"
)

// ReadOnly returns a file system that only reads: what would write is refused,
// and a lock is taken for granted, as it would leave a note. nil stands for the
// operating system's.
//
// It is for folders that nothing may be written to, on a read-only disk say. While
// a store has the folder open, what is read may be half of one state and half of
// the next, and look like damage.
func ReadOnly(fsys FS) FS {
	if fsys == nil {
		fsys = osFS{}
	}
	return readOnly{fsys}
}

type readOnly struct{ FS }

var errReadOnly = errors.New("persist: opened to be read only")

func refused(op, name string) error { return &fs.PathError{Op: op, Path: name, Err: errReadOnly} }

func (readOnly) Mkdir(name string, _ fs.FileMode) error { return refused("mkdir", name) }
func (readOnly) Chmod(name string, _ fs.FileMode) error { return refused("chmod", name) }
func (readOnly) Create(name string) (File, error)       { return nil, refused("create", name) }
func (readOnly) Rename(from, _ string) error            { return refused("rename", from) }
func (readOnly) Remove(name string) error               { return refused("remove", name) }
func (readOnly) SyncDir(name string) error              { return refused("sync", name) }
func (readOnly) Lock(string) (FileLock, error)          { return granted{}, nil }

// granted is a lock that nobody took.
type granted struct{}

func (granted) Close() error { return nil }
func (granted) Held() error  { return nil }
