package store

import (
	"fmt"
	"time"
)

// change is what an operation has decided to do. In a store without a journal it
// is made at once. With one it is pending until its record has reached the disk as
// far as was promised: until then nobody sees it, and if that fails nobody ever
// does. Meanwhile, who wants to change the same entry waits.
type change[K comparable, V any] struct {
	kind changeKind
	at   instant
	e    *entry[K, V]

	v        *version[K, V] // changeOverwrite: the next of e, with its value
	data     *encoded       // changeOverwrite; nil without a folder
	ttl      time.Duration  // changeOverwrite: of e from now on
	revision uint64         // changeOverwrite
	weight   uint32         // changeOverwrite
	victim   *entry[K, V]   // changeAdd: goes to make room; nil = there is room
	reason   Reason         // changeRemove, changeFreed
	lease    *Lease[K, V]   // changeLock, changeExtend, changeUnlock; of a changeRemove by its holder
	until    instant        // changeLock, changeExtend
	how      leaseEnd       // changeUnlock
	waiter   *waiter[K, V]  // changeLock: who waits for the lease; nil = the caller
	count    uint64         // changeOverwrite, changeAccess: accesses by then; changeResize: the capacity
	seq      uint64         // of its last record
}

type changeKind int

const (
	changeAdd       changeKind = 1 // e is a new entry
	changeOverwrite changeKind = 2
	changeRemove    changeKind = 3
	changeLock      changeKind = 4
	changeExtend    changeKind = 5
	changeUnlock    changeKind = 6
	changeClear     changeKind = 7
	changeResize    changeKind = 8

	// These have been made already. They wait for nothing and nobody for
	// them, as time will bring them about again.
	changeAccess changeKind = 9
	changeFreed  changeKind = 10 // e was dead
)

// doLocked makes a change, or with a journal sees to it that it will be made:
// then it returns the batch to wait for. The caller has made sure that nothing is
// pending that it could conflict with.
func (s *Store[K, V]) doLocked(c change[K, V]) (*batch[K, V], error) {
	if s.journal == nil {
		s.makeLocked(&c)
		return nil, nil
	}
	if s.readOnly != nil {
		return nil, s.readOnly
	}
	if s.direct {
		return nil, s.writeLocked(&c)
	}
	b := s.openBatchLocked()
	s.markLocked(&c, b)
	b.changes = append(b.changes, c)
	return b, nil
}

// writeLocked writes a change to the journal and makes it, in a store where that
// takes no time worth mentioning.
func (s *Store[K, V]) writeLocked(c *change[K, V]) error {
	s.record(c, s.wall)
	if err := s.journal.Write(false); err != nil {
		s.breakLocked(err)
		return fmt.Errorf("%w: %w", errUnknown, err)
	}
	s.writtenLocked(c.seq) // before others that the change brings about
	s.makeLocked(c)
	return nil
}

// noteLocked has a change written that was made already.
func (s *Store[K, V]) noteLocked(c change[K, V]) {
	switch {
	case s.journal == nil, s.readOnly != nil && !s.restarting:
	case s.importing:
		s.unwritten = append(s.unwritten, c)
	case s.direct && !s.restarting:
		_ = s.writeLocked(&c) // an error makes the store read-only, which is told
	default:
		b := s.openBatchLocked()
		b.changes = append(b.changes, c)
		s.unsyncedLocked()
	}
}

// makeLocked makes a change.
func (s *Store[K, V]) makeLocked(c *change[K, V]) {
	switch c.kind {
	case changeAdd:
		if c.victim != nil {
			s.removeLocked(c.victim, ReasonEvicted)
		}
		s.addLocked(c.e)
		s.loads.overtake(c.e.key(), s.latest)
	case changeOverwrite:
		s.overwriteLocked(c)
		s.loads.overtake(c.e.key(), s.latest)
	case changeRemove:
		s.removeLocked(c.e, c.reason)
		if c.reason == ReasonDeleted {
			s.loads.overtake(c.e.key(), s.latest)
		}
		if c.lease != nil {
			c.lease.end = leaseReleased
		}
	case changeLock:
		s.lockLocked(c)
		s.loads.overtake(c.e.key(), s.latest)
	case changeExtend:
		s.touchLocked(c.e)
		c.lease.until = c.until
		s.leases.set(c.lease, c.lease.over())
		s.busy = true
	case changeUnlock:
		s.endLocked(c.lease, c.how, nil)
	case changeClear:
		s.replaceTableLocked(s.newTable(s.capacity))
	case changeResize:
		s.capacity, s.room = int(c.count), int(c.count)
		s.table.unlocked.resize(s.capacity)
	case changeAccess, changeFreed:
		return
	}
	s.changedLocked(c.at)
}

// markLocked notes what is pending.
func (s *Store[K, V]) markLocked(c *change[K, V], b *batch[K, V]) {
	s.pending++
	s.heavier += c.weightOf()
	switch c.kind {
	case changeAdd:
		if s.coming == nil {
			s.coming = make(map[K]*batch[K, V])
		}
		s.coming[c.e.key()] = b
		if c.victim != nil {
			c.victim.pending = b
			s.leaving++
		}
	case changeRemove:
		c.e.pending = b
		s.leaving++
	case changeClear, changeResize:
		s.barrier = b
	default:
		c.e.pending = b
	}
}

// unmarkLocked takes back what markLocked has noted, before the change is made
// or given up.
func (s *Store[K, V]) unmarkLocked(c *change[K, V]) {
	s.heavier -= c.weightOf()
	switch c.kind {
	case changeAccess, changeFreed:
		return
	case changeAdd:
		delete(s.coming, c.e.key())
		if c.victim != nil {
			s.leaving--
			s.calmLocked(c.victim)
		}
	case changeClear, changeResize:
		s.barrier = nil
		s.busy = true
	case changeRemove:
		s.leaving--
		s.calmLocked(c.e)
	default:
		s.calmLocked(c.e)
	}
	s.pending--
}

// calmLocked notes that nothing is pending for e. What was due meanwhile was
// taken off the agendas and is listed again.
func (s *Store[K, V]) calmLocked(e *entry[K, V]) {
	e.pending = nil
	s.expiresLocked(e)
	if l := e.lease; l != nil && l.end == leaseHeld && l.index < 0 {
		s.leases.set(l, l.over())
		s.busy = true
	}
}

// pendingLocked returns the batch that must be waited for before anything is
// decided for key, whose entry is e, or nil.
func (s *Store[K, V]) pendingLocked(key K, e *entry[K, V]) *batch[K, V] {
	switch {
	case s.barrier != nil:
		return s.barrier
	case e != nil:
		return e.pending
	}
	return s.coming[key]
}
