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

// get returns what decode makes of an answer, or has made of it before.
func (d *decoded[V]) get(text string, decode func(string) (V, error)) (V, error) {
	if d == nil || text == "" {
		return decode(text)
	}
	slot := d.slot(text)
	if v := slot.Load(); v != nil && unsafe.StringData(v.text) == unsafe.StringData(text) && len(v.text) == len(text) {
		return v.value, nil
	}
	value, err := decode(text)
	if err == nil {
		slot.Store(&decodedValue[V]{text, value})
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
