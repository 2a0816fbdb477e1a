package persist

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"slices"
)

// ErrNoStore is for a folder in which there is no store, or that is not there: what
// comes of a mistyped path.
var ErrNoStore = errors.New("persist: no store there")

// OpenExisting is [Open] for a folder that holds a store already; it makes none.
// Nothing needs to be known of its keys and values: the folder goes on with the
// contents that [Folder.Restore] finds.
//
// Errors: [ErrNoStore], and those of Open.
func OpenExisting(c Config, log *slog.Logger) (*Folder, error) {
	f, err := lockExisting(c, log)
	if err != nil {
		return nil, err
	}
	if err := f.load(); err != nil {
		return nil, inFolder(errors.Join(err, f.lock.Close()), "opening folder %s", f.dir)
	}
	return f, nil
}

// lockExisting locks a folder that holds a store, or what is left of one, and
// reads nothing in it yet.
func lockExisting(c Config, log *slog.Logger) (*Folder, error) {
	c, err := c.WithDefaults()
	if err != nil {
		return nil, err
	}
	if c.Dir == "" {
		return nil, errors.New("persist: Config.Dir is empty; give the store's folder")
	}
	f := &Folder{
		fs: c.FS, dir: c.Dir, sync: c.Sync, keep: c.Generations, least: c.MinJournal, log: log,
		first: make(map[uint64]uint64),
	}
	f.journal.held = f.held
	err = f.exists()
	if err == nil {
		f.lock, err = f.fs.Lock(f.path(lockName))
		if errors.Is(err, ErrInUse) {
			err = fmt.Errorf("%w; close that store first", err)
		}
	}
	if err != nil {
		return nil, inFolder(err, "opening folder %s", f.dir)
	}
	return f, nil
}

// exists makes sure that there is a store in the folder before anything is done
// to it: the lock alone leaves a file.
func (f *Folder) exists() error {
	info, err := f.fs.Stat(f.dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w: there is no such folder; check the path", ErrNoStore)
	case err != nil:
		return err
	case !info.IsDir():
		return fmt.Errorf("%w: that is a file; give the folder it is in", ErrNoStore)
	}
	l, err := list(f.fs, f.dir)
	if err != nil {
		return err
	}
	if l.used || len(l.temps) > 0 {
		return nil
	}
	_, err = f.fs.Stat(f.path(manifestName))
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: the folder has no %s, no snapshot and no journal; check the path", ErrNoStore, manifestName)
	}
	return err
}

// found returns the numbers of the files whose names are of a kind, in order,
// listed or not.
func (f *Folder) found(name func(uint64) string) ([]uint64, error) {
	entries, err := f.fs.ReadDir(f.dir)
	if err != nil {
		return nil, err
	}
	var numbers []uint64
	for _, e := range entries {
		if n, ok := parseName(e.Name(), name); ok && e.Name() == name(n) {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	return numbers, nil
}
