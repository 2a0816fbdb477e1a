package persist

import (
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

const (
	manifestName = "MANIFEST"
	lockName     = "LOCK"
	tempSuffix   = ".tmp"
)

// manifest says what in a folder counts. It is replaced whole, never changed.
type manifest struct {
	// Store is the folder's id, which its snapshots bear too.
	Store string `json:"store"`
	// Generations of the snapshots that can be gone back to, oldest first.
	// Files that are not named here are never read, changed or removed.
	Generations []uint64 `json:"generations"`
	// Segments of the journal that may be needed, in order. They are here
	// before anything is in them, and until no generation needs them.
	Segments []uint64 `json:"segments,omitempty"`
	// Closed is the number of the last change in a journal that was closed;
	// nil while a store is open, and after a crash.
	Closed *uint64 `json:"closed,omitempty"`
	// Fence is at or above every fence ever handed out.
	Fence uint64 `json:"fence"`
}

func highest(numbers []uint64) uint64 {
	if len(numbers) == 0 {
		return 0
	}
	return slices.Max(numbers)
}

func readManifest(fsys FS, dir string) (m manifest, err error) {
	f, err := fsys.Open(filepath.Join(dir, manifestName))
	if err != nil {
		return m, err
	}
	defer func() { err = joinClose(err, f) }()
	fr, err := newFrameReader(f, manifestName, kindManifest)
	if err != nil {
		return m, err
	}
	if err := readJSON(fr, frameState, &m); err != nil {
		return m, err
	}
	if max(m.Fence, highest(m.Generations), highest(m.Segments)) > maxNumber || !rising(m.Generations) || !rising(m.Segments) {
		return m, corrupt(manifestName, fr.start, "a fence of %d, generations %d, segments %d", m.Fence, m.Generations, m.Segments)
	}
	return m, fr.end()
}

// rising reports whether each number is above the one before.
func rising(numbers []uint64) bool {
	for i := 1; i < len(numbers); i++ {
		if numbers[i] <= numbers[i-1] {
			return false
		}
	}
	return true
}

// stageManifest writes a manifest durably under its temporary name.
func stageManifest(fsys FS, dir string, m manifest) error {
	return writeFile(fsys, filepath.Join(dir, manifestName)+tempSuffix, func(w io.Writer) error {
		return writeJSON(newFrameWriter(w, kindManifest), frameState, m)
	})
}

// publish gives a file written under its temporary name the right one, durably
// and in place of what had it. After an error it is unknown which of the two
// has the name.
func publish(fsys FS, dir, name string) error {
	name = filepath.Join(dir, name)
	if err := fsys.Rename(name+tempSuffix, name); err != nil {
		return err
	}
	return fsys.SyncDir(dir)
}

func snapshotName(generation uint64) string { return fmt.Sprintf("snapshot-%012d", generation) }
func segmentName(number uint64) string      { return fmt.Sprintf("journal-%012d", number) }

// parseName returns the number in the name of a file, or of one that was being
// written, as format makes it.
func parseName(name string, format func(uint64) string) (number uint64, ok bool) {
	name = strings.TrimSuffix(name, tempSuffix)
	_, digits, _ := strings.Cut(name, "-")
	number, err := strconv.ParseUint(digits, 10, 64)
	return number, err == nil && number <= maxNumber && name == format(number)
}

// listing is what a folder holds besides what the manifest names.
type listing struct {
	temps      []string // left behind by a crash
	foreign    []string
	generation uint64 // the highest in any name
	segment    uint64 // likewise
	used       bool   // there are snapshots or segments
}

func list(fsys FS, dir string) (l listing, err error) {
	entries, err := fsys.ReadDir(dir)
	if err != nil {
		return l, err
	}
	for _, e := range entries {
		name := e.Name()
		generation, isSnapshot := parseName(name, snapshotName)
		if isSnapshot {
			l.generation = max(l.generation, generation)
		}
		segment, isSegment := parseName(name, segmentName)
		if isSegment {
			l.segment = max(l.segment, segment)
		}
		switch {
		case name == manifestName+tempSuffix, isSnapshot && strings.HasSuffix(name, tempSuffix):
			l.temps = append(l.temps, name)
		case isSnapshot, isSegment:
			l.used = true
		case name == manifestName, name == lockName:
		case name == "lost+found", strings.HasPrefix(name, "."): // a volume's own
		default:
			l.foreign = append(l.foreign, name)
		}
	}
	slices.Sort(l.foreign)
	return l, nil
}

func joinClose(err error, c io.Closer) error {
	if closeErr := c.Close(); err == nil {
		return closeErr
	}
	return err
}
