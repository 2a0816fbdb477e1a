package store

import (
	"time"
)

// Set stores value under key, for the store's TTL. On a live entry it is the
// next revision, and an access; else it is a new entry, for which room is made
// if the store is at its capacity.
//
// Errors: [ErrLocked], [ErrFull], [ErrInvalidKey], [ErrClosed], and in a store
// with a folder the codec's on this key or value. After an error the store is
// as it was.
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

// maxUpdates is how often Update tries. Each failed try means that somebody
// else's succeeded, so that only an f that writes to its own key gets there.
const maxUpdates = 10_000

// Update replaces the value for key by what f makes of it, atomically, and
// returns that. f gets the old value and whether there was one, and runs
// outside every lock: if somebody writes meanwhile, it runs again, so it should
// do nothing but compute. An error of f ends Update and changes nothing, as
// does a panic. The entry's own TTL starts anew; a new entry gets the store's.
//
// f may use the store, but a write to its own key makes Update try again, and
// in the end give up with [ErrConflict]. Other errors are those of Set.
func (s *Store[K, V]) Update(key K, f func(old V, found bool) (V, error)) (V, error) {
	var none V
	for range maxUpdates {
		seen, old, revision, err := s.forUpdate(key)
		if err != nil {
			return none, err
		}
		value, err := f(old, seen != nil)
		if err != nil {
			return none, err
		}
		err = s.write(key, value, keepTTL, func(e *entry[K, V]) error {
			if e != seen || e.revisionOrZero() != revision {
				return ErrConflict
			}
			return nil
		})
		if err == nil {
			return value, nil
		}
		if err != ErrConflict {
			return none, err
		}
	}
	return none, ErrConflict
}

// forUpdate returns the live, unlocked entry for key, or nil, and what it is.
func (s *Store[K, V]) forUpdate(key K) (e *entry[K, V], value V, revision uint64, err error) {
	now, err := s.enterFor(key)
	if err != nil {
		return nil, value, 0, err
	}
	defer s.leave()
	e = s.liveLocked(key, now)
	if e == nil {
		return nil, value, 0, nil
	}
	if e.lease != nil {
		s.stats.Refusals++
		return nil, value, 0, ErrLocked
	}
	return e, e.value, e.revision, nil
}

// keepTTL stands for the entry's own TTL, the store's if it is new.
const keepTTL time.Duration = 0

// write is every write by key: it encodes, finds the entry, asks accept (nil
// accepts) about it, nil when there is no live one, and overwrites or adds.
func (s *Store[K, V]) write(key K, value V, ttl time.Duration, accept func(*entry[K, V]) error) error {
	if err := s.checkKey(key); err != nil {
		return err
	}
	data, err := s.encode(key, value)
	if err != nil {
		return err
	}
	for {
		now, err := s.enter()
		if err != nil {
			return err
		}
		done, err := s.writeLocked(key, value, data, ttl, accept, now)
		s.leave()
		if done {
			return err
		}
	}
}

// writeLocked is one try of write. It is not done when so many dead entries
// were in the way that others should get a turn first.
func (s *Store[K, V]) writeLocked(key K, value V, data []byte, ttl time.Duration, accept func(*entry[K, V]) error, now instant) (done bool, err error) {
	e := s.table.find(key)
	live := e
	if e != nil && dead(now, e.deadline(s.o.IdleTimeout)) {
		live = nil
	}
	if live != nil && live.lease != nil {
		s.stats.Refusals++
		return true, ErrLocked
	}
	if accept != nil {
		if err := accept(live); err != nil {
			return true, err
		}
	}
	if live != nil {
		s.table.use(key)
		s.overwriteLocked(live, value, data, ttl, now)
		return true, nil
	}
	if e != nil {
		s.removeLocked(e, ReasonExpired)
	}
	if done, err := s.makeRoomLocked(now); !done || err != nil {
		return done, err
	}
	s.addLocked(key, value, data, ttl, now)
	return true, nil
}

func (s *Store[K, V]) overwriteLocked(e *entry[K, V], value V, data []byte, ttl time.Duration, now instant) {
	s.noteRemoval(e.key, e.value, ReasonReplaced)
	s.useLocked(e, now)
	e.value, e.data = value, data
	e.revision++
	e.updated = now
	if ttl != keepTTL {
		e.ttl = ttl
	}
	e.expires = now.after(e.ttl)
	if e.lease != nil {
		s.leases.set(e.lease, e.lease.over())
		s.busy = true
	}
	s.stats.Sets++
	s.expiresLocked(e)
	s.changedLocked(now)
}

