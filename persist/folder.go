package persist

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
)

// fenceBlock is how many fences the manifest sets aside ahead of use: those
// that a crash leaves unused are never handed out.
const fenceBlock = 1 << 40

// Folder is a store's folder, open and locked. Package store drives it; it is
// exported for tools. It is not safe for concurrent use, but for its Journal.
type Folder struct {
	fs       FS
	dir      string
	contents Contents
	sync     Sync
	keep     int
	least    int64 // journal that is worth a snapshot
	log      *slog.Logger
	lock     FileLock
	manifest manifest // as on disk
	fresh    bool     // there is none on disk
	temps    []string // left behind by a crash

	generation uint64            // the highest ever tried
	saved      int64             // size of the newest snapshot
	unsure     uint64            // generation that the manifest on disk may name or not; 0 = none
	first      map[uint64]uint64 // the first segment behind each generation, where known

	segment  uint64   // the highest number ever tried
	next     *segment // made and not in use yet
	listed   bool     // by the manifest, next is
	empty    []uint64 // listed segments at the end that hold no change
	last     uint64   // number of the last change before them; while there is no journal
	unsynced []uint64 // segments that may not be durable to their ends; until Start
	writes   bool     // to its journal
	journal  Journal
}

// Open locks the folder of c, which it creates when missing. contents are those of
// what will be written, log may not be nil. Errors: [ErrInUse], [ErrForeign], [ErrCorrupt], [ErrVersion], and those
// of the file system.
func Open(c Config, contents Contents, log *slog.Logger) (*Folder, error) {
	c, err := c.WithDefaults()
	if err != nil {
		return nil, err
	}
	f := &Folder{
		fs: c.FS, dir: c.Dir, contents: contents, sync: c.Sync, keep: c.Generations, least: c.MinJournal, log: log,
		first: make(map[uint64]uint64),
	}
	if err := f.open(); err != nil {
		return nil, inFolder(err, "opening folder %s", f.dir)
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
	_, err = f.fs.Stat(f.path(manifestName))
	f.fresh = errors.Is(err, fs.ErrNotExist)
	if err != nil && !f.fresh {
		return err
	}
	if f.fresh && len(l.foreign) > 0 {
		return fmt.Errorf("%w: it holds %q (%d such); give the store a folder of its own", ErrForeign, l.foreign[0], len(l.foreign))
	}
	f.lock, err = f.fs.Lock(f.path(lockName))
	if errors.Is(err, ErrInUse) {
		return fmt.Errorf("%w; close the other store first, or give this one another folder", err)
	}
	if err != nil {
		return err
	}
	f.journal.held = f.held
	if err := f.load(); err != nil {
		return errors.Join(err, f.lock.Close())
	}
	return nil
}

// held makes sure that the folder is still the one that was locked.
func (f *Folder) held() error {
	if err := f.lock.Held(); err != nil {
		return fmt.Errorf("the folder is not where it was; put it back: %w", err)
	}
	return nil
}

func (f *Folder) path(name string) string { return filepath.Join(f.dir, name) }

// load reads what counts in the folder, which is locked now, and makes a
// manifest for a new one.
func (f *Folder) load() error {
	l, err := list(f.fs, f.dir)
	if err != nil {
		return err
	}
	f.manifest, err = readManifest(f.fs, f.dir)
	f.fresh = errors.Is(err, fs.ErrNotExist)
	switch {
	case f.fresh && l.used:
		return fmt.Errorf("%w: %s is missing beside snapshots; put it back, or import the newest snapshot into a new folder", ErrCorrupt, manifestName)
	case f.fresh:
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
	f.generation = max(l.generation, highest(f.manifest.Generations))
	f.segment = max(l.segment, highest(f.manifest.Segments))
	return nil
}

// Start makes the folder ready to be written to, after Restore: it sets fences
// aside, durably, and with a journal begins a segment of it. The fences above
// the first number, up to and with the second, are the caller's to hand out;
// used is the newest one known. It is the first call that writes to the folder,
// and tidies up before.
func (f *Folder) Start(used uint64, journal bool) (after, upTo uint64, err error) {
	after, err = f.start(used, journal)
	if err != nil {
		return 0, 0, inFolder(err, "starting in folder %s", f.dir)
	}
	return after, f.manifest.Fence, nil
}

func (f *Folder) start(used uint64, journal bool) (after uint64, err error) {
	for _, name := range f.temps {
		if err := f.fs.Remove(f.path(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return 0, err
		}
	}
	f.temps = nil
	m := f.manifest
	after = max(m.Fence, used)
	m.Fence, m.Closed = after+fenceBlock, nil
	m.Segments = without(m.Segments, f.empty)
	if f.writes = journal; !journal {
		return after, f.replace(m)
	}
	if f.fresh {
		// A segment without a manifest would look like damage.
		if err := f.replace(m); err != nil {
			return 0, err
		}
	}
	// What another process has written, this one builds on.
	for _, n := range f.unsynced {
		if err := f.syncFile(segmentName(n)); err != nil {
			return 0, err
		}
	}
	if err := f.prepare(m); err != nil {
		return 0, err
	}
	f.journal.limit.Store(max(f.least, f.saved))
	return after, f.journal.goOn(f.takeNext(), f.last)
}

func (f *Folder) syncFile(name string) error {
	file, err := f.fs.Open(f.path(name))
	if err != nil {
		return err
	}
	return joinClose(file.Sync(), file)
}

// Reserve sets fences aside above used, durably, and returns up to which they
// may be handed out now.
func (f *Folder) Reserve(used uint64) (upTo uint64, err error) {
	m := f.manifest
	m.Fence = max(m.Fence, used) + fenceBlock
	if err := f.replace(m); err != nil {
		return 0, err
	}
	return m.Fence, nil
}

// replace makes m the manifest. After an error it is unknown which of the two
// the folder has: both are good.
func (f *Folder) replace(m manifest) error {
	err := stageManifest(f.fs, f.dir, m)
	if err == nil {
		err = publish(f.fs, f.dir, manifestName)
	}
	if err != nil {
		return inFolder(err, "replacing %s in folder %s", manifestName, f.dir)
	}
	gone := without(f.manifest.Segments, m.Segments)
	f.manifest, f.fresh = m, false
	f.removeAll(gone, segmentName)
	if f.unsure != 0 {
		f.remove(snapshotName(f.unsure))
		f.remove(snapshotName(f.unsure) + tempSuffix)
		f.unsure = 0
	}
	return nil
}

// Close ends the journal, if there is one, and gives the lock back. fence is the
// newest one handed out, so that the next store can go on from it.
func (f *Folder) Close(fence uint64) error {
	m := f.manifest
	m.Fence = fence
	var err error
	if f.writes {
		if err = f.journal.finish(); err == nil {
			m.Closed = &f.journal.changed
		}
	}
	if f.next != nil {
		m.Segments = without(m.Segments, []uint64{f.next.number})
		f.next.drop()
	}
	return errors.Join(err, f.replace(m), f.lock.Close())
}

// Release gives the lock back and leaves the folder as it is.
func (f *Folder) Release() error {
	f.journal.drop()
	if f.next != nil {
		f.next.drop()
	}
	return f.lock.Close()
}
