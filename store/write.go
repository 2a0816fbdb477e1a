package store

import (
	"errors"
	"time"
)

// Set stores value under key, for the store's TTL. On a live entry it is the
// next revision, and an access; else it is a new entry, for which room is made
// if the store is at its capacity.
//
// Errors: [ErrLocked], [ErrFull], [ErrInvalidKey], [ErrClosed], and in a store
// with a folder the codec's on this key or value, [ErrReadOnly] while its disk
// fails, and an error of the disk itself. After an error the store is as it was.
func (s *Store[K, V]) Set(key K, value V) error {
	return s.write(key, value, s.o.TTL, nil)
}

// SetWithTTL is [Store.Set] with a TTL of this entry's own: more than 0, at
// most [MaxDuration], or [NoExpiry] for one that only the idle timeout ends.
// Update, CompareAndSet and Lease.Set start the same TTL anew, Set goes back to
// the store's.
func (s *Store[K, V]) SetWithTTL(key K, value V, ttl time.Duration) error {
	if err := checkTTL(ttl); err != nil {
		return err
	}
	return s.write(key, value, ttl, nil)
}

// SetIfAbsent is [Store.Set] if there is no live entry for key, and reports
// whether there was none. An entry that is locked is ErrLocked.
func (s *Store[K, V]) SetIfAbsent(key K, value V) (stored bool, err error) {
	err = s.write(key, value, s.o.TTL, func(e *entry[K, V]) error {
		if e != nil {
			return ErrConflict
		}
		return nil
	})
	if err == ErrConflict {
		return false, nil
	}
	return err == nil, err
}

// CompareAndSet is [Store.Set] if the live entry for key is at the revision
// given, as told by [Store.Entry]; revision 0 stands for no entry. Else it is
// [ErrConflict]. The entry's own TTL starts anew.
//
// A key that was deleted and set again starts at revision 1 again.
func (s *Store[K, V]) CompareAndSet(key K, revision uint64, value V) error {
	return s.write(key, value, keepTTL, func(e *entry[K, V]) error {
		if e.revisionOrZero() != revision {
			return ErrConflict
		}
		return nil
	})
}

// keepTTL stands for the entry's own TTL, the store's if it is new.
const keepTTL time.Duration = 0

// writing is what a write of a value has to do.
type writing[K comparable, V any] struct {
	key    K
	hash   uint32
	value  V
	v      *version[K, V] // that is to hold it; nil = it is in use
	e      *entry[K, V]   // for a new one; nil = it is still to be made
	weight uint32
	ttl    time.Duration
	read   reading  // of the clock, for the first try under mu, if it was read before
	data   *encoded // without the key until that is needed; nil without a folder

	lightened int64 // weight that was evicted for it
	reserves  bool  // it is what Store.reserved is for
}

// newWriting makes a write ready, outside mu; giveBack ends it.
func (s *Store[K, V]) newWriting(key K, value V, ttl time.Duration) (w writing[K, V], err error) {
	data, err := s.encode(value)
	if err != nil {
		return w, err
	}
	return writing[K, V]{
		key: key, hash: s.hash(key), value: value, v: s.blankVersion(),
		weight: s.weigh(key, value), ttl: ttl, data: data,
	}, nil
}

// write is every write by key: it encodes, finds the entry, asks accept (nil
// accepts) about it, nil when there is no live one, and overwrites or adds.
func (s *Store[K, V]) write(key K, value V, ttl time.Duration, accept func(*entry[K, V]) error) error {
	if err := s.checkKey(key); err != nil {
		return err
	}
	w, err := s.newWriting(key, value, ttl)
	if err != nil {
		return err
	}
	return s.carryOut(&w, accept)
}

// carryOut does a write that is ready, and ends it.
func (s *Store[K, V]) carryOut(w *writing[K, V], accept func(*entry[K, V]) error) error {
	defer s.giveBack(w)
	if accept == nil && s.quickSets && s.overwriteQuick(w) {
		return nil
	}
	for ; ; w.read = (reading{}) {
		err := s.attemptAt(s.orRead(w.read), func(now instant) (*batch[K, V], error) { return s.decideLocked(w, accept, now) })
		if err != errNoKey {
			return err
		}
		if err := s.encodeKey(w.data, w.key); err != nil {
			return err
		}
	}
}

