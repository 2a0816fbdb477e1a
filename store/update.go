package store

// maxUpdates is how often Update tries. Each failed try means that somebody else's write
// succeeded, so that hardly anything but an f that writes to its own key gets there.
const maxUpdates = 10_000

// Update replaces the value for key by what f makes of it, atomically, and
// returns that. f gets the old value and whether there was one, and runs
// outside every lock: if somebody writes meanwhile, it runs again, so it should
// do nothing but compute. An error of f ends Update and changes nothing, as
// does a panic. The entry's own TTL starts anew; a new entry gets the store's.
//
// f may use the store, but a write to its own key makes Update try again, and
// in the end give up with [ErrConflict], as it does where others write to the key ten
// thousand times, once in each run of f. Other errors are those of Set.
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
	if err := s.checkKey(key); err != nil {
		return nil, value, 0, err
	}
	err = s.attemptRead(func(now instant) (b *batch[K, V], packed *entry[K, V], err error) {
		e, b = s.liveLocked(key, now)
		switch {
		case b != nil:
			return b, nil, errAgain
		case e == nil:
			return nil, nil, nil
		case e.lease != nil:
			s.stats.Refusals++
			return nil, nil, ErrLocked
		case e.packed:
			return nil, e, nil
		}
		wasOpen := e.freeze()
		value, revision = e.v.Load().value, e.revision
		if wasOpen {
			e.thaw()
		}
		return nil, nil, nil
	})
	return e, value, revision, err
}
