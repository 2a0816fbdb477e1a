package disk

import (
	"errors"
	"io"
	"io/fs"
	"slices"
	"sync"

	"github.com/latchkey-go/latchkey/persist"
)

// Faulty is a file system whose calls fail when plan says so.
type Faulty struct {
	under persist.FS

	mu   sync.Mutex // guards the fields below
	plan func(Call) (Fault, error)
	n    int    // calls so far
	hits []Call // those that failed
}

// Fails returns a file system whose calls fail when plan says so; nil = never.
func Fails(under persist.FS, plan func(Call) (Fault, error)) *Faulty {
	return &Faulty{under: under, plan: plan}
}

// Call is the n-th call of a file system, 1 for the first.
type Call struct {
	N        int
	Op, Name string
}

// Fault is how a call fails.
type Fault int

// The ways to fail.
const (
	None    Fault = 0
	Refused Fault = 1 // nothing is done
	Carried Fault = 2 // it is done, and fails all the same
	Halved  Fault = 3 // half of what is to be written is; other calls are Refused
)

// EveryCallFrom fails all calls from the n-th on.
func EveryCallFrom(n int, f Fault, err error) func(Call) (Fault, error) {
	return func(c Call) (Fault, error) {
		if c.N >= n {
			return f, err
		}
		return None, nil
	}
}

// OnlyCall fails the n-th call.
func OnlyCall(n int, f Fault, err error) func(Call) (Fault, error) {
	return func(c Call) (Fault, error) {
		if c.N == n {
			return f, err
		}
		return None, nil
	}
}

// Under returns what calls that do not fail go to.
func (f *Faulty) Under() persist.FS { return f.under }

// Heal ends all faults.
func (f *Faulty) Heal() { f.SetPlan(nil) }

// SetPlan has another plan from now on.
func (f *Faulty) SetPlan(plan func(Call) (Fault, error)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.plan = plan
}

// Count returns how many calls there were, and how many of them failed.
func (f *Faulty) Count() (calls, hits int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.n, len(f.hits)
}

// Hits returns the calls that failed.
func (f *Faulty) Hits() []Call {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.hits)
}

func (f *Faulty) ask(op, name string) (Fault, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.n++
	c := Call{f.n, op, name}
	if f.plan == nil {
		return None, nil
	}
	how, err := f.plan(c)
	if how != None {
		f.hits = append(f.hits, c)
		err = pathError(op, name, err)
	}
	return how, err
}

// do makes a call, or fails it.
func (f *Faulty) do(op, name string, make func() error) error {
	how, err := f.ask(op, name)
	switch how {
	case None:
		return make()
	case Carried:
		_ = make()
	}
	return err
}

// open makes a call that returns something to be closed.
func open[T io.Closer](f *Faulty, op, name string, make func() (T, error)) (c T, err error) {
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

// Mkdir makes a folder.
func (f *Faulty) Mkdir(name string, perm fs.FileMode) error {
	return f.do("mkdir", name, func() error { return f.under.Mkdir(name, perm) })
}

// Chmod changes who may do what.
func (f *Faulty) Chmod(name string, mode fs.FileMode) error {
	return f.do("chmod", name, func() error { return f.under.Chmod(name, mode) })
}

// Stat describes a file or folder.
func (f *Faulty) Stat(name string) (info fs.FileInfo, err error) {
	err = f.do("stat", name, func() (err error) {
		info, err = f.under.Stat(name)
		return err
	})
	return info, err
}

// ReadDir lists a folder.
func (f *Faulty) ReadDir(name string) (list []fs.DirEntry, err error) {
	err = f.do("readdir", name, func() (err error) {
		list, err = f.under.ReadDir(name)
		return err
	})
	return list, err
}

// Open opens a file to be read.
func (f *Faulty) Open(name string) (persist.File, error) {
	file, err := open(f, "open", name, func() (persist.File, error) { return f.under.Open(name) })
	return f.wrap(name, file, err)
}

// Create makes a file to be written.
func (f *Faulty) Create(name string) (persist.File, error) {
	file, err := open(f, "create", name, func() (persist.File, error) { return f.under.Create(name) })
	return f.wrap(name, file, err)
}

func (f *Faulty) wrap(name string, file persist.File, err error) (persist.File, error) {
	if err != nil {
		return nil, err
	}
	wrapped := &faultFile{f, name, file}
	if under, ok := file.(persist.MappedFile); ok {
		return faultMapped{wrapped, under}, nil
	}
	return wrapped, nil
}

// Rename gives a file another name.
func (f *Faulty) Rename(from, to string) error {
	return f.do("rename", to, func() error { return f.under.Rename(from, to) })
}

// Remove removes a file.
func (f *Faulty) Remove(name string) error {
	return f.do("remove", name, func() error { return f.under.Remove(name) })
}

// SyncDir makes the names in a folder durable.
func (f *Faulty) SyncDir(name string) error {
	return f.do("syncdir", name, func() error { return f.under.SyncDir(name) })
}

// Lock takes the lock of a file.
func (f *Faulty) Lock(name string) (persist.FileLock, error) {
	l, err := open(f, "lock", name, func() (persist.FileLock, error) { return f.under.Lock(name) })
	if err != nil {
		return nil, err
	}
	return faultLock{f, name, l}, nil
}

type faultLock struct {
	fs    *Faulty
	name  string
	under persist.FileLock
}

func (l faultLock) Held() error {
	return l.fs.do("held", l.name, l.under.Held)
}

// Close gives the lock back in any case, as the end of the process would.
func (l faultLock) Close() error {
	how, err := l.fs.ask("unlock", l.name)
	if how == None {
		return l.under.Close()
	}
	return errors.Join(err, l.under.Close())
}

type faultFile struct {
	fs    *Faulty
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
	case None:
		return f.under.Write(b)
	case Carried:
		n, _ := f.under.Write(b)
		return n, err
	case Halved:
		n, _ := f.under.Write(b[:len(b)/2])
		return n, err
	}
	return 0, err
}

func (f *faultFile) Sync() error {
	how, err := f.fs.ask("sync", f.name)
	if how == None {
		return f.under.Sync()
	}
	if how == Carried {
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
	if how == None {
		return f.under.Close()
	}
	return errors.Join(err, f.under.Close())
}

// faultMapped is a faultFile that can be written through memory. Memory does not
// fail.
type faultMapped struct {
	*faultFile
	under persist.MappedFile
}

func (f faultMapped) Map(off int64, n int) (mem []byte, err error) {
	err = f.fs.do("map", f.name, func() (err error) {
		mem, err = f.under.Map(off, n)
		return err
	})
	if err != nil {
		return nil, err
	}
	return mem, nil
}

func (f faultMapped) Unmap(mem []byte) error {
	return f.fs.do("unmap", f.name, func() error { return f.under.Unmap(mem) })
}

func (f faultMapped) Truncate(size int64) error {
	return f.fs.do("truncate", f.name, func() error { return f.under.Truncate(size) })
}
