package persist

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"sync"
	"time"
)

// Recovered is what a folder holds: its newest good snapshot, and what its
// journal makes of it.
type Recovered struct {
	Contents Contents // of the last file read; zero in a new folder
	Fence    uint64   // the newest fence that is known of
	Capacity uint64   // of the store, when it was last written; 0 = unknown
	Records  []Record

	Snapshot uint64    // generation; 0 = none
	Taken    time.Time // the snapshot
	Damaged  int       // newer snapshots that are damaged or missing
	Seq      uint64    // the number of the last change
	Changes  uint64    // made by the journal
	Newest   int64     // when the last of them was made, as Change.At
	Torn     int64     // bytes at the journal's end that a crash left unfinished
	Closed   bool      // by its last store; else that has crashed
}

// Restore reads what the folder holds. A damaged snapshot is reported to the log
// and left as it is, and the one before it is taken, with all of the journal
// since. The journal's end, if a crash has torn it, is left out and reported.
//
// check is asked about each file before its content is read.
//
// Errors: [ErrCorrupt] if there are snapshots and none is good, or if the journal
// is damaged in what was promised; [ErrVersion], check's, and those of the file
// system. The folder is as it was.
func (f *Folder) Restore(check func(Contents) error) (*Recovered, error) {
	rec := recovery{Folder: f, check: check}
	if err := rec.run(); err != nil {
		return nil, inFolder(err, "folder %s", f.dir)
	}
	return &rec.out, nil
}

// recovery is the reading of a folder: first the snapshot, then the journal.
type recovery struct {
	*Folder
	check  func(Contents) error
	state  state
	header Header
	out    Recovered
	done   progress

	reached uint64 // the number of the last change that state has
}

// reportFrom is from which size on a folder's reading reports how far it is.
const reportFrom = 64 << 20

func (r *recovery) run() error {
	total, err := r.size()
	if err != nil {
		return err
	}
	r.done = progress{log: r.log, dir: r.dir, total: total}
	if err := r.snapshot(); err != nil {
		return err
	}
	r.reached = r.header.Seq
	if err := r.journal(); err != nil {
		return err
	}
	r.out.Records, r.out.Seq = r.state.records, r.last
	r.out.Fence, r.out.Capacity = max(r.header.Fence, r.state.fence), r.state.capacity
	r.out.Closed = r.manifest.Closed != nil
	return nil
}

// snapshot reads the newest good snapshot.
func (r *recovery) snapshot() error {
	var all error
	for i := len(r.manifest.Generations) - 1; i >= 0; i-- {
		g := r.manifest.Generations[i]
		r.state = state{}
		err := r.read(snapshotName(g), g, r.load)
		switch {
		case err == nil:
			if r.out.Damaged > 0 {
				r.log.Warn("latchkey: restored an older snapshot", "dir", r.dir, "file", snapshotName(g))
			}
			// What is damaged leaves the manifest, and so nobody removes it.
			r.manifest.Generations = r.manifest.Generations[:i+1]
			r.out.Snapshot, r.out.Taken = g, r.header.Taken
			r.saved = r.done.read
			return r.lookAtOlder()
		case errors.Is(err, fs.ErrNotExist):
			err = fmt.Errorf("%w: %s is missing", ErrCorrupt, snapshotName(g))
		case !errors.Is(err, ErrCorrupt):
			return err
		}
		r.log.Error("latchkey: snapshot can't be used; it is left as it is", "dir", r.dir, "file", snapshotName(g), "error", err)
		r.out.Damaged++
		all = errors.Join(all, err)
	}
	if all != nil {
		return fmt.Errorf("no good snapshot, nothing was changed: %w", all)
	}
	return nil
}

// load reads a snapshot to its end.
func (r *recovery) load(sr *Reader) error {
	r.header = sr.Header()
	r.state.capacity = r.header.Capacity
	if err := r.take(r.header.Contents); err != nil {
		return err
	}
	for {
		rec, err := sr.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		r.state.add(rec)
		r.done.add(frameSize + recordSize + len(rec.Key) + len(rec.Value))
		if n := len(r.state.records); n == 1<<10 {
			r.state.expect(int(r.done.left() / (r.done.read / int64(n))))
		}
	}
}

// take notes what is in a file, and has it checked.
func (r *recovery) take(c Contents) error {
	r.out.Contents, r.state.in = c, &c
	return r.check(c)
}

// lookAtOlder finds out which segments the generations before need. One that
// can't tell, as it is damaged, needs all.
func (r *recovery) lookAtOlder() error {
	r.first[r.header.Generation] = r.header.Segment
	r.segment = max(r.segment, r.header.Segment) // those below are taken for older
	for _, g := range r.manifest.Generations[:len(r.manifest.Generations)-1] {
		err := r.read(snapshotName(g), g, func(sr *Reader) error {
			r.first[g] = sr.Header().Segment
			return nil
		})
		if err != nil && !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrVersion) && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// read hands the file to load, if it is this folder's snapshot of the generation.
func (f *Folder) read(name string, generation uint64, load func(*Reader) error) error {
	return f.readFile(name, func(in io.Reader) error {
		r, err := NewReader(in, name)
		if err != nil {
			return err
		}
		if h := r.Header(); h.Store != f.manifest.Store || h.Generation != generation {
			return corrupt(name, preambleSize, "snapshot %d of store %q where %d of %q is due", h.Generation, h.Store, generation, f.manifest.Store)
		}
		return load(r)
	})
}

func (f *Folder) readFile(name string, read func(io.Reader) error) (err error) {
	file, err := f.fs.Open(f.path(name))
	if err != nil {
		return err
	}
	defer func() { err = joinClose(err, file) }()
	in := readers.Get().(*bufio.Reader)
	defer readers.Put(in)
	in.Reset(file)
	return read(in)
}

// bufferSize is how much of a file is read, or written, at a time.
const bufferSize = 1 << 16

var readers = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, bufferSize) }}

// size returns how many bytes there are to be read, about.
func (r *recovery) size() (total int64, err error) {
	var names []string
	if g := highest(r.manifest.Generations); g != 0 {
		names = append(names, snapshotName(g))
	}
	for _, n := range r.manifest.Segments {
		names = append(names, segmentName(n))
	}
	for _, name := range names {
		info, err := r.fs.Stat(r.path(name))
		switch {
		case err == nil:
			total += info.Size()
		case !errors.Is(err, fs.ErrNotExist): // what is missing is told later
			return 0, err
		}
	}
	return total, nil
}

// progress tells the log how far the reading of a large folder is.
type progress struct {
	log         *slog.Logger
	dir         string
	total, read int64
	told        int64 // tenths
}

func (p *progress) left() int64 { return max(0, p.total-p.read) }

func (p *progress) add(n int) {
	p.read += int64(n)
	if p.total < reportFrom {
		return
	}
	if tenths := 10 * p.read / p.total; tenths > p.told {
		p.told = tenths
		p.log.Info("latchkey: restoring", "dir", p.dir, "read", p.read, "of", p.total)
	}
}
