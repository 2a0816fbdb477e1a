package store

import (
	"fmt"
	"iter"
	"reflect"
)

// walkBatch is how many slots are read under mu at a time when the whole store
// is walked.
const walkBatch = 64

// All returns an iterator over the live entries, locked ones too, in no
// particular order. It leaves no trace, and no lock is held while it yields, so
// the loop may do with the store what it likes. A key comes at most once; one
// that is there during the whole loop comes exactly once, with the value it has
// when the loop gets near it. Clear and Import end the loop, as nothing stays.
func (s *Store[K, V]) All() iter.Seq2[K, V] {
	look := func(e *entry[K, V], _ instant) pair[K, V] {
		v := e.version()
		return pair[K, V]{v.key, v.value, e.toDecode()}
	}
	return func(yield func(K, V) bool) {
		for p, err := range seen(s, look) {
			if err != nil {
				return
			}
			if value, ok := s.decoded(p.value, p.data); ok && !yield(p.key, value) {
				return
			}
		}
	}
}

// AllMetadata is [Store.All] with the metadata in place of the values.
func (s *Store[K, V]) AllMetadata() iter.Seq2[K, Metadata] {
	look := func(e *entry[K, V], now instant) described[K] {
		return described[K]{e.key(), s.describeLocked(e, now).Metadata}
	}
	return func(yield func(K, Metadata) bool) {
		for d, err := range seen(s, look) {
			if err != nil || !yield(d.key, d.metadata) {
				return
			}
		}
	}
}

// entries is All with the metadata, and with what All leaves out: an error comes
// with the key whose value can't be decoded, and ErrClosed ends it.
func (s *Store[K, V]) entries() iter.Seq2[Entry[K, V], error] {
	type found struct {
		Entry[K, V]
		data *encoded // the value is still to be decoded from it; nil = it is there
	}
	look := func(e *entry[K, V], now instant) found {
		return found{s.describeLocked(e, now), e.toDecode()}
	}
	return func(yield func(Entry[K, V], error) bool) {
		for f, err := range seen(s, look) {
			if err == nil {
				f.Entry, err = s.unpacked(f.Entry, f.data)
			}
			if !yield(f.Entry, err) {
				return
			}
		}
	}
}

// seen returns an iterator over what look makes, under mu, of the live entries. An
// error ends it.
func seen[K comparable, V, T any](s *Store[K, V], look func(e *entry[K, V], now instant) T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		w, err := s.startWalk()
		var batch []T
		see := func(e *entry[K, V], now instant) { batch = append(batch, look(e, now)) }
		for more := err == nil; more; {
			more, err = s.nextBatch(&w, see)
			for _, x := range batch {
				if !yield(x, nil) {
					return
				}
			}
			batch = batch[:0]
		}
		if err != nil {
			var none T
			yield(none, err)
		}
	}
}

// unpacked returns e with its value decoded from data, if that is not nil.
func (s *Store[K, V]) unpacked(e Entry[K, V], data *encoded) (Entry[K, V], error) {
	if data == nil {
		return e, nil
	}
	if err := s.decodeValue(data, &e.Value); err != nil {
		return Entry[K, V]{Key: e.Key}, err
	}
	return e, nil
}

// walk is a way through the entries that were there when it began.
type walk[K comparable, V any] struct {
	table *table[K, V]
	slots pieces[*entry[K, V]]
	next  int    // of the slots, the first still to go
	start uint64 // what was born after this position is passed over
}

type pair[K comparable, V any] struct {
	key   K
	value V
	data  *encoded // value is still to be decoded from it; nil = it is there
}

type described[K comparable] struct {
	key      K
	metadata Metadata
}

func (s *Store[K, V]) startWalk() (w walk[K, V], err error) {
	if _, err := s.enter(); err != nil {
		return w, err
	}
	defer s.leave()
	return walk[K, V]{table: s.table, slots: s.table.slots, start: s.position}, nil
}

// nextBatch has see look, under mu, at the next few live entries, and reports
// whether it got anywhere.
func (s *Store[K, V]) nextBatch(w *walk[K, V], see func(e *entry[K, V], now instant)) (bool, error) {
	if w.next == w.slots.n {
		return false, nil
	}
	now, err := s.enter() // again each time: a loop may take longer than entries live
	if err != nil {
		return false, err
	}
	defer s.leave()
	if s.table != w.table {
		return false, nil
	}
	some := w.slots.from(w.next, walkBatch)
	for _, e := range some {
		if e != nil && e.born <= w.start && !e.isDead(now, s.o.IdleTimeout) {
			see(e, now)
		}
	}
	w.next += len(some)
	return true, nil
}

// Keys returns an iterator over the keys of the live entries; see [Store.All].
func (s *Store[K, V]) Keys() iter.Seq[K] {
	return func(yield func(K) bool) {
		for key := range s.All() {
			if !yield(key) {
				return
			}
		}
	}
}

// Values returns an iterator over the values of the live entries; see
// [Store.All].
func (s *Store[K, V]) Values() iter.Seq[V] {
	return func(yield func(V) bool) {
		for _, value := range s.All() {
			if !yield(value) {
				return
			}
		}
	}
}

// Equal reports whether both stores have the same capacity, policy, TTL and
// idle timeout, and the same live keys with deeply equal values. It reads one
// after the other and holds no lock over both, so it tells something certain
// only if nobody writes.
func (s *Store[K, V]) Equal(other *Store[K, V]) bool {
	if s == other || other == nil {
		return s == other
	}
	if s.o.Policy != other.o.Policy || s.o.TTL != other.o.TTL || s.o.IdleTimeout != other.o.IdleTimeout ||
		s.o.MaxWeight != other.o.MaxWeight || s.Stats().Capacity != other.Stats().Capacity {
		return false
	}
	values := make(map[K]V)
	for key, value := range s.All() {
		values[key] = value
	}
	for key, value := range other.All() {
		mine, ok := values[key]
		if !ok || !reflect.DeepEqual(mine, value) {
			return false
		}
		delete(values, key)
	}
	return len(values) == 0
}

// String returns how many live entries the store has, and its capacity; no key
// or value.
func (s *Store[K, V]) String() string {
	return fmt.Sprintf("store.Store{%d of %d entries}", s.Len(), s.Stats().Capacity)
}
