package persist

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"path/filepath"
)

// fenceBlock is how many fences the manifest sets aside ahead of use: those
// that a crash leaves unused are never handed out.
const fenceBlock = 1 << 40

// Folder is a store's folder, open and locked. Package store drives it; it is
// exported for tools. It is not safe for concurrent use.
type Folder struct {
	fs       fileSystem
	dir      string
	keep     int
	log      *slog.Logger
	lock     io.Closer
	manifest manifest
	newest   uint64   // generation of the newest snapshot ever tried
	temps    []string // left behind by a crash
	unsure   uint64   // generation that the manifest on disk may name or not; 0 = none
}

// Open locks the folder of c, which it creates when missing. log may not be
// nil. Errors: [ErrInUse], [ErrForeign], [ErrCorrupt], [ErrVersion], and those
// of the file system.
func Open(c Config, log *slog.Logger) (*Folder, error) {
	c, err := c.WithDefaults()
	if err != nil {
		return nil, err
	}
	f := &Folder{fs: c.fs, dir: c.Dir, keep: c.Generations, log: log}
	if err := f.open(); err != nil {
		return nil, fmt.Errorf("persist: opening folder %s: %w", f.dir, err)
	}
	return f, nil
}

func (f *Folder) open() error {
	if err := mkdirAll(f.fs, f.dir); err != nil {
		return err
	}
	// Before the lock, which leaves a file: a folder that is somebody
	// else's stays as it is.
	l, err := list(f.fs, f.dir)
	if err != nil {
		return err
	}
	_, err = f.fs.Stat(filepath.Join(f.dir, manifestName))
	fresh := errors.Is(err, fs.ErrNotExist)
	if err != nil && !fresh {
		return err
	}
	if fresh && len(l.foreign) > 0 {
		return fmt.Errorf("%w: it holds %q (%d such); give the store a folder of its own", ErrForeign, l.foreign[0], len(l.foreign))
	}
	f.lock, err = f.fs.Lock(filepath.Join(f.dir, lockName))
	if errors.Is(err, errLocked) {
		return fmt.Errorf("%w: close the other store first, or give this one another folder", ErrInUse)
	}
	if err != nil {
		return err
	}
	if err := f.load(); err != nil {
		return errors.Join(err, f.lock.Close())
	}
	return nil
}

// load reads what counts in the folder, which is locked now, and makes a
// manifest for a new one.
func (f *Folder) load() error {
	l, err := list(f.fs, f.dir)
	if err != nil {
		return err
	}
	f.manifest, err = readManifest(f.fs, f.dir)
	switch {
	case errors.Is(err, fs.ErrNotExist) && l.used:
		return fmt.Errorf("%w: %s is missing beside snapshots; put it back, or import the newest snapshot into a new folder", ErrCorrupt, manifestName)
	case errors.Is(err, fs.ErrNotExist):
		if err := f.fs.Chmod(f.dir, 0o700); err != nil {
			f.log.Warn("latchkey: folder stays readable for others", "dir", f.dir, "error", err)
		}
		if err := syncParents(f.fs, f.dir); err != nil {
			return err
		}
		f.manifest.Store = rand.Text()
	case err != nil:
		return err
	}
	f.temps = l.temps
	f.newest = max(l.newest, f.manifest.newest())
	return nil
}

// Restore hands the newest good snapshot to load, which must read it to its
// end and must not keep anything if it returns an error. A damaged snapshot is
// reported to the log and left as it is, and the one before it is taken; one
// that can't be read for another reason ends Restore. It returns how many were
// damaged or missing; ErrCorrupt if there were snapshots and none was good.
func (f *Folder) Restore(load func(*Reader) error) (damaged int, err error) {
	var first error
	for i := len(f.manifest.Generations) - 1; i >= 0; i-- {
		name := snapshotName(f.manifest.Generations[i])
		err := f.read(name, f.manifest.Generations[i], load)
		switch {
		case err == nil:
			if damaged > 0 {
				f.log.Warn("latchkey: restored an older snapshot", "dir", f.dir, "file", name)
			}
			// What is damaged leaves the manifest, and so nobody removes it.
			f.manifest.Generations = f.manifest.Generations[:i+1]
			return damaged, nil
		case errors.Is(err, fs.ErrNotExist):
			err = fmt.Errorf("%w: %s is missing", ErrCorrupt, name)
		case !errors.Is(err, ErrCorrupt):
			return damaged, fmt.Errorf("persist: folder %s: %w", f.dir, err)
		}
		f.log.Error("latchkey: snapshot can't be used; it is left as it is", "dir", f.dir, "file", name, "error", err)
		damaged++
		first = errors.Join(first, err)
	}
	if first != nil {
		return damaged, fmt.Errorf("persist: folder %s holds no good snapshot, nothing was changed: %w", f.dir, first)
	}
	return 0, nil
}

