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
// when the loop gets near it.
func (s *Store[K, V]) All() iter.Seq2[K, V] {
	return func(yield func(K, V) bool) {
		if _, err := s.enter(); err != nil {
			return
		}
		w := walk[K, V]{table: s.table, slots: s.table.slots, start: s.position}
		s.leave()
		for s.nextBatch(&w) {
			for _, p := range w.batch {
				if value, ok := s.decoded(p.value, p.data); ok && !yield(p.key, value) {
					return
				}
			}
		}
	}
}

// walk is a way through the entries that were there when it began.
type walk[K comparable, V any] struct {
	table *table[K, V]
	slots []*entry[K, V] // still to go
	start uint64         // what was born after this position is passed over
	batch []pair[K, V]
}

type pair[K comparable, V any] struct {
	key   K
	value V
	data  *encoded // value is still to be decoded from it; nil = it is there
}

// nextBatch reads the next few live entries and reports whether it got
// anywhere.
func (s *Store[K, V]) nextBatch(w *walk[K, V]) bool {
	now, err := s.enter() // again each time: a loop may take longer than entries live
	if err != nil {
		return false
	}
	defer s.leave()
	if s.table != w.table || len(w.slots) == 0 {
		return false
	}
	n := min(walkBatch, len(w.slots))
	w.batch = w.batch[:0]
	for _, e := range w.slots[:n] {
		if e != nil && e.slot >= 0 && e.born <= w.start && !dead(now, e.deadline(s.o.IdleTimeout)) {
			w.batch = append(w.batch, pair[K, V]{e.v.key, e.v.value, e.toDecode()})
		}
	}
	w.slots = w.slots[n:]
	return true
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
		s.Stats().Capacity != other.Stats().Capacity {
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
