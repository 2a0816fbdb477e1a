package persist

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"time"
)

// Compacted tells what [Compact] has done.
type Compacted struct {
	Snapshot      string // name of the new file; "" = the folder held nothing yet
	Entries       int
	Changes       uint64 // of the journal that are in the snapshot now
	Torn          int64  // bytes at the journal's end that a crash had left unfinished
	Before, After int64  // bytes in the folder's snapshots and its journal
}

// Compact takes a snapshot of a store's folder that is not open, whatever types it
// is of, in place of its journal, and leaves it closed. c.Generations snapshots
// are kept, the new one among them, with as much of the journal as the older ones
// need. c.Codec is needed only for what [Recovered.Common] says.
//
// A folder that is damaged is left as it is, even if a store would open it with an
// older snapshot.
//
// Errors: [ErrNoStore], [ErrInUse], [ErrCorrupt], [ErrVersion], [ErrMixed], and
// those of ctx and of the file system.
func Compact(ctx context.Context, c Config, log *slog.Logger) (*Compacted, error) {
	codec := c.Codec
	c.Sync = Always // the few bytes of the new journal are not worth a mapping
	f, err := OpenExisting(c, log)
	if err != nil {
		return nil, err
	}
	rec, err := f.restoreWhole()
	if err == nil {
		f.contents, err = rec.Common(codec)
	}
	var before int64
	if err == nil {
		before, err = f.bytes()
	}
	if err != nil {
		return nil, errors.Join(err, f.Release())
	}
	done := &Compacted{Entries: len(rec.Records), Changes: rec.Changes, Torn: rec.Torn, Before: before, After: before}
	if f.contents.Codec == "" {
		return done, f.Release() // a snapshot would have to name one
	}
	if err := f.compact(ctx, rec); err != nil {
		return nil, err
	}
	done.Snapshot = snapshotName(f.generation)
	done.After, err = f.bytes()
	return done, err
}

// restoreWhole is Restore for those who would rather have an error than an older
// state.
func (f *Folder) restoreWhole() (*Recovered, error) {
	newest := highest(f.manifest.Generations)
	rec, err := f.Restore(func(Contents) error { return nil })
	if err == nil && rec.Damaged > 0 {
		err = within(fmt.Errorf("%w: %s; a store would open with an older one", ErrCorrupt, snapshotName(newest)), "folder %s", f.dir)
	}
	return rec, err
}

// compact saves what was restored and closes the folder.
func (f *Folder) compact(ctx context.Context, rec *Recovered) error {
	fence, _, err := f.Start(rec.Fence, true)
	if err != nil {
		return errors.Join(err, f.Release())
	}
	h := Header{Taken: time.Now().UTC(), Fence: fence, Capacity: rec.Capacity, Seq: rec.Seq}
	_, err = f.Save(ctx, h, WriteAll(ctx, rec.Records))
	return errors.Join(err, f.Close(fence))
}

// WriteAll returns a function that writes records for [Folder.Save] or [Create],
// until ctx ends.
func WriteAll(ctx context.Context, records []Record) func(*Writer) error {
	return func(w *Writer) error {
		for i := range records {
			if i%1024 == 0 && ctx.Err() != nil {
				return ctx.Err()
			}
			if err := w.Write(&records[i]); err != nil {
				return err
			}
		}
		return nil
	}
}

// bytes returns the size of all snapshots and segments that count.
func (f *Folder) bytes() (total int64, err error) {
	var names []string
	for _, n := range f.manifest.Generations {
		names = append(names, snapshotName(n))
	}
	for _, n := range f.manifest.Segments {
		names = append(names, segmentName(n))
	}
	for _, name := range names {
		info, err := f.fs.Stat(f.path(name))
		if err == nil {
			total += info.Size()
		} else if !errors.Is(err, fs.ErrNotExist) {
			return total, inFolder(err, "folder %s", f.dir)
		}
	}
	return total, nil
}
