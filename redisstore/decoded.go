package redisstore

import (
	"reflect"
	"sync/atomic"
	"unsafe"
)

// decoded keeps values that were decoded from answers of the client's cache, for as
// long as that gives the same answer. It is for types of which readers can share a
// value as none can change it; nil for others.
type decoded[V any] struct {
	slots [decodedSlots]atomic.Pointer[decodedValue[V]]
}

const (
	decodedBits  = 13
	decodedSlots = 1 << decodedBits
)

// decodedValue is a value, and what it was decoded from. As long as it is here, no
// other answer can be at the same address.
type decodedValue[V any] struct {
	text  string
	value V
}

// newDecoded returns one if there is anything to keep.
func newDecoded[V any](o Options) *decoded[V] {
	if o.NearCache == 0 || !unchangeable(reflect.TypeFor[V]()) {
		return nil
	}
	return &decoded[V]{}
}

// slot returns where the value of an answer is, if it is kept.
func (d *decoded[V]) slot(text string) *atomic.Pointer[decodedValue[V]] {
	const golden = 0x9E3779B97F4A7C15 // spreads addresses, which are multiples of much
	at := uint64(uintptr(unsafe.Pointer(unsafe.StringData(text))))
	return &d.slots[at*golden>>(64-decodedBits)]
}

// get returns the value of an answer, if it is kept.
func (d *decoded[V]) get(text string) (value V, ok bool) {
	v := d.slot(text).Load()
	if v == nil || unsafe.StringData(v.text) != unsafe.StringData(text) || len(v.text) != len(text) {
		return value, false
	}
	return v.value, true
}

// decodeNear is decode of an answer that may come again.
func (s *Store[K, V]) decodeNear(text string) (V, error) {
	if s.decoded == nil || text == "" {
		return s.decode(text)
	}
	if value, ok := s.decoded.get(text); ok {
		return value, nil
	}
	value, err := s.decode(text)
	if err == nil {
		s.decoded.slot(text).Store(&decodedValue[V]{text, value})
	}
	return value, err
}

// unchangeable reports whether copies of a value share nothing that can be changed.
func unchangeable(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.String:
		return true
	case reflect.Array:
		return unchangeable(t.Elem())
	case reflect.Struct:
		for i := range t.NumField() {
			if !unchangeable(t.Field(i).Type) {
				return false
			}
		}
		return true
	}
	return t.Kind() >= reflect.Bool && t.Kind() <= reflect.Complex128
}
