package persist

import (
	"fmt"
	"io"
	"path/filepath"
	"slices"
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
	// Fence is at or above every fence ever handed out.
	Fence uint64 `json:"fence"`
}

// with returns the manifest that follows m once h is saved, and the generations
// that it no longer names because only the newest few are kept.
func (m manifest) with(h Header, keep int) (next manifest, old []uint64) {
	all := append(slices.Clone(m.Generations), h.Generation)
	n := max(0, len(all)-keep)
	m.Generations = all[n:]
	m.Fence = max(m.Fence, h.Fence+fenceBlock)
	return m, all[:n]
}

func (m manifest) newest() uint64 {
	if len(m.Generations) == 0 {
		return 0
	}
	return slices.Max(m.Generations)
}

func readManifest(fsys fileSystem, dir string) (m manifest, err error) {
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
	if m.Fence > maxNumber || m.newest() > maxNumber {
		return m, corrupt(manifestName, fr.start, "a fence of %d, a generation of %d", m.Fence, m.newest())
	}
	return m, fr.end()
}

// stageManifest writes a manifest durably under its temporary name.
func stageManifest(fsys fileSystem, dir string, m manifest) error {
	return writeFile(fsys, filepath.Join(dir, manifestName)+tempSuffix, func(w io.Writer) error {
		return writeJSON(newFrameWriter(w, kindManifest), frameState, m)
	})
}

// publish gives a file written under its temporary name the right one, durably
// and in place of what had it. After an error it is unknown which of the two
// has the name.
func publish(fsys fileSystem, dir, name string) error {
	name = filepath.Join(dir, name)
	if err := fsys.Rename(name+tempSuffix, name); err != nil {
		return err
	}
	return fsys.SyncDir(dir)
}

func snapshotName(generation uint64) string { return fmt.Sprintf("snapshot-%012d", generation) }

// parseSnapshotName returns the generation in the name of a snapshot, or of
// one that was being written.
func parseSnapshotName(name string) (generation uint64, ok bool) {
	name = strings.TrimSuffix(name, tempSuffix)
	_, err := fmt.Sscanf(name, "snapshot-%d", &generation)
	return generation, err == nil && generation <= maxNumber && name == snapshotName(generation)
}

// listing is what a folder holds besides what the manifest names.
type listing struct {
	temps   []string // left behind by a crash
	foreign []string
	newest  uint64 // the highest generation in any name
	used    bool   // there are snapshots
}

func list(fsys fileSystem, dir string) (l listing, err error) {
	entries, err := fsys.ReadDir(dir)
	if err != nil {
		return l, err
	}
	for _, e := range entries {
		name := e.Name()
		generation, isSnapshot := parseSnapshotName(name)
		if isSnapshot {
			l.newest = max(l.newest, generation)
		}
		switch {
		case name == manifestName+tempSuffix, isSnapshot && strings.HasSuffix(name, tempSuffix):
			l.temps = append(l.temps, name)
		case isSnapshot:
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
