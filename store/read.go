package store

import "errors"

// Get returns the value for key. It counts as an access.
//
// Errors: [ErrNotFound], [ErrLocked], [ErrInvalidKey], [ErrClosed].
func (s *Store[K, V]) Get(key K) (value V, err error) {
	var read reading
	if !s.keyMayFail {
		var ok bool
		if value, read, err, ok = s.getQuick(key); ok {
			return value, err
		}
	}
	err = s.get(key, read, func(e *entry[K, V], _ instant) { value = e.version().value })
	return value, err
}

// Entry returns the value for key with its metadata, which have this access in
// them. Otherwise it is like [Store.Get].
func (s *Store[K, V]) Entry(key K) (found Entry[K, V], err error) {
	err = s.get(key, reading{}, func(e *entry[K, V], now instant) { found = s.describeLocked(e, now) })
	return found, err
}

// get finds the entry for a reader without a lease, notes the access, and hands
// it to f under mu. read is for the first try, if the clock was read already.
func (s *Store[K, V]) get(key K, read reading, f func(e *entry[K, V], now instant)) error {
	if err := s.checkKey(key); err != nil {
		return err
	}
	hash := s.hash(key)
	for ; ; read = (reading{}) {
		if err := s.begin(read); err != nil {
			return err
		}
		e, now, err := s.readLocked(hash, key, read)
		var b *batch[K, V]
		switch err {
		case nil:
			f(e, now)
		case errAgain:
			b = e.pending
		}
		s.leave()
		switch {
		case err == errPacked:
			if err := s.unpack(e); err != nil {
				return err
			}
		case b == nil:
			return err
		default:
			_ = s.wait(b) // whatever becomes of it
			s.deliver()
		}
	}
}

// errPacked says that the value must be decoded first.
var errPacked = errors.New("packed")

// readLocked finds the entry for a reader without a lease and notes the access.
// It looks before it asks for the time: most misses need not know it. One that is
// dead and about to be written must be waited for: what it will be, it was from
// before its deadline.
func (s *Store[K, V]) readLocked(hash uint32, key K, read reading) (e *entry[K, V], now instant, err error) {
	if s.table.find(hash, key) == nil {
		s.stats.Misses++
		return nil, 0, ErrNotFound
	}
	now = s.tick(read)
	e = s.table.find(hash, key)
	switch {
	case e == nil:
		s.stats.Misses++
		return nil, now, ErrNotFound
	case e.isDead(now, s.o.IdleTimeout):
		if e.pending != nil {
			return e, now, errAgain
		}
		s.stats.Misses++
		return nil, now, ErrNotFound
	case e.lease != nil:
		s.stats.Refusals++
		return nil, now, ErrLocked
	case e.packed:
		return e, now, errPacked
	}
	s.stats.Hits++
	s.readingLocked(e, now)
	return e, now, nil
}

// readingLocked notes that the value of e is read.
func (s *Store[K, V]) readingLocked(e *entry[K, V], now instant) {
	s.touchLocked(e)
	e.count()
	s.accessLocked(e, now)
}

// useLocked notes a use of e, which is the latest now.
func (s *Store[K, V]) useLocked(e *entry[K, V], now instant) {
	s.touchLocked(e)
	v, place := e.version(), s.nextLocked()
	v.use(place, now)
	for v.isOver() { // who claimed it may not have seen that
		v = e.version()
		v.use(place, now)
	}
	s.usedLocked(v, now)
}

// usedLocked tells others of a use.
func (s *Store[K, V]) usedLocked(v *version[K, V], now instant) {
	s.table.unlocked.use(v.slot, v.hash)
	if s.o.IdleTimeout != NoExpiry {
		s.changedLocked(now) // else the entry would idle out in the folder
	}
}

// nextLocked returns the next position. Where readers leave the time as their mark,
// it is not below that.
func (s *Store[K, V]) nextLocked() uint64 {
	s.position++
	if s.quick {
		s.position = max(s.position, uint64(s.latest))
	}
	return s.position
}

