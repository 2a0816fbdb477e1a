package persist_test

import (
	"errors"
	"io"
	"io/fs"
	"sync"

	"github.com/latchkey-go/latchkey/persist"
)

// faultFS is a file system whose calls fail when plan says so.
type faultFS struct {
	under persist.FileSystem

	mu    sync.Mutex // guards the fields below
	plan  func(call) (fault, error)
	calls []call // all so far
	hits  []call // those that failed
}

// call is the n-th call of a file system, 1 for the first.
type call struct {
	n        int
	op, name string
}

// fault is how a call fails.
type fault int

const (
	none    fault = 0
	refused fault = 1 // nothing is done
	carried fault = 2 // it is done, and fails all the same
	halved  fault = 3 // half of what is to be written is; other calls are refused
)

// everyCallFrom fails all calls from the n-th on.
func everyCallFrom(n int, f fault, err error) func(call) (fault, error) {
	return func(c call) (fault, error) {
		if c.n >= n {
			return f, err
		}
		return none, nil
	}
}

// onlyCall fails the n-th call.
func onlyCall(n int, f fault, err error) func(call) (fault, error) {
	return func(c call) (fault, error) {
		if c.n == n {
			return f, err
		}
		return none, nil
	}
}

// heal ends all faults.
func (f *faultFS) heal() { f.setPlan(nil) }

func (f *faultFS) setPlan(plan func(call) (fault, error)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.plan = plan
}

// count returns how many calls there were, and how many of them failed.
func (f *faultFS) count() (calls, hits int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.calls), len(f.hits)
}

func (f *faultFS) ask(op, name string) (fault, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := call{len(f.calls) + 1, op, name}
	f.calls = append(f.calls, c)
	if f.plan == nil {
		return none, nil
	}
	how, err := f.plan(c)
	if how != none {
		f.hits = append(f.hits, c)
		err = pathError(op, name, err)
	}
	return how, err
}

// do makes a call, or fails it.
func (f *faultFS) do(op, name string, make func() error) error {
	how, err := f.ask(op, name)
	switch how {
	case none:
		return make()
	case carried:
		_ = make()
	}
	return err
}

// open makes a call that returns something to be closed.
func open[T io.Closer](f *faultFS, op, name string, make func() (T, error)) (c T, err error) {
	err = f.do(op, name, func() (err error) {
		c, err = make()
		return err
	})
	if err != nil {
		if any(c) != nil {
			_ = c.Close() // it was opened, but nobody gets it
		}
		var nothing T
		return nothing, err
	}
	return c, nil
}

func (f *faultFS) Mkdir(name string, perm fs.FileMode) error {
	return f.do("mkdir", name, func() error { return f.under.Mkdir(name, perm) })
}

func (f *faultFS) Chmod(name string, mode fs.FileMode) error {
	return f.do("chmod", name, func() error { return f.under.Chmod(name, mode) })
}

func (f *faultFS) Stat(name string) (info fs.FileInfo, err error) {
	err = f.do("stat", name, func() (err error) {
		info, err = f.under.Stat(name)
		return err
	})
	return info, err
}

func (f *faultFS) ReadDir(name string) (list []fs.DirEntry, err error) {
	err = f.do("readdir", name, func() (err error) {
		list, err = f.under.ReadDir(name)
		return err
	})
	return list, err
}

func (f *faultFS) Open(name string) (persist.File, error) {
	file, err := open(f, "open", name, func() (persist.File, error) { return f.under.Open(name) })
	return f.wrap(name, file, err)
}

func (f *faultFS) Create(name string) (persist.File, error) {
	file, err := open(f, "create", name, func() (persist.File, error) { return f.under.Create(name) })
	return f.wrap(name, file, err)
}

func (f *faultFS) wrap(name string, file persist.File, err error) (persist.File, error) {
	if err != nil {
		return nil, err
	}
	return &faultFile{f, name, file}, nil
}

func (f *faultFS) Rename(from, to string) error {
	return f.do("rename", to, func() error { return f.under.Rename(from, to) })
}

func (f *faultFS) Remove(name string) error {
	return f.do("remove", name, func() error { return f.under.Remove(name) })
}

func (f *faultFS) SyncDir(name string) error {
	return f.do("syncdir", name, func() error { return f.under.SyncDir(name) })
}

func (f *faultFS) Lock(name string) (io.Closer, error) {
	l, err := open(f, "lock", name, func() (io.Closer, error) { return f.under.Lock(name) })
	if err != nil {
		return nil, err
	}
	return faultLock{f, name, l}, nil
}

type faultLock struct {
	fs    *faultFS
	name  string
	under io.Closer
}

// Close gives the lock back in any case, as the end of the process would.
func (l faultLock) Close() error {
	how, err := l.fs.ask("unlock", l.name)
	if how == none {
		return l.under.Close()
	}
	return errors.Join(err, l.under.Close())
}

type faultFile struct {
	fs    *faultFS
	name  string
	under persist.File
}

func (f *faultFile) Read(b []byte) (n int, err error) {
	err = f.fs.do("read", f.name, func() (err error) {
		n, err = f.under.Read(b)
		return err
	})
	if err != nil {
		n = 0 // no system gives both
	}
	return n, err
}

func (f *faultFile) Write(b []byte) (int, error) {
	how, err := f.fs.ask("write", f.name)
	switch how {
	case none:
		return f.under.Write(b)
	case carried:
		n, _ := f.under.Write(b)
		return n, err
	case halved:
		n, _ := f.under.Write(b[:len(b)/2])
		return n, err
	}
	return 0, err
}

func (f *faultFile) Sync() error {
	how, err := f.fs.ask("sync", f.name)
	if how == none {
		return f.under.Sync()
	}
	if how == carried {
		return errors.Join(err, f.under.Sync())
	}
	if d, ok := f.under.(interface{ drop() }); ok {
		d.drop()
	}
	return err
}

// Close frees the handle in any case, as systems do.
func (f *faultFile) Close() error {
	how, err := f.fs.ask("close", f.name)
	if how == none {
		return f.under.Close()
	}
	return errors.Join(err, f.under.Close())
}
