package persist

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"
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

	held    func() error  // an error once the folder is not where it was
	durable atomic.Uint64 // the last frame known to be durable
	grown   atomic.Int64  // bytes since the last snapshot
	limit   atomic.Int64  // of that, when the next one is due

	syncing sync.Mutex // taken before mu; held while files are synced

	mu      sync.Mutex // guards the fields below
	segment *segment   // nil = none. Its content is for who may add to it.
	behind  []*segment // sealed, but not known to be durable
	written uint64     // the last frame that has left for a file
	dirty   bool       // something has, since the last sync
	err     error      // it is broken
	stats   JournalStats
}

// JournalStats are counts since the journal was opened.
type JournalStats struct {
	Records uint64 // changes written
	Bytes   uint64 // written
	Writes  uint64 // how often something was written
	Syncs   uint64 // how often all of that was made durable

	SyncTimes Histogram // how long that took
}

var errNoSegment = errors.New("persist: the journal has no segment")

// Direct reports whether Write is so quick that nobody should wait for others to
// share it: what is written goes through memory, which the system has in the file
// at once.
func (j *Journal) Direct() bool { return j.segment != nil && j.segment.windows != nil }

// Add adds a change to what is to be written. It returns its sequence number.
func (j *Journal) Add(c *Change) (seq uint64) {
	j.seq++
	j.added++
	j.told = j.durable.Load()
	j.segment.w.change(c, j.seq, j.told)
	j.changed = j.seq
	return j.seq
}

// Write writes what was added; with sync it returns once that is durable.
func (j *Journal) Write(sync bool) error {
	if err := j.write(true); err != nil || !sync {
		return err
	}
	return j.Sync()
}

// write writes what was added. It need not be synced unless it makes the journal
// dirty.
func (j *Journal) write(dirty bool) error {
	if err := j.Err(); err != nil {
		return err
	}
	b := j.segment.w.take()
	err := j.segment.write(b)
	j.mu.Lock()
	defer j.mu.Unlock()
	if err != nil {
		return j.breakLocked(err)
	}
	j.written = j.seq
	j.dirty = j.dirty || dirty
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
	if j.err != nil || !j.dirty {
		defer j.mu.Unlock()
		return j.err
	}
	upTo, behind, last := j.written, j.behind, j.segment
	j.dirty, j.behind = false, nil
	j.mu.Unlock()
	start := time.Now()
	err := syncAll(behind, last)
	if err == nil {
		err = j.held()
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if err != nil {
		return j.breakLocked(err)
	}
	j.durable.Store(upTo)
	j.stats.Syncs++
	j.stats.SyncTimes.Observe(time.Since(start))
	return nil
}

// syncAll makes segments durable, and ends those that are sealed.
func syncAll(sealed []*segment, last *segment) error {
	var err error
	for _, s := range sealed {
		if err == nil {
			err = s.finish()
		} else {
			s.drop()
		}
	}
	if err == nil && last != nil {
		err = last.file.Sync()
	}
	return err
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
	j.segment.w.mark(j.seq, durable)
	return j.write(false)
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
		j.err = within(err, "writing the journal")
	}
	return j.err
}

// exchange seals the segment and goes on in another one. The next Sync makes the
// one before durable, and ends it.
func (j *Journal) exchange(next *segment) error {
	if err := j.seal(); err != nil {
		next.drop()
		return err
	}
	j.mu.Lock()
	j.segment = next
	j.mu.Unlock()
	return j.begin(j.changed)
}

// seal ends the segment, which from then on is behind.
func (j *Journal) seal() error {
	if j.segment == nil {
		return errNoSegment
	}
	j.seq++
	j.told = j.durable.Load()
	j.segment.w.seal(j.seq, j.told)
	if err := j.write(true); err != nil {
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.behind = append(j.behind, j.segment)
	j.segment = nil
	return nil
}

// begin writes the first frame of a segment.
func (j *Journal) begin(after uint64) error {
	j.seq++
	j.told = j.durable.Load()
	j.segment.w.goOn(j.seq, j.told, after)
	return j.write(true)
}

// goOn begins a segment behind the change with the number given, up to which all
// is durable, whatever has become of the segments before.
func (j *Journal) goOn(next *segment, after uint64) error {
	j.drop()
	j.mu.Lock()
	j.segment = next
	j.seq = max(j.seq, after)
	j.err, j.written = nil, j.seq
	j.durable.Store(j.seq)
	j.mu.Unlock()
	j.changed, j.added = after, 0
	if err := j.begin(after); err != nil {
		return err
	}
	return j.Sync()
}

// drop gives up what is open, as it is.
func (j *Journal) drop() {
	j.syncing.Lock()
	defer j.syncing.Unlock()
	j.mu.Lock()
	open := j.behind
	if j.segment != nil {
		open = append(open, j.segment)
	}
	j.segment, j.behind, j.dirty = nil, nil, false
	j.mu.Unlock()
	for _, s := range open {
		s.drop()
	}
}

// finish seals the segment and makes all durable.
func (j *Journal) finish() error {
	err := j.seal()
	if err == nil {
		err = j.Sync()
	}
	j.drop() // what could not be
	return err
}
