package persist

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"slices"
)

// FileState is what [Inspect] has found out about a file.
type FileState struct {
	Name   string
	Size   int64 // in bytes
	Damage error // [ErrCorrupt] or [ErrVersion], with file and offset; nil = every checksum is right
}

// SnapshotState is what [Inspect] has found out about a snapshot.
type SnapshotState struct {
	FileState
	Header  Header
	Entries uint64
	// Reach is the number of the change to which the journal leads on from
	// here. It stays behind that of the newest snapshot where the journal has
	// a gap: after an import, or a time without a journal.
	Reach uint64
}

// Inspection is what [Inspect] has found out about a folder.
type Inspection struct {
	Manifest  FileState
	Store     string // id of the folder
	Fence     uint64 // at or above every fence ever handed out
	Closed    bool   // by its last store; else that has crashed, or never saved anything after a crash
	Snapshots []SnapshotState
	Segments  []SegmentState
	Strays    []string // files with names of a store's that the manifest doesn't list: they are of no meaning
	Damage    []error  // all there is; empty = none

	// Recovered is what a store that opens the folder finds, and nil if it
	// would refuse to.
	Recovered *Recovered
}

// Inspect reads every file that counts in a store's folder, and checks every
// checksum, and that snapshots and segments fit together. The folder stays as it
// is. Damage is no error: it is in the Inspection. A torn end, which a crash may
// leave, is no damage. Of c, Dir and FS count.
//
// Errors: [ErrNoStore], [ErrInUse], and those of the file system.
func Inspect(c Config, log *slog.Logger) (*Inspection, error) {
	f, err := lockExisting(c, log)
	if err != nil {
		return nil, err
	}
	i := inspector{Folder: f}
	if err = i.run(); err != nil {
		err = inFolder(err, "inspecting folder %s", f.dir)
	}
	if err = errors.Join(err, f.lock.Close()); err != nil {
		return nil, err
	}
	return &i.out, nil
}

type inspector struct {
	*Folder
	scans []*segmentScan
	out   Inspection
}

func (i *inspector) run() error {
	if err := i.lookAtManifest(); err != nil {
		return err
	}
	if err := i.lookForStrays(); err != nil {
		return err
	}
	for _, g := range i.manifest.Generations {
		s, err := i.lookAtSnapshot(g)
		if err != nil {
			return err
		}
		i.out.Snapshots = append(i.out.Snapshots, s)
	}
	for _, n := range i.manifest.Segments {
		s, err := i.scan(n)
		if err != nil {
			return err
		}
		i.scans = append(i.scans, s)
	}
	i.judge()
	i.collect()
	if i.out.Manifest.Damage != nil {
		return nil // what is listed is not known
	}
	return i.recover()
}

// lookAtManifest reads the manifest. If it can't be read, all files count that are
// there.
func (i *inspector) lookAtManifest() error {
	state, err := i.state(manifestName, func(string) (err error) {
		i.manifest, err = readManifest(i.fs, i.dir)
		return err
	})
	i.out.Manifest = state
	if err != nil || state.Damage == nil {
		i.out.Store, i.out.Fence = i.manifest.Store, i.manifest.Fence
		return err
	}
	i.manifest = manifest{}
	if i.manifest.Generations, err = i.found(snapshotName); err != nil {
		return err
	}
	i.manifest.Segments, err = i.found(segmentName)
	return err
}

// state has a file read, and takes damage for what it is: no error.
func (i *inspector) state(name string, read func(name string) error) (FileState, error) {
	s := FileState{Name: name}
	if info, err := i.fs.Stat(i.path(name)); err == nil {
		s.Size = info.Size()
	}
	err := read(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		s.Damage = fmt.Errorf("%w: %s is missing", ErrCorrupt, name)
	case errors.Is(err, ErrCorrupt), errors.Is(err, ErrVersion):
		s.Damage = err
	case err != nil:
		return s, err
	}
	return s, nil
}

func (i *inspector) lookForStrays() error {
	entries, err := i.fs.ReadDir(i.dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		generation, isSnapshot := parseName(e.Name(), snapshotName)
		number, isSegment := parseName(e.Name(), segmentName)
		switch name := e.Name(); {
		case isSnapshot && name == snapshotName(generation) && slices.Contains(i.manifest.Generations, generation):
		case isSegment && name == segmentName(number) && slices.Contains(i.manifest.Segments, number):
		case isSnapshot, isSegment, name == manifestName+tempSuffix:
			i.out.Strays = append(i.out.Strays, name)
		}
	}
	slices.Sort(i.out.Strays)
	return nil
}

func (i *inspector) lookAtSnapshot(generation uint64) (s SnapshotState, err error) {
	s.FileState, err = i.state(snapshotName(generation), func(name string) error {
		return i.readSnapshot(name, generation, func(r *Reader) error {
			s.Header = r.Header()
			keys := make(map[string]bool)
			for {
				rec, err := r.Next()
				if errors.Is(err, io.EOF) {
					return nil
				}
				if err != nil {
					return err
				}
				if keys[string(rec.Key)] {
					return corrupt(name, r.frames.start, "two entries for one key")
				}
				keys[string(rec.Key)] = true
				s.Entries++
			}
		})
	})
	return s, err
}

// readSnapshot is read, but for files of which it is not known what store they must
// be of.
func (i *inspector) readSnapshot(name string, generation uint64, load func(*Reader) error) error {
	return i.readFile(name, func(in io.Reader) error {
		r, err := NewReader(in, name)
		if err != nil {
			return err
		}
		if h := r.Header(); h.Generation != generation || i.foreign(h.Store) {
			return corrupt(name, preambleSize, "snapshot %d of store %q where %d of %q is due", h.Generation, h.Store, generation, i.out.Store)
		}
		return load(r)
	})
}

// foreign reports whether a file is of another store than the folder. Without a
// good manifest, that is not known.
func (i *inspector) foreign(store string) bool {
	return i.out.Manifest.Damage == nil && store != i.out.Store
}

// collect gathers all damage, in order of the files.
func (i *inspector) collect() {
	note := func(damage error) {
		if damage != nil {
			i.out.Damage = append(i.out.Damage, damage)
		}
	}
	note(i.out.Manifest.Damage)
	for _, s := range i.out.Snapshots {
		note(s.Damage)
	}
	for _, s := range i.scans {
		note(s.Damage)
		i.out.Segments = append(i.out.Segments, s.SegmentState)
	}
}

// recover restores the folder as a store would. What it minds is damage, whatever
// was found file by file.
func (i *inspector) recover() error {
	rec, err := i.Restore(func(Contents) error { return nil })
	switch {
	case errors.Is(err, ErrCorrupt), errors.Is(err, ErrVersion):
		if len(i.out.Damage) == 0 {
			i.out.Damage = append(i.out.Damage, err)
		}
		return nil
	case err != nil:
		return err
	}
	i.out.Recovered = rec
	// While a store is open, fences are set aside ahead of use.
	i.out.Closed = rec.Closed || i.manifest.Fence == rec.Fence
	return nil
}