func (s *Store[K, V]) addLocked(key K, value V, data []byte, ttl time.Duration, now instant) {
	if ttl == keepTTL {
		ttl = s.o.TTL
	}
	s.position++
	e := &entry[K, V]{
		key: key, value: value, data: data,
		created: now, updated: now, accessed: now,
		expires: now.after(ttl), ttl: ttl,
		revision: 1,
		used:     s.position, born: s.position,
	}
	s.table.add(e)
	s.stats.Sets++
	s.expiresLocked(e)
	s.changedLocked(now)
}

// expiresLocked lists e by its deadline, if it is not listed by then already.
func (s *Store[K, V]) expiresLocked(e *entry[K, V]) {
	before := s.table.expiry.next()
	s.table.expiry.soonen(e, e.deadline(s.o.IdleTimeout))
	if s.table.expiry.next() != before {
		s.busy = true
	}
}

// makeRoomLocked makes sure that there is room for one more entry: a dead one
// goes first, then the policy's victim. It is not done if it only got some of
// the way.
func (s *Store[K, V]) makeRoomLocked(now instant) (done bool, err error) {
	if s.table.len() < s.capacity {
		return true, nil
	}
	if freed, more := s.freeLocked(now, 1, sweepBatch); freed > 0 || more {
		return freed > 0, nil
	}
	victim := s.table.unlocked.victim()
	if victim == nil {
		return true, ErrFull
	}
	s.removeLocked(victim, ReasonEvicted)
	return true, nil
}

// Delete removes the entry for key, whoever reads it later gets ErrNotFound.
// That there is none is no error.
//
// Errors: [ErrLocked], [ErrInvalidKey], [ErrClosed].
func (s *Store[K, V]) Delete(key K) error {
	now, err := s.enterFor(key)
	if err != nil {
		return err
	}
	defer s.leave()
	e := s.table.find(key)
	switch {
	case e == nil:
	case dead(now, e.deadline(s.o.IdleTimeout)):
		s.removeLocked(e, ReasonExpired)
	case e.lease != nil:
		s.stats.Refusals++
		return ErrLocked
	default:
		s.removeLocked(e, ReasonDeleted)
	}
	return nil
}

// Clear removes everything, and ends all leases.
func (s *Store[K, V]) Clear() error {
	if _, err := s.enter(); err != nil {
		return err
	}
	defer s.leave()
	s.replaceTableLocked(newTable[K, V]())
	return nil
}

// Resize changes the capacity, evicting what is too much, and returns how many
// entries it evicted; dead ones, which go first, don't count. Others use the
// store meanwhile.
//
// Errors: a capacity below 1 or above [MaxCapacity]; [ErrFull] if more entries
// are locked than are to stay, which leaves the capacity as it was; [ErrClosed].
func (s *Store[K, V]) Resize(capacity int) (evicted int, err error) {
	if err := checkCapacity(capacity, 1); err != nil {
		return 0, err
	}
	for {
		now, err := s.enter()
		if err != nil {
			return evicted, err
		}
		n, done, err := s.resizeLocked(capacity, now)
		s.leave()
		evicted += n
		if done || err != nil {
			return evicted, err
		}
	}
}

// resizeLocked does a batch of Resize.
func (s *Store[K, V]) resizeLocked(capacity int, now instant) (evicted int, done bool, err error) {
	if len(s.table.locked) > capacity {
		return 0, false, ErrFull
	}
	excess := s.table.len() - capacity
	if excess > 0 {
		freed, more := s.freeLocked(now, excess, sweepBatch)
		if more {
			return 0, false, nil
		}
		excess -= freed
	}
	for excess > 0 && evicted < sweepBatch {
		s.removeLocked(s.table.unlocked.victim(), ReasonEvicted)
		excess--
		evicted++
	}
	if excess > 0 {
		return evicted, false, nil
	}
	if s.capacity != capacity {
		s.capacity = capacity
		s.changedLocked(now)
	}
	return evicted, true, nil
}