// read hands the file to load, if it is this folder's snapshot of the generation.
func (f *Folder) read(name string, generation uint64, load func(*Reader) error) (err error) {
	file, err := f.fs.Open(filepath.Join(f.dir, name))
	if err != nil {
		return err
	}
	defer func() { err = joinClose(err, file) }()
	r, err := NewReader(file, name)
	if err != nil {
		return err
	}
	if h := r.Header(); h.Store != f.manifest.Store || h.Generation != generation {
		return corrupt(name, preambleSize, "snapshot %d of store %q where %d of %q is due", h.Generation, h.Store, generation, f.manifest.Store)
	}
	return load(r)
}

// Reserve sets fences aside, durably: those above the first number, up to and
// with the second, are the caller's to hand out. used is the newest one known.
// It is the first call that writes to the folder, and tidies up before.
func (f *Folder) Reserve(used uint64) (after, upTo uint64, err error) {
	for _, name := range f.temps {
		if err := f.fs.Remove(filepath.Join(f.dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return 0, 0, fmt.Errorf("persist: tidying up folder %s: %w", f.dir, err)
		}
	}
	f.temps = nil
	m := f.manifest
	after = max(m.Fence, used)
	m.Fence = after + fenceBlock
	if err := f.replace(m); err != nil {
		return 0, 0, err
	}
	return after, m.Fence, nil
}

// Save takes a snapshot: it is written and synced under a temporary name, read
// back, named, and entered in the manifest, and only then do older ones go. On
// an error the folder holds what it held before, or both. fill writes the
// records. Save returns the fence up to which fences may be handed out now.
func (f *Folder) Save(ctx context.Context, h Header, fill func(*Writer) error) (upTo uint64, err error) {
	if f.unsure != 0 {
		// Or else a disk that goes on failing would fill up.
		if err := f.replace(f.manifest); err != nil {
			return 0, err
		}
	}
	f.newest++ // also after an error: a file that failed is never used again
	h.Store, h.Generation = f.manifest.Store, f.newest
	name := snapshotName(h.Generation)
	m, old := f.manifest.with(h, f.keep)
	err = f.stage(ctx, name, h, m, fill)
	if err == nil {
		f.unsure = h.Generation
		err = publish(f.fs, f.dir, name)
	}
	if err == nil {
		err = publish(f.fs, f.dir, manifestName)
	}
	if err != nil {
		return 0, fmt.Errorf("persist: taking %s in folder %s: %w", name, f.dir, err)
	}
	f.manifest, f.unsure = m, 0
	for _, g := range old {
		f.remove(snapshotName(g))
	}
	return m.Fence, nil
}

// stage writes the snapshot and the manifest that lists it, durably, but under
// temporary names: a disk that is full leaves nothing behind.
func (f *Folder) stage(ctx context.Context, name string, h Header, m manifest, fill func(*Writer) error) error {
	temp := filepath.Join(f.dir, name+tempSuffix)
	err := writeFile(f.fs, temp, func(w io.Writer) error {
		sw, err := NewWriter(w, h)
		if err == nil {
			err = fill(sw)
		}
		if err == nil {
			err = ctx.Err()
		}
		if err == nil {
			err = sw.Close()
		}
		return err
	})
	if err != nil {
		return err
	}
	if err := f.read(name+tempSuffix, h.Generation, verify); err != nil {
		return errors.Join(fmt.Errorf("reading it back: %w", err), f.fs.Remove(temp))
	}
	if err := stageManifest(f.fs, f.dir, m); err != nil {
		return errors.Join(err, f.fs.Remove(temp))
	}
	return nil
}

// remove removes a file that the manifest on disk does not name any more.
func (f *Folder) remove(name string) {
	if err := f.fs.Remove(filepath.Join(f.dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		f.log.Warn("latchkey: an old snapshot stays", "dir", f.dir, "file", name, "error", err)
	}
}

// replace makes m the manifest. After an error it is unknown which of the two
// the folder has: both are good.
func (f *Folder) replace(m manifest) error {
	err := stageManifest(f.fs, f.dir, m)
	if err == nil {
		err = publish(f.fs, f.dir, manifestName)
	}
	if err != nil {
		return fmt.Errorf("persist: replacing %s in folder %s: %w", manifestName, f.dir, err)
	}
	f.manifest = m
	if f.unsure != 0 {
		f.remove(snapshotName(f.unsure))
		f.remove(snapshotName(f.unsure) + tempSuffix)
		f.unsure = 0
	}
	return nil
}

// Close gives the lock back. fence is the newest one handed out, so that the
// next store can go on from it.
func (f *Folder) Close(fence uint64) error {
	m := f.manifest
	m.Fence = fence
	return errors.Join(f.replace(m), f.lock.Close())
}

// Release gives the lock back and leaves the folder as it is.
func (f *Folder) Release() error { return f.lock.Close() }

// verify reads a snapshot to its end.
func verify(r *Reader) error {
	for {
		if _, err := r.Next(); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
	}
}