// version returns what is to hold the value, which is in use from now on.
func (w *writing[K, V]) version() *version[K, V] {
	v := w.v
	w.v = nil
	v.key, v.hash, v.value = w.key, w.hash, w.value
	return v
}

// errNoKey says that an entry can't be added before its key is encoded.
var errNoKey = errors.New("the key is not encoded")

// decideLocked decides what a write does.
func (s *Store[K, V]) decideLocked(w *writing[K, V], accept func(*entry[K, V]) error, now instant) (b *batch[K, V], err error) {
	e := s.table.find(w.hash, w.key)
	if b = s.pendingLocked(w.key, e); b != nil {
		return b, errAgain
	}
	live := e
	if e != nil && e.isDead(now, s.o.IdleTimeout) {
		live = nil
	}
	if live != nil && live.lease != nil {
		s.stats.Refusals++
		return nil, ErrLocked
	}
	if live != nil && s.quickSets && live.freeze() { // it stays as it is until this is decided
		defer func() {
			if err != nil {
				live.thaw()
			}
		}()
	}
	if accept != nil {
		if err := accept(live); err != nil {
			return nil, err
		}
	}
	if live != nil {
		if err := w.data.fits(live.data); err != nil {
			return nil, err
		}
		if b, err := s.lightenLocked(live, w, now); err != nil {
			return b, err
		}
		return s.doLocked(s.overwriting(live, w, now))
	}
	if w.data != nil && w.data.key == nil {
		return nil, errNoKey
	}
	if e != nil {
		s.freedLocked(e, now)
	}
	s.passOwnUsesLocked()
	if s.sweepers.Load() > 0 {
		s.freeLocked(now, 2, 2) // more than it adds, or the sweep might be outrun for ever
	}
	if b, err := s.lightenLocked(nil, w, now); err != nil {
		return b, err
	}
	victim, b, err := s.roomLocked(now)
	if err != nil {
		return b, err
	}
	return s.doLocked(change[K, V]{kind: changeAdd, at: now, e: s.newEntry(w, now), victim: victim})
}

// overwriting returns the change that gives a live entry another value.
func (s *Store[K, V]) overwriting(e *entry[K, V], w *writing[K, V], now instant) change[K, V] {
	ttl := w.ttl
	if ttl == keepTTL {
		ttl = e.ttl()
	}
	if w.data != nil {
		w.data.key = e.data.key // so that it is the same in all records
	}
	return change[K, V]{
		kind: changeOverwrite, at: now, e: e,
		v: w.version(), weight: w.weight, data: w.data, ttl: ttl, revision: e.revision + 1, count: e.total(),
	}
}

func (s *Store[K, V]) overwriteLocked(c *change[K, V]) {
	e := c.e
	s.noteRemoval(e, ReasonReplaced)
	s.touchLocked(e)
	e.prepare(c.v, s.nextLocked(), c.at, c.at.after(c.ttl))
	e.wrote(c.at, c.revision)
	if s.plain == nil {
		e.data, e.packed = c.data, false
		e.note(c.at)
	}
	s.table.overwrite(e, c.v, c.weight) // from now on others may write
	s.usedLocked(c.v, c.at)
	if e.lease != nil {
		s.leases.set(e.lease, e.lease.over())
		s.busy = true
	}
	s.stats.Sets++
	s.expiresLocked(e)
}

func (s *Store[K, V]) newEntry(w *writing[K, V], now instant) *entry[K, V] {
	ttl := w.ttl
	if ttl == keepTTL {
		ttl = s.o.TTL
	}
	e := w.e
	if e == nil {
		e = s.blankEntry()
	}
	if s.plain == nil {
		e.data, e.noted, e.weight = w.data, int64(now), w.weight
	}
	e.created, e.updated, e.revision = now, now, 1
	e.accessed.Store(int64(now))
	v := w.version()
	v.e, v.expires = e, now.after(ttl)
	e.v.Store(v)
	return e
}

