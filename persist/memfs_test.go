package persist_test

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

// memFS is a file system in memory that keeps what is durable apart from what
// is not, and can crash. Its paths are clean and absolute.
type memFS struct {
	mu    sync.Mutex // guards the fields below, and all nodes
	names map[string]*memNode
	// durable has the names that survive a crash for sure, and pending the
	// changes since, by folder and in order.
	durable map[string]*memNode
	pending map[string][]nameChange
	locks   map[string]bool
	room    int // bytes that files may take in all; 0 = no bound
}

// memNode is a folder, or a file's content, wherever its name has gone.
type memNode struct {
	mode    fs.FileMode
	data    []byte
	durable []byte // what survives a crash for sure
	dropped bool   // a sync has failed: the system takes for clean what is not
}

// nameChange is one change to a folder: each name gets its node, nil = none.
type nameChange map[string]*memNode

func newMemFS() *memFS { return memImage{"/": nil, "/data": nil}.boot() }

// emptyFolder is a disk on which the store's folder has been made.
func emptyFolder() memImage {
	return memImage{"/": nil, "/data": nil, filepath.Dir(storeDir): nil, storeDir: nil}
}

func (c nameChange) apply(names map[string]*memNode) {
	for name, node := range c {
		if node == nil {
			delete(names, name)
		} else {
			names[name] = node
		}
	}
}

func (m *memFS) changeLocked(dir string, c nameChange) {
	c.apply(m.names)
	m.pending[dir] = append(m.pending[dir], c)
}

func pathError(op, name string, err error) error { return &fs.PathError{Op: op, Path: name, Err: err} }

func (m *memFS) findLocked(op, name string) (*memNode, error) {
	if node := m.names[name]; node != nil {
		return node, nil
	}
	return nil, pathError(op, name, fs.ErrNotExist)
}

func (m *memFS) Mkdir(name string, perm fs.FileMode) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.names[name] != nil {
		return pathError("mkdir", name, fs.ErrExist)
	}
	if _, err := m.findLocked("mkdir", filepath.Dir(name)); err != nil {
		return err
	}
	m.changeLocked(filepath.Dir(name), nameChange{name: {mode: fs.ModeDir | perm}})
	return nil
}

func (m *memFS) Chmod(name string, mode fs.FileMode) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	node, err := m.findLocked("chmod", name)
	if err == nil {
		node.mode = node.mode.Type() | mode
	}
	return err
}

func (m *memFS) Stat(name string) (fs.FileInfo, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	node, err := m.findLocked("stat", name)
	if err != nil {
		return nil, err
	}
	return memInfo{filepath.Base(name), node.mode, int64(len(node.data))}, nil
}

func (m *memFS) ReadDir(name string) (list []fs.DirEntry, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, err := m.findLocked("readdir", name); err != nil {
		return nil, err
	}
	for path, node := range m.names {
		if filepath.Dir(path) == name && path != name {
			list = append(list, fs.FileInfoToDirEntry(memInfo{filepath.Base(path), node.mode, int64(len(node.data))}))
		}
	}
	return list, nil
}

func (m *memFS) Open(name string) (persist.File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	node, err := m.findLocked("open", name)
	if err != nil {
		return nil, err
	}
	return &memFile{fs: m, name: name, node: node}, nil
}

func (m *memFS) Create(name string) (persist.File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.names[name] != nil {
		return nil, pathError("create", name, fs.ErrExist)
	}
	if _, err := m.findLocked("create", filepath.Dir(name)); err != nil {
		return nil, err
	}
	node := &memNode{mode: 0o600}
	m.changeLocked(filepath.Dir(name), nameChange{name: node})
	return &memFile{fs: m, name: name, node: node, write: true}, nil
}

func (m *memFS) Rename(from, to string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	node, err := m.findLocked("rename", from)
	if err == nil {
		m.changeLocked(filepath.Dir(from), nameChange{from: nil, to: node})
	}
	return err
}

func (m *memFS) Remove(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, err := m.findLocked("remove", name)
	if err == nil {
		m.changeLocked(filepath.Dir(name), nameChange{name: nil})
	}
	return err
}

func (m *memFS) SyncDir(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, err := m.findLocked("sync", name); err != nil {
		return err
	}
	for _, change := range m.pending[name] {
		change.apply(m.durable)
	}
	delete(m.pending, name)
	return nil
}

func (m *memFS) Lock(name string) (io.Closer, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.locks[name] {
		return nil, persist.ErrLocked
	}
	if m.names[name] == nil {
		m.changeLocked(filepath.Dir(name), nameChange{name: {mode: 0o600}})
	}
	m.locks[name] = true
	return memLock{m, name}, nil
}

type memLock struct {
	fs   *memFS
	name string
}

func (l memLock) Close() error {
	l.fs.mu.Lock()
	defer l.fs.mu.Unlock()
	l.fs.locks[l.name] = false
	return nil
}

type memFile struct {
	fs     *memFS
	name   string
	node   *memNode
	at     int
	write  bool
	closed bool
}

func (f *memFile) Read(b []byte) (int, error) {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if f.closed {
		return 0, pathError("read", f.name, fs.ErrClosed)
	}
	if f.at == len(f.node.data) {
		return 0, io.EOF
	}
	n := copy(b, f.node.data[f.at:])
	f.at += n
	return n, nil
}

func (f *memFile) Write(b []byte) (int, error) {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if f.closed || !f.write {
		return 0, pathError("write", f.name, fs.ErrClosed)
	}
	n := len(b)
	if f.fs.room > 0 {
		used := 0
		for _, node := range f.fs.names {
			used += len(node.data)
		}
		n = min(n, max(0, f.fs.room-used))
	}
	f.node.data = append(f.node.data, b[:n]...)
	if n < len(b) {
		return n, pathError("write", f.name, syscall.ENOSPC)
	}
	return n, nil
}

func (f *memFile) Sync() error {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if f.closed {
		return pathError("sync", f.name, fs.ErrClosed)
	}
	if !f.node.dropped {
		f.node.durable = slices.Clone(f.node.data)
	}
	return nil
}

// drop makes the content's sync fail as systems do it: what was written is
// still seen, but never written to the disk.
func (f *memFile) drop() {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	f.node.dropped = true
}

func (f *memFile) Close() error {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if f.closed {
		return pathError("close", f.name, fs.ErrClosed)
	}
	f.closed = true
	return nil
}

type memInfo struct {
	name string
	mode fs.FileMode
	size int64
}

func (i memInfo) Name() string       { return i.name }
func (i memInfo) Size() int64        { return i.size }
func (i memInfo) Mode() fs.FileMode  { return i.mode }
func (i memInfo) ModTime() time.Time { return time.Time{} }
func (i memInfo) IsDir() bool        { return i.mode.IsDir() }
func (i memInfo) Sys() any           { return nil }
