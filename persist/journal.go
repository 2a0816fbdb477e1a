package persist

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
)

// Journal is the open end of a folder's journal. One goroutine at a time adds to
// it, writes it out and exchanges its segment; any may sync it meanwhile. After
// an error of the disk it is broken: what was written and not known to be durable
// may be there later or not, and nothing is written to that file again.
type Journal struct {
	seq     uint64 // of the last frame added
	changed uint64 // of the last change added
	told    uint64 // what the last frame said was durable
	added   uint64 // changes since the last write
	segment

	held    func() error  // an error once the folder is not where it was
	durable atomic.Uint64 // the last frame known to be durable
	grown   atomic.Int64  // bytes since the last snapshot
	limit   atomic.Int64  // of that, when the next one is due

	syncing sync.Mutex // taken before mu; held while the file is synced or exchanged

	mu      sync.Mutex // guards the fields below
	written uint64     // the last frame that has left for the file
	dirty   bool       // changes have been written since the last sync
	err     error      // it is broken
	stats   JournalStats
}

// JournalStats are counts since the journal was opened.
type JournalStats struct {
	Records uint64 // changes written
	Bytes   uint64 // written
	Writes  uint64 // calls that wrote
	Syncs   uint64 // of its files
}

// segment is a segment that is open to be written.
type segment struct {
	number uint64
	name   string
	file   File
	w      *segmentWriter
}

var errNoSegment = errors.New("persist: the journal has no segment")

// Add adds a change to what is to be written. It returns its sequence number.
func (j *Journal) Add(c *Change) (seq uint64) {
	j.seq++
	j.added++
	j.told = j.durable.Load()
	j.w.change(c, j.seq, j.told)
	j.changed = j.seq
	return j.seq
}

// Write writes what was added; with sync it returns once that is durable.
func (j *Journal) Write(sync bool) error {
	if err := j.write(); err != nil {
		return err
	}
	j.mu.Lock()
	j.dirty = true
	j.mu.Unlock()
	if sync {
		return j.Sync()
	}
	return nil
}

func (j *Journal) write() error {
	if err := j.Err(); err != nil {
		return err
	}
	b := j.w.take()
	_, err := j.file.Write(b)
	j.mu.Lock()
	defer j.mu.Unlock()
	if err != nil {
		return j.breakLocked(err)
	}
	j.written = j.seq
	j.grown.Add(int64(len(b)))
	j.stats.Writes++
	j.stats.Records += j.added
	j.added = 0
	j.stats.Bytes += uint64(len(b))
	return nil
}

// Sync makes durable what has been written by now.
func (j *Journal) Sync() error {
	j.syncing.Lock()
	defer j.syncing.Unlock()
	j.mu.Lock()
	upTo, dirty, err := j.written, j.dirty, j.err
	j.dirty = false
	j.mu.Unlock()
	if err != nil || !dirty {
		return err
	}
	if err = j.file.Sync(); err == nil {
		err = j.held()
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if err != nil {
		return j.breakLocked(err)
	}
	j.durable.Store(upTo)
	j.stats.Syncs++
	return nil
}

// Mark has the file say what is durable, if nothing in it does yet. It is for a
// journal that has come to rest: damage to its last records could otherwise pass
// for a torn end.
func (j *Journal) Mark() error {
	durable := j.durable.Load()
	if durable == j.told || j.Err() != nil {
		return j.Err()
	}
	j.seq++
	j.told = durable
	j.w.mark(j.seq, durable)
	return j.write()
}

// Outgrown reports whether the journal has outgrown the last snapshot, so that
// another one is due.
func (j *Journal) Outgrown() bool { return j.grown.Load() > j.limit.Load() }

// Postpone has a snapshot that could not be taken be due again once the journal
// has grown by as much again.
func (j *Journal) Postpone() { j.limit.Store(2 * max(j.limit.Load(), j.grown.Load())) }

// Err returns why the journal is broken; nil if it isn't.
func (j *Journal) Err() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.err
}

// Stats returns the journal's counts.
func (j *Journal) Stats() JournalStats {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.stats
}

func (j *Journal) breakLocked(err error) error {
	if j.err == nil {
		j.err = fmt.Errorf("persist: writing %s: %w", j.name, err)
	}
	return j.err
}

// exchange seals the segment and goes on in another one.
func (j *Journal) exchange(next segment) error {
	if err := j.finish(); err != nil {
		return err
	}
	return j.goOn(next, j.changed, false)
}

// finish seals the segment, makes it durable and closes it.
func (j *Journal) finish() error {
	if j.file == nil {
		return errNoSegment
	}
	j.seq++
	j.told = j.durable.Load()
	j.w.seal(j.seq, j.told)
	if err := j.Write(true); err != nil {
		return err
	}
	return j.drop()
}

// drop closes the segment as it is.
func (j *Journal) drop() error {
	j.syncing.Lock()
	defer j.syncing.Unlock()
	if j.file == nil {
		return nil
	}
	file := j.file
	j.segment = segment{}
	if err := file.Close(); err != nil {
		j.mu.Lock()
		defer j.mu.Unlock()
		return j.breakLocked(err)
	}
	return nil
}

// goOn begins a segment behind the change with the number given, up to which all
// is durable.
func (j *Journal) goOn(next segment, after uint64, sync bool) error {
	j.syncing.Lock()
	j.mu.Lock()
	j.segment = next
	j.seq = max(j.seq, after)
	j.err, j.dirty, j.written = nil, false, j.seq
	j.durable.Store(j.seq)
	j.mu.Unlock()
	j.syncing.Unlock()
	j.told, j.changed, j.added = j.seq, after, 0
	j.seq++
	j.w.goOn(j.seq, j.told, after)
	return j.Write(sync)
}
