// Package disk has disks for tests: [Disk], in memory, can lose its power, and
// [Faulty] is one whose calls fail.
package disk

import (
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/latchkey-go/latchkey/persist"
)

// Disk is a file system in memory that keeps what is durable apart from what is
// not, as [persist.FS] has it. Its paths are clean and absolute, and "/" and
// "/data" are there from the beginning.
type Disk struct {
	mu    sync.Mutex // guards the fields below, and all nodes
	names map[string]*node
	// durable has the names that survive a power loss for sure, and pending
	// the changes since, by folder and in order.
	durable map[string]*node
	pending map[string][]nameChange
	locks   map[*node]bool
	used    int  // bytes in all files
	limit   int  // of that; 0 = none
	mapped  bool // files can be written through memory
}

// node is a folder, or a file's content, wherever its name has gone.
type node struct {
	mode     fs.FileMode
	data     []byte
	durable  []byte // what survives a power loss for sure
	dropped  bool   // a sync has failed: the system takes for clean what is not
	nameless bool
	maps     []*mapping // parts of data that are elsewhere
}

// nameChange is one change to a folder: each name gets its node, nil = none.
type nameChange map[string]*node

// New returns an empty disk.
func New() *Disk { return Image{"/": nil, "/data": nil}.Boot() }

// Mapped has files made from now on be written through memory too, as
// [persist.MappedFile] has it.
func (d *Disk) Mapped() *Disk {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.mapped = true
	return d
}

// Limit sets how many bytes all files may take together, as on a disk that is
// full then; 0 = no bound.
func (d *Disk) Limit(bytes int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.limit = bytes
}

// Used returns how many bytes all files take.
func (d *Disk) Used() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.used
}

func (c nameChange) apply(names map[string]*node) {
	for name, n := range c {
		if n == nil {
			delete(names, name)
		} else {
			names[name] = n
		}
	}
}

func (d *Disk) changeLocked(dir string, c nameChange) {
	for name := range c {
		if old := d.names[name]; old != nil {
			d.used -= len(old.data)
			old.nameless = true
		}
	}
	c.apply(d.names)
	for _, n := range c {
		if n != nil {
			d.used += len(n.data)
			n.nameless = false
		}
	}
	d.pending[dir] = append(d.pending[dir], c)
}

func pathError(op, name string, err error) error { return &fs.PathError{Op: op, Path: name, Err: err} }

func (d *Disk) findLocked(op, name string) (*node, error) {
	if n := d.names[name]; n != nil {
		return n, nil
	}
	return nil, pathError(op, name, fs.ErrNotExist)
}

// Mkdir makes a folder.
func (d *Disk) Mkdir(name string, perm fs.FileMode) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.names[name] != nil {
		return pathError("mkdir", name, fs.ErrExist)
	}
	if _, err := d.findLocked("mkdir", filepath.Dir(name)); err != nil {
		return err
	}
	d.changeLocked(filepath.Dir(name), nameChange{name: {mode: fs.ModeDir | perm}})
	return nil
}

// Chmod changes who may do what.
func (d *Disk) Chmod(name string, mode fs.FileMode) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	n, err := d.findLocked("chmod", name)
	if err == nil {
		n.mode = n.mode.Type() | mode
	}
	return err
}

// Stat describes a file or folder.
func (d *Disk) Stat(name string) (fs.FileInfo, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	n, err := d.findLocked("stat", name)
	if err != nil {
		return nil, err
	}
	return info{filepath.Base(name), n.mode, int64(len(n.data))}, nil
}

// ReadDir lists a folder.
func (d *Disk) ReadDir(name string) (list []fs.DirEntry, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, err := d.findLocked("readdir", name); err != nil {
		return nil, err
	}
	for path, n := range d.names {
		if filepath.Dir(path) == name && path != name {
			list = append(list, fs.FileInfoToDirEntry(info{filepath.Base(path), n.mode, int64(len(n.data))}))
		}
	}
	return list, nil
}

// Open opens a file to be read.
func (d *Disk) Open(name string) (persist.File, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	n, err := d.findLocked("open", name)
	if err != nil {
		return nil, err
	}
	return &file{disk: d, name: name, node: n}, nil
}

