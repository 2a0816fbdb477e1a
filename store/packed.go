package store

// What is restored from a folder is decoded when somebody first reads it: a large
// store then opens in a fraction of the time. Keys are decoded at once, and so
// many values that a codec or a type that does not fit is told by New; values of
// which one alone can't be decoded are told to those who read them.

// sampleSize is how many values are decoded at once.
const sampleSize = 1000

// attemptRead is attempt for an operation that needs a value. If that has not been
// decoded yet, f returns its entry, and is called again when it has.
func (s *Store[K, V]) attemptRead(f func(now instant) (b *batch[K, V], packed *entry[K, V], err error)) error {
	return s.attemptReadAt(s.read(), f)
}

// attemptReadAt is attemptRead with the reading of the clock that the operation has begun with.
func (s *Store[K, V]) attemptReadAt(read reading, f func(now instant) (b *batch[K, V], packed *entry[K, V], err error)) error {
	for ; ; read = s.read() {
		var packed *entry[K, V]
		err := s.attemptAt(read, func(now instant) (b *batch[K, V], err error) {
			b, packed, err = f(now)
			return b, err
		})
		if packed == nil {
			return err
		}
		if err := s.unpack(packed); err != nil {
			return err
		}
	}
}

// unpack decodes the value of e.
func (s *Store[K, V]) unpack(e *entry[K, V]) error {
	s.mu.Lock()
	data, packed := e.data, e.packed
	s.mu.Unlock()
	if !packed {
		return nil
	}
	var value V
	if err := s.decodeValue(data, &value); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	old := e.version()
	if e.packed && e.data == data && s.table.find(old.hash, old.key) == e { // else it is gone
		v := &version[K, V]{hash: old.hash, value: value}
		e.prepare(v, 0, old.lastAccess(), old.expires) // that is no use
		s.table.overwrite(e, v, e.weight)
		e.packed = false
		e.isDead(s.latest, s.o.IdleTimeout) // if it was found dead meanwhile, so it stays
	}
	return nil
}

func (s *Store[K, V]) decodeValue(data *encoded, value *V) error {
	err := unmarshal(s.codecs.value, "decode a stored value as one of this type", data.value, value)
	if err != nil {
		return s.folderError(err)
	}
	return nil
}

// decoded returns a value, which is still to be decoded from data if that is not
// nil. One that can't be is told to the log.
func (s *Store[K, V]) decoded(value V, data *encoded) (V, bool) {
	if data == nil {
		return value, true
	}
	if err := s.decodeValue(data, &value); err != nil {
		s.o.Logger.Error("latchkey: a value that was restored can't be decoded", "error", err)
		return value, false
	}
	return value, true
}

// toDecode returns what the value of e is still to be decoded from, nil if it is
// there.
func (e *entry[K, V]) toDecode() *encoded {
	if e.packed {
		return e.data
	}
	return nil
}
