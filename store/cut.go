package store

import (
	"context"
	"runtime"
	"time"
)

// cutBatch is how many entries a snapshot reads under mu at a time: so few that
// a Get that meets it is still spinning, not asleep, when its turn comes.
const cutBatch = 8

// cut is the store as it was at one instant, read piece by piece while the
// store goes on: whoever is about to change an entry that the cut has not seen
// yet shows it to the cut first.
type cut[K comparable, V any] struct {
	table    *table[K, V]
	slots    pieces[*entry[K, V]]
	next     int      // of the slots, the first not walked yet
	has      []uint64 // a bit for each slot
	start    uint64   // what was born after this position is not in it
	hits     uint64   // past mu, by then
	changes  uint64   // Store.changes then
	now      instant
	seq      uint64 // Store.applied then
	fence    uint64
	capacity uint64
	idle     time.Duration
	seen     [][]image[K, V] // not yet handed on; in chunks, so that none is ever moved
	spare    [][]image[K, V] // empty chunks
}

// image is an entry as it was.
type image[K comparable, V any] struct {
	v        *version[K, V]
	revision uint64
	updated  instant
	data     *encoded // nil without a folder
	created  instant
	ttl      time.Duration
	fence    uint64
	used     uint64
	accessed instant
	accesses uint64
	deadline instant
	until    instant // deadline of the lease; never = no lease
}

// imageOf takes the image of an entry that is the caller's.
func imageOf[K comparable, V any](e *entry[K, V], idle time.Duration) image[K, V] {
	until := never
	if e.lease != nil {
		until = e.lease.until
	}
	v := e.v.Load()
	return image[K, V]{
		v, e.revision, e.updated, e.data, e.created, e.ttl(), e.fence,
		v.used.Load(), v.lastAccess(), e.reads, e.deadline(idle), until,
	}
}

// beginCut makes the cut at the present instant, and returns with it what to add
// to its instants for nanoseconds of wall time since 1970. The wall clock is
// asked each time: it may have been stepped since the store was made, and what
// is on disk goes by it. The caller has saving, so that there is one cut at a
// time; endCut ends it.
//
// With restart, what changes from now on is kept for the journal, which can't
// take it in before the snapshot is saved.
func (s *Store[K, V]) beginCut(restart bool) (c *cut[K, V], wall int64) {
	now := s.readWall()
	s.mu.Lock()
	defer s.unlock()
	s.seeLocked(now)
	s.settleLocked()
	s.restarting = restart
	hits, _, _ := s.tallies.sum()
	s.cut = &cut[K, V]{
		table:    s.table,
		slots:    s.table.slots,
		has:      make([]uint64, (s.table.slots.n+63)/64),
		start:    s.position,
		hits:     hits,
		changes:  s.changes,
		now:      s.latest,
		seq:      s.applied,
		fence:    s.fence,
		capacity: uint64(s.capacity),
		idle:     s.o.IdleTimeout,
	}
	s.openReadsLocked() // who changes an entry, if only by an access, shows it first
	return s.cut, s.wall
}

func (s *Store[K, V]) endCut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cut = nil
	s.openReadsLocked()
}

// see takes the image of e, of table t, unless the cut has it or e is too new, or has been
// removed, when it had been seen.
func (c *cut[K, V]) see(t *table[K, V], e *entry[K, V]) {
	if t != c.table || e.born > c.start {
		return
	}
	slot := e.slot()
	has, bit := &c.has[slot/64], uint64(1)<<(slot%64)
	if *has&bit != 0 {
		return
	}
	*has |= bit
	if n := len(c.seen); n == 0 || len(c.seen[n-1]) == cutBatch {
		c.seen = append(c.seen, c.chunk())
	}
	wasOpen, last := e.freeze(), &c.seen[len(c.seen)-1]
	lapsed := e.lapses(c.now, c.idle)
	*last = append(*last, imageOf(e, c.idle))
	if wasOpen && !lapsed {
		e.thaw()
	}
}

// chunk returns room for cutBatch images.
func (c *cut[K, V]) chunk() []image[K, V] {
	if n := len(c.spare); n > 0 {
		chunk := c.spare[n-1]
		c.spare = c.spare[:n-1]
		return chunk
	}
	return make([]image[K, V], 0, cutBatch)
}

// each hands every live entry of the cut to f, outside the lock.
func (s *Store[K, V]) each(ctx context.Context, c *cut[K, V], f func(*image[K, V]) error) error {
	var chunks [][]image[K, V]
	for more := true; more; {
		chunks, more = s.nextChunks(c, chunks)
		for _, chunk := range chunks {
			for i := range chunk {
				if img := &chunk[i]; !dead(c.now, img.deadline) {
					if err := f(img); err != nil {
						return err
					}
				}
			}
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return nil
}

// nextChunks walks on a little and returns what the cut has seen since. It
// takes back the chunks that it returned before.
func (s *Store[K, V]) nextChunks(c *cut[K, V], used [][]image[K, V]) (chunks [][]image[K, V], more bool) {
	for _, chunk := range used {
		clear(chunk)
	}
	s.lockGently()
	defer s.mu.Unlock()
	for _, chunk := range used {
		c.spare = append(c.spare, chunk[:0])
	}
	some := c.slots.from(c.next, cutBatch)
	for _, e := range some {
		if e != nil {
			c.see(c.table, e)
		}
	}
	c.next += len(some)
	chunks, c.seen = c.seen, used[:0]
	return chunks, c.next < c.slots.n
}

// gentleTries is how often what goes on in the background looks again whether others have
// mu, or have got it: they are awake, as a rule, if it did not take long.
const gentleTries = 100

// lockGently locks mu without going to sleep for it, as far as that works: a
// Get that had to wake the snapshot, or the sweep, up would pay for that.
func (s *Store[K, V]) lockGently() {
	for range gentleTries {
		if s.mu.TryLock() {
			return
		}
		runtime.Gosched()
	}
	s.mu.Lock()
}
