package persist

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
)

// ErrExists is for a folder that is not empty, and so no place for a new store.
var ErrExists = errors.New("persist: folder is not empty")

// Create makes the folder of c that of a new store, closed, with one snapshot,
// whose records fill writes. The folder must not be there, or be empty. h.Fence
// must be at or above every fence handed out; h.Contents, Taken and Capacity are
// the caller's too, and the rest is Create's. After an error there is no store in
// the folder, at most an empty LOCK.
//
// Errors: [ErrExists], [ErrInUse], fill's, and those of ctx and the file system.
func Create(ctx context.Context, c Config, h Header, log *slog.Logger, fill func(*Writer) error) error {
	c, err := c.WithDefaults()
	if err != nil {
		return err
	}
	if err := vacant(c); err != nil {
		return inFolder(err, "making a store in folder %s", c.Dir)
	}
	f, err := Open(c, h.Contents, log)
	if err != nil {
		return err
	}
	if !f.fresh { // by now
		return errors.Join(within(errHoldsStore, "making a store in folder %s", c.Dir), f.Release())
	}
	if _, err := f.Save(ctx, h, fill); err != nil {
		return errors.Join(err, f.Release())
	}
	return f.Close(h.Fence)
}

var errHoldsStore = fmt.Errorf("%w: it holds a store already; give a new folder", ErrExists)

// vacant makes sure that there is nothing of anybody's in the folder.
func vacant(c Config) error {
	info, err := c.FS.Stat(c.Dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case !info.IsDir():
		return fmt.Errorf("%w: it is a file; give a new folder", ErrExists)
	}
	l, err := list(c.FS, c.Dir)
	if err != nil {
		return err
	}
	_, err = c.FS.Stat(filepath.Join(c.Dir, manifestName))
	switch {
	case err == nil, l.used, len(l.temps) > 0:
		return errHoldsStore
	case !errors.Is(err, fs.ErrNotExist):
		return err
	case len(l.foreign) > 0:
		return fmt.Errorf("%w: it holds %q (%d such); give a new folder", ErrExists, l.foreign[0], len(l.foreign))
	}
	return nil
}
