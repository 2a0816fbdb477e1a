package persist

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
)

// Save takes a snapshot: it is written and synced under a temporary name, read
// back, named, and entered in the manifest, and only then do older ones go, with
// the segments that only they needed. On an error the folder holds what it held
// before, or both. fill writes the records; h.Seq is the last of the journal's
// changes that is in them, and h.Taken, Fence and Capacity are the caller's too,
// the rest is Save's. Save returns the fence up to which
// fences may be handed out now.
func (f *Folder) Save(ctx context.Context, h Header, fill func(*Writer) error) (upTo uint64, err error) {
	if err := f.held(); err != nil {
		return 0, inFolder(err, "taking a snapshot in folder %s", f.dir)
	}
	if f.unsure != 0 {
		// Or else a disk that goes on failing would fill up.
		if err := f.replace(f.manifest); err != nil {
			return 0, err
		}
	}
	f.generation++ // also after an error: a file that failed is never used again
	h.Contents = f.contents
	h.Store, h.Generation, h.Segment = f.manifest.Store, f.generation, f.coming()
	if !f.writes {
		// What has changed is in no journal: none can go on from before.
		f.last++
		h.Seq = f.last
	}
	grown := f.journal.grown.Load() // by now, that is what is in the snapshot too
	name := snapshotName(h.Generation)
	m := f.with(h)
	err = f.stage(ctx, name, h, m, fill)
	if err == nil {
		f.unsure = h.Generation
		err = publish(f.fs, f.dir, name)
	}
	if err == nil {
		err = publish(f.fs, f.dir, manifestName)
	}
	if err != nil {
		return 0, inFolder(err, "taking %s in folder %s", name, f.dir)
	}
	old := f.manifest
	f.manifest, f.unsure = m, 0
	f.journal.grown.Add(-grown)
	f.journal.limit.Store(max(f.least, f.saved))
	f.first[h.Generation] = h.Segment
	f.removeAll(without(old.Generations, m.Generations), snapshotName)
	f.removeAll(without(old.Segments, m.Segments), segmentName)
	return m.Fence, nil
}

// with returns the manifest that follows once h is saved: with the newest few
// generations, and the segments that the oldest of them needs.
func (f *Folder) with(h Header) manifest {
	m := f.manifest
	all := append(slices.Clone(m.Generations), h.Generation)
	m.Generations = all[max(0, len(all)-f.keep):]
	m.Fence = max(m.Fence, h.Fence+fenceBlock)
	from := h.Segment
	for _, g := range m.Generations {
		if g != h.Generation {
			from = min(from, f.first[g])
		}
	}
	m.Segments = slices.DeleteFunc(slices.Clone(m.Segments), func(n uint64) bool { return n < from })
	return m
}

// without returns those of all that are not in less.
func without(all, less []uint64) []uint64 {
	return slices.DeleteFunc(slices.Clone(all), func(n uint64) bool { return slices.Contains(less, n) })
}

// stage writes the snapshot and the manifest that lists it, durably, but under
// temporary names: a disk that is full leaves nothing behind.
func (f *Folder) stage(ctx context.Context, name string, h Header, m manifest, fill func(*Writer) error) error {
	temp := f.path(name + tempSuffix)
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
		if err == nil {
			f.saved = sw.frames.size
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

// removeAll removes files that the manifest on disk does not name any more.
func (f *Folder) removeAll(numbers []uint64, name func(uint64) string) {
	for _, n := range numbers {
		f.remove(name(n))
	}
}

func (f *Folder) remove(name string) {
	if err := f.fs.Remove(f.path(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		f.log.Warn("latchkey: an old file stays", "dir", f.dir, "file", name, "error", err)
	}
}

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