// Create makes a file to be written.
func (d *Disk) Create(name string) (persist.File, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.names[name] != nil {
		return nil, pathError("create", name, fs.ErrExist)
	}
	if _, err := d.findLocked("create", filepath.Dir(name)); err != nil {
		return nil, err
	}
	n := &node{mode: 0o600}
	d.changeLocked(filepath.Dir(name), nameChange{name: n})
	f := &file{disk: d, name: name, node: n, write: true}
	if d.mapped {
		return mappedFile{f}, nil
	}
	return f, nil
}

// Rename gives a file another name in the same folder, or a folder with what is
// in it.
func (d *Disk) Rename(from, to string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	n, err := d.findLocked("rename", from)
	if err != nil {
		return err
	}
	change := nameChange{from: nil, to: n}
	if n.mode.IsDir() {
		for name, below := range d.names {
			if rest, ok := cutDir(name, from); ok {
				change[name], change[filepath.Join(to, rest)] = nil, below
			}
		}
	}
	d.changeLocked(filepath.Dir(from), change)
	return nil
}

// cutDir returns the path to name from a folder above it.
func cutDir(name, dir string) (rest string, ok bool) {
	rest, err := filepath.Rel(dir, name)
	return rest, err == nil && filepath.IsLocal(rest) && rest != "."
}

// Remove removes a file.
func (d *Disk) Remove(name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	_, err := d.findLocked("remove", name)
	if err == nil {
		d.changeLocked(filepath.Dir(name), nameChange{name: nil})
	}
	return err
}

// SyncDir makes the names in a folder durable.
func (d *Disk) SyncDir(name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, err := d.findLocked("sync", name); err != nil {
		return err
	}
	for _, change := range d.pending[name] {
		change.apply(d.durable)
	}
	delete(d.pending, name)
	return nil
}

// Lock takes the lock of a file.
func (d *Disk) Lock(name string) (persist.FileLock, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := d.names[name]
	if n == nil {
		n = &node{mode: 0o600}
		d.changeLocked(filepath.Dir(name), nameChange{name: n})
	}
	if d.locks[n] {
		return nil, persist.ErrInUse
	}
	d.locks[n] = true
	return lock{d, name, n}, nil
}

type lock struct {
	disk *Disk
	name string
	node *node
}

func (l lock) Close() error {
	l.disk.mu.Lock()
	defer l.disk.mu.Unlock()
	delete(l.disk.locks, l.node)
	return nil
}

func (l lock) Held() error {
	l.disk.mu.Lock()
	defer l.disk.mu.Unlock()
	if l.disk.names[l.name] != l.node {
		return pathError("lock", l.name, fs.ErrNotExist)
	}
	return nil
}

type file struct {
	disk   *Disk
	name   string
	node   *node
	at     int
	write  bool
	closed bool
}

func (f *file) Read(b []byte) (int, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if f.closed {
		return 0, pathError("read", f.name, fs.ErrClosed)
	}
	data := f.node.content()
	if f.at >= len(data) {
		return 0, io.EOF
	}
	n := copy(b, data[f.at:])
	f.at += n
	return n, nil
}

func (f *file) Write(b []byte) (int, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if f.closed || !f.write {
		return 0, pathError("write", f.name, fs.ErrClosed)
	}
	n := len(b)
	if f.disk.limit > 0 {
		n = min(n, max(0, f.disk.limit-f.disk.used))
	}
	f.node.data = append(f.node.data, b[:n]...)
	if !f.node.nameless {
		f.disk.used += n
	}
	if n < len(b) {
		return n, pathError("write", f.name, syscall.ENOSPC)
	}
	return n, nil
}

func (f *file) Sync() error {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	switch {
	case f.closed:
		return pathError("sync", f.name, fs.ErrClosed)
	case f.node.nameless:
		return pathError("sync", f.name, fs.ErrNotExist)
	case !f.node.dropped:
		f.node.durable = slices.Clone(f.node.content())
	}
	return nil
}

// drop makes the content's sync fail as systems do it: what was written is still
// seen, but never gets to the disk.
func (f *file) drop() {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	f.node.dropped = true
}

func (f *file) Close() error {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if f.closed {
		return pathError("close", f.name, fs.ErrClosed)
	}
	f.closed = true
	return nil
}

type info struct {
	name string
	mode fs.FileMode
	size int64
}

func (i info) Name() string       { return i.name }
func (i info) Size() int64        { return i.size }
func (i info) Mode() fs.FileMode  { return i.mode }
func (i info) ModTime() time.Time { return time.Time{} }
func (i info) IsDir() bool        { return i.mode.IsDir() }
func (i info) Sys() any           { return nil }
