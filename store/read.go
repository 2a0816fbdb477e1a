package store

// Get returns the value for key. It counts as an access.
//
// Errors: [ErrNotFound], [ErrLocked], [ErrInvalidKey], [ErrClosed].
func (s *Store[K, V]) Get(key K) (V, error) {
	var none V
	if err := s.checkKey(key); err != nil {
		return none, err
	}
	if err := s.begin(); err != nil {
		return none, err
	}
	e, _, err := s.readLocked(key)
	value := none
	if err == nil {
		value = e.value
	}
	s.leave()
	return value, err
}

// Entry returns the value for key with its metadata, which have this access in
// them. Otherwise it is like [Store.Get].
func (s *Store[K, V]) Entry(key K) (Entry[K, V], error) {
	var entry Entry[K, V]
	if err := s.checkKey(key); err != nil {
		return entry, err
	}
	if err := s.begin(); err != nil {
		return entry, err
	}
	defer s.leave()
	e, now, err := s.readLocked(key)
	if err == nil {
		entry = Entry[K, V]{e.key, e.value, s.metadataLocked(e, now)}
	}
	return entry, err
}

// readLocked finds the entry for a reader without a lease and notes the access.
// It looks before it asks for the time: most misses need not know it.
func (s *Store[K, V]) readLocked(key K) (e *entry[K, V], now instant, err error) {
	if s.table.find(key) == nil {
		s.stats.Misses++
		return nil, 0, ErrNotFound
	}
	now = s.tick()
	e = s.table.use(key)
	switch {
	case e == nil || dead(now, e.deadline(s.o.IdleTimeout)):
		s.stats.Misses++
		return nil, now, ErrNotFound
	case e.lease != nil:
		s.stats.Refusals++
		return nil, now, ErrLocked
	}
	s.stats.Hits++
	s.useLocked(e, now)
	e.accesses++
	return e, now, nil
}

// Touch renews the idle timeout of the entry for key without reading it: an
// access that Metadata.Accesses does not count.
//
// Errors: [ErrNotFound], [ErrLocked], [ErrInvalidKey], [ErrClosed].
func (s *Store[K, V]) Touch(key K) error {
	now, err := s.enterFor(key)
	if err != nil {
		return err
	}
	defer s.leave()
	e := s.liveLocked(key, now)
	if e == nil {
		return ErrNotFound
	}
	if e.lease != nil {
		s.stats.Refusals++
		return ErrLocked
	}
	s.table.use(key)
	s.useLocked(e, now)
	return nil
}

// Peek returns the value for key and reports whether there is a live entry. It
// goes past locks and leaves no trace: not an access.
func (s *Store[K, V]) Peek(key K) (V, bool) {
	var none V
	now, err := s.enterFor(key)
	if err != nil {
		return none, false
	}
	defer s.leave()
	if e := s.liveLocked(key, now); e != nil {
		return e.value, true
	}
	return none, false
}

// Has reports whether there is a live entry for key. Like [Store.Peek], it goes
// past locks and leaves no trace.
func (s *Store[K, V]) Has(key K) bool {
	_, ok := s.Peek(key)
	return ok
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
	if e := s.table.find(key); e != nil {
		return s.metadataLocked(e, now), true
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
	if e := s.table.find(key); e != nil {
		return e.status(now, s.o.IdleTimeout), true
	}
	return 0, false
}

// liveLocked returns the live entry for key, locked or not, without using it,
// or nil.
func (s *Store[K, V]) liveLocked(key K, now instant) *entry[K, V] {
	e := s.table.find(key)
	if e == nil || dead(now, e.deadline(s.o.IdleTimeout)) {
		return nil
	}
	return e
}