func (s *Store[K, V]) addLocked(e *entry[K, V]) {
	e.born = s.nextLocked()
	e.v.Load().used.Store(2 * e.born)
	s.table.add(e)
	s.quietFor = 0
	s.stats.Sets++
	s.expiresLocked(e)
}

// expiresLocked lists e by its deadline, if it is not listed by then already.
func (s *Store[K, V]) expiresLocked(e *entry[K, V]) {
	before := s.table.expiry.next()
	s.table.expiry.soonen(e.slot(), e.deadline(s.o.IdleTimeout))
	if s.table.expiry.next() != before {
		s.busy = true
	}
}

// roomLocked finds room for one more entry: a dead one goes, or else the policy's
// victim has to. No victim and no error mean that there is room.
func (s *Store[K, V]) roomLocked(now instant) (victim *entry[K, V], b *batch[K, V], err error) {
	n := s.table.len() + len(s.coming) - s.leaving
	if n < s.room {
		return nil, nil, nil
	}
	if freed, more := s.freeLocked(now, 1, sweepBatch); freed > 0 {
		return nil, nil, nil
	} else if more {
		return nil, nil, errAgain // others get a turn first
	}
	victim, b, err = s.victimLocked()
	if err == ErrFull && n < s.capacity && len(s.table.locked) > s.room {
		err = nil // the Resize under way will be refused
	}
	return victim, b, err
}

// victimLocked returns the entry that the policy would evict. What is about to
// change is passed over: either it is being used now, or it goes anyway. If there
// is nothing else, it must be waited for. errAgain without a batch means that others
// get a turn first.
func (s *Store[K, V]) victimLocked() (victim *entry[K, V], b *batch[K, V], err error) {
	for range s.pending + 1 {
		e, untidy := s.table.unlocked.victim()
		if untidy {
			return nil, nil, errAgain
		}
		if e == nil {
			break
		}
		if e.pending == nil {
			return e, nil, nil
		}
		v := e.v.Load()
		v.use(s.nextLocked(), v.lastAccess())
		s.table.unlocked.remove(e)
		s.table.unlocked.giveBack(e)
	}
	switch {
	case s.open != nil && s.pending > 0:
		return nil, s.open, errAgain
	case s.flying != nil && s.pending > 0:
		return nil, s.flying, errAgain
	}
	return nil, nil, ErrFull
}

// Delete removes the entry for key, whoever reads it later gets ErrNotFound.
// That there is none is no error, unless the store is read-only: its folder may have one.
//
// Errors: [ErrLocked], [ErrInvalidKey], [ErrReadOnly], [ErrClosed], and in a store
// with a journal those of the disk.
func (s *Store[K, V]) Delete(key K) error {
	if err := s.checkKey(key); err != nil {
		return err
	}
	return s.attempt(func(now instant) (*batch[K, V], error) {
		e := s.findLocked(key)
		if b := s.pendingLocked(key, e); b != nil {
			return b, errAgain
		}
		if e == nil || e.isDead(now, s.o.IdleTimeout) {
			s.loads.overtake(key, s.latest)
			if e != nil {
				s.freedLocked(e, now)
			}
			if s.readOnly != nil {
				return nil, s.readOnly // the folder may have what has died since
			}
			return s.lastBatchLocked(), nil // its end must not be undone either
		}
		if e.lease != nil {
			s.stats.Refusals++
			return nil, ErrLocked
		}
		return s.doLocked(change[K, V]{kind: changeRemove, at: now, e: e, reason: ReasonDeleted})
	})
}

// Clear removes everything, and ends all leases.
//
// Errors: [ErrReadOnly], [ErrClosed], and in a store with a journal those of the
// disk.
func (s *Store[K, V]) Clear() error {
	return s.attempt(func(now instant) (*batch[K, V], error) {
		if s.barrier != nil {
			return s.barrier, errAgain
		}
		return s.doLocked(change[K, V]{kind: changeClear, at: now})
	})
}