// accessLocked is useLocked for an access that is not part of another change. The
// journal is told once an idle timeout has moved by a quarter.
func (s *Store[K, V]) accessLocked(e *entry[K, V], now instant) {
	s.useLocked(e, now)
	if idle := s.o.IdleTimeout; s.journal != nil && idle != NoExpiry && now-instant(e.noted) >= instant(idle/4) {
		e.note(now)
		s.noteLocked(change[K, V]{kind: changeAccess, at: now, e: e, count: e.total()})
	}
}

// Touch renews the idle timeout of the entry for key without reading it: an
// access that Metadata.Accesses does not count.
//
// Errors: [ErrNotFound], [ErrLocked], [ErrInvalidKey], [ErrClosed].
func (s *Store[K, V]) Touch(key K) error {
	if err := s.checkKey(key); err != nil {
		return err
	}
	return s.attempt(func(now instant) (*batch[K, V], error) {
		e, b := s.liveLocked(key, now)
		switch {
		case b != nil:
			return b, errAgain
		case e == nil:
			return nil, ErrNotFound
		case e.lease != nil:
			s.stats.Refusals++
			return nil, ErrLocked
		}
		s.accessLocked(e, now)
		return nil, nil
	})
}

// Peek returns the value for key and reports whether there is a live entry. It
// goes past locks and leaves no trace: not an access.
func (s *Store[K, V]) Peek(key K) (value V, ok bool) {
	value, err := s.peek(key)
	return value, err == nil
}

// peek is Peek, and tells why there is nothing.
func (s *Store[K, V]) peek(key K) (value V, err error) {
	if err := s.checkKey(key); err != nil {
		return value, err
	}
	v, read, ok := s.peekQuick(key)
	switch {
	case ok && v == nil:
		return value, ErrNotFound
	case ok:
		return v.value, nil
	}
	err = s.attemptReadAt(s.orRead(read), func(now instant) (*batch[K, V], *entry[K, V], error) {
		e, b := s.liveLocked(key, now)
		switch {
		case b != nil:
			return b, nil, errAgain
		case e == nil:
			return nil, nil, ErrNotFound
		case e.packed:
			return nil, e, nil
		}
		value = e.version().value
		return nil, nil, nil
	})
	return value, err
}

// Has reports whether there is a live entry for key. Like [Store.Peek], it goes
// past locks and leaves no trace.
func (s *Store[K, V]) Has(key K) bool {
	if s.checkKey(key) != nil {
		return false
	}
	v, read, ok := s.peekQuick(key)
	if ok {
		return v != nil
	}
	return s.attemptAt(s.orRead(read), func(now instant) (*batch[K, V], error) {
		e, b := s.liveLocked(key, now)
		switch {
		case b != nil:
			return b, errAgain
		case e == nil:
			return nil, ErrNotFound
		}
		return nil, nil
	}) == nil
}

// Metadata returns what the store knows of the entry for key and reports
// whether there is one, be it an expired one not yet freed. It goes past locks
// and leaves no trace.
func (s *Store[K, V]) Metadata(key K) (Metadata, bool) {
	now, err := s.enterFor(key)
	if err != nil {
		return Metadata{}, false
	}
	defer s.leave()
	if e := s.findLocked(key); e != nil {
		return s.describeLocked(e, now).Metadata, true
	}
	return Metadata{}, false
}

// Status returns the state of the entry for key and reports whether there is
// one, be it an expired one not yet freed. It goes past locks and leaves no
// trace.
func (s *Store[K, V]) Status(key K) (Status, bool) {
	now, err := s.enterFor(key)
	if err != nil {
		return 0, false
	}
	defer s.leave()
	if e := s.findLocked(key); e != nil {
		e.isDead(now, s.o.IdleTimeout) // if so, it stays that
		return e.statusBy(e.deadline(s.o.IdleTimeout), now), true
	}
	return 0, false
}

// findLocked returns the entry for key, dead or alive, or nil.
func (s *Store[K, V]) findLocked(key K) *entry[K, V] { return s.table.find(s.hash(key), key) }

// liveLocked returns the live entry for key, locked or not, without using it,
// or nil; with a batch, it must be looked for again after that: see readLocked.
func (s *Store[K, V]) liveLocked(key K, now instant) (*entry[K, V], *batch[K, V]) {
	e := s.findLocked(key)
	if e != nil && e.isDead(now, s.o.IdleTimeout) {
		return nil, e.pending
	}
	return e, nil
}
