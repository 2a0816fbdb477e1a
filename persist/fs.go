package persist

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// FS is what a store needs of a file system. Config.FS takes one in place of the
// operating system's, so that a test can make it fail: storetest.Disk is one.
// Names are paths as the os package takes them. It must be safe for concurrent
// use.
type FS interface {
	Mkdir(name string, perm fs.FileMode) error
	Chmod(name string, mode fs.FileMode) error
	Stat(name string) (fs.FileInfo, error)
	ReadDir(name string) ([]fs.DirEntry, error)
	// Open opens a file to be read, and to be synced, by Sync, if it is not
	// known whether all of it is durable.
	Open(name string) (File, error)
	// Create makes a file that must not exist yet, 0600, to be written from
	// its beginning to its end.
	Create(name string) (File, error)
	Rename(from, to string) error
	Remove(name string) error
	// SyncDir makes the names in a folder durable.
	SyncDir(name string) error
	// Lock takes the lock of a file, which it creates if missing and never
	// removes; an error that is ErrInUse when somebody else has it.
	Lock(name string) (FileLock, error)
}

// File is an open file of an [FS]. Write appends. Sync makes what was written
// durable, and fails too if the file has been removed; it may be called while
// another goroutine writes.
type File interface {
	io.Reader
	io.Writer
	io.Closer
	Sync() error
}

// FileLock is the lock of a file, which Close gives back.
type FileLock interface {
	io.Closer
	// Held returns an error unless the file that is locked still has its
	// name: when the folder was moved or removed, or another one mounted
	// over it.
	Held() error
}

// osFS is the operating system's file system.
type osFS struct{}

func (osFS) Mkdir(name string, perm fs.FileMode) error  { return os.Mkdir(name, perm) }
func (osFS) Chmod(name string, mode fs.FileMode) error  { return os.Chmod(name, mode) }
func (osFS) Stat(name string) (fs.FileInfo, error)      { return os.Stat(name) }
func (osFS) ReadDir(name string) ([]fs.DirEntry, error) { return os.ReadDir(name) }
func (osFS) Rename(from, to string) error               { return os.Rename(from, to) }
func (osFS) Remove(name string) error                   { return os.Remove(name) }
func (osFS) Lock(name string) (FileLock, error)         { return lockFile(name) }

func (osFS) Open(name string) (File, error) {
	f, err := os.OpenFile(name, openToSync, 0)
	if err != nil {
		return nil, err
	}
	return osFile{f}, nil
}

func (osFS) Create(name string) (File, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	return osFile{f}, nil
}

type osFile struct{ *os.File }

// Sync makes the content durable. What is written to a file that has no name any
// more goes well, and is lost all the same.
func (f osFile) Sync() error {
	if err := f.File.Sync(); err != nil {
		return err
	}
	info, err := f.Stat()
	if err == nil && removed(info) {
		err = &fs.PathError{Op: "sync", Path: f.Name(), Err: fs.ErrNotExist}
	}
	return err
}

func (osFS) SyncDir(name string) error {
	if !canSyncDir {
		return nil
	}
	d, err := os.Open(name)
	if err != nil {
		return err
	}
	err = d.Sync()
	return errors.Join(err, d.Close())
}

// mkdirAll makes dir and what is missing above it.
func mkdirAll(fsys FS, dir string) error {
	info, err := fsys.Stat(dir)
	if err == nil {
		if !info.IsDir() {
			return &fs.PathError{Op: "mkdir", Path: dir, Err: errors.New("is a file, not a folder")}
		}
		return nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if parent := filepath.Dir(dir); parent != dir {
		if err := mkdirAll(fsys, parent); err != nil {
			return err
		}
	}
	if err := fsys.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

// syncParents makes the path to dir durable, whoever made it: a try before this
// one may have failed halfway. Folders above that can't be synced by us are
// taken for durable.
func syncParents(fsys FS, dir string) error {
	for parent := filepath.Dir(dir); parent != dir; dir, parent = parent, filepath.Dir(parent) {
		err := fsys.SyncDir(parent)
		if err != nil && !errors.Is(err, fs.ErrPermission) && !errors.Is(err, errors.ErrUnsupported) && !errors.Is(err, syscall.EINVAL) {
			return err
		}
	}
	return nil
}

// writeFile writes a new file whole and durable, but for its name. What is left
// of one that failed before goes first.
func writeFile(fsys FS, name string, fill func(w io.Writer) error) error {
	f, err := fsys.Create(name)
	if errors.Is(err, fs.ErrExist) {
		if err = fsys.Remove(name); err == nil {
			f, err = fsys.Create(name)
		}
	}
	if err != nil {
		return err
	}
	err = fill(f)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		// A file that was not synced is never used again.
		return errors.Join(err, fsys.Remove(name))
	}
	return nil
}
