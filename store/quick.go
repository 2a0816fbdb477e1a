package store

import (
	"sync/atomic"

	"github.com/latchkey-go/latchkey/internal/clock"
	"github.com/latchkey-go/latchkey/persist"
)

// quickTries is how often somebody without mu looks again because there is another
// version than was found.
const quickTries = 10

// getQuick is Get where that takes no lock and no look at anything that others
// write, the counts aside; ok is false if it has to be under mu: the entry is locked,
// dead, or not decoded, its access is due for the journal, or a snapshot is being taken.
// read is the clock's, for that then, if it was read.
func (s *Store[K, V]) getQuick(key K) (value V, read reading, err error, ok bool) {
	index := s.reads.Load()
	if index == nil {
		return value, read, nil, false
	}
	hash := s.hash(key)
	for range quickTries {
		v := index.find(hash, key)
		if v == nil {
			tally, _ := s.tally()
			tally.misses.Add(1)
			return value, read, ErrNotFound, true
		}
		seen := index.marks.see(v.slot) // before the clock, as a look at that waits for all before
		read = s.read()
		if s.isDue(v, read.at) {
			break
		}
		if v.read(read.at) {
			seen.raise(markOf(read.at))
			tally, part := s.tally()
			s.usedQuick(v, part, tally.hits.Add(1)+tally.overwrites.Load())
			return v.value, read, nil, true
		}
		if !v.isOver() {
			break
		}
	}
	return value, read, nil, false
}

// isDue reports whether mu is needed for an access of v: it is dead, or the journal
// has to know.
func (s *Store[K, V]) isDue(v *version[K, V], now instant) bool {
	idle := s.o.IdleTimeout
	return dead(now, v.deadline(idle)) ||
		s.journal != nil && idle != NoExpiry && now-v.e.lastNoted() >= instant(idle/4)
}

// overwriteQuick is a Set of what is there where that takes no lock: nobody need know
// of it but those who read, as without a folder and OnRemove. The entry has to be live
// and not locked, and to die no sooner than before, as it is listed by that. The write
// takes effect when it claims the version that it finds: who comes by later waits for it,
// or goes to mu and does so there. So what must not be under way is looked at after that:
// what begins later begins after the write.
func (s *Store[K, V]) overwriteQuick(w *writing[K, V]) bool {
	index := s.reads.Load()
	if index == nil {
		return false
	}
	for range quickTries {
		v, place := index.locate(w.hash, w.key)
		if v == nil {
			w.e = s.blankEntry() // while nobody waits for it
			return false
		}
		if v.e.v.Load() != v { // asks for the entry, too, before the clock
			continue
		}
		seen := index.marks.see(v.slot)
		w.read = s.read()
		now := w.read.at
		expires := now.after(w.ttl)
		if s.isDue(v, now) || expires < v.expires {
			return false
		}
		reads, ok := v.claim()
		if !ok {
			if !v.isOver() {
				return false
			}
			continue
		}
		if s.reads.Load() != index || s.loads.active.Load() != 0 {
			v.release(reads)
			return false
		}
		next := w.version()
		v.giveWay(next, reads, now, expires)
		place.CompareAndSwap(v, next)
		seen.raise(markOf(now))
		tally, part := s.tally()
		s.usedQuick(next, part, tally.overwrites.Add(1)+tally.hits.Load())
		return true
	}
	return false
}

// peekQuick is Peek likewise. It is for live entries that are not locked; others are
// left to mu.
func (s *Store[K, V]) peekQuick(key K) (v *version[K, V], read reading, ok bool) {
	index := s.reads.Load()
	if index == nil {
		return nil, read, false
	}
	v = index.find(s.hash(key), key)
	if v == nil {
		return nil, read, true
	}
	read = s.read()
	return v, read, !v.isFrozen() && !dead(read.at, v.deadline(s.o.IdleTimeout))
}

// note notes that the journal knows of an access.
func (e *entry[K, V]) note(at instant) { atomic.StoreInt64(&e.noted, int64(at)) }

func (e *entry[K, V]) lastNoted() instant { return instant(atomic.LoadInt64(&e.noted)) }

// openReadsLocked lets reads go past mu if that is all right now.
func (s *Store[K, V]) openReadsLocked() {
	if s.quick && !s.closing && s.cut == nil {
		s.reads.Store(s.table.index)
	} else {
		s.reads.Store(nil)
	}
}

// mayBeQuick reports whether reads may go past mu: the clock must tell which of two
// was later, and no access be a change that a snapshot has to be taken for.
func (s *Store[K, V]) mayBeQuick() bool {
	accessesAreChanges := s.folder != nil && s.o.Persist.Sync == persist.OnSnapshot && s.o.IdleTimeout != NoExpiry
	return !accessesAreChanges && isSteady(s.o.Clock)
}

// mayOverwriteQuickly reports whether overwriting may go past mu as well: nobody else
// is to be told of it.
func (s *Store[K, V]) mayOverwriteQuickly() bool {
	return s.quick && s.folder == nil && s.o.OnRemove == nil && s.o.Weigher == nil
}

// A clock is looked at so many times, with so many looks to each, which take about as long as
// two operations.
const (
	steadySteps = 16
	steadyLooks = 8
)

// isSteady reports whether a clock moves on from one operation to the next, or about so: it
// must tell which of two was later. The system's doesn't in a bubble of testing/synctest, where
// it stands still while anything runs, nor where it is moved by an interrupt.
func isSteady(c Clock) bool {
	if _, ok := c.(*clock.Coarse); ok {
		c = clock.System{} // which two were within its resolution, nobody need know
	}
	if _, ok := c.(interface{ Steady() }); !ok {
		return false
	}
	for range steadySteps {
		start, moves := c.Now(), false
		for range steadyLooks {
			moves = moves || c.Now().Sub(start) > 0
		}
		if !moves {
			return false
		}
	}
	return true
}
