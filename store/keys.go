package store

import "reflect"

// keyMayFail reports whether some values of a key type are not equal to
// themselves, or can't be compared.
func keyMayFail(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Float32, reflect.Float64, reflect.Complex64, reflect.Complex128, reflect.Interface:
		return true
	case reflect.Array:
		return keyMayFail(t.Elem())
	case reflect.Struct:
		for f := range t.NumField() {
			if keyMayFail(t.Field(f).Type) {
				return true
			}
		}
	}
	return false
}

// checkKey returns ErrInvalidKey for a key that could never be found again.
func (s *Store[K, V]) checkKey(key K) error {
	if s.keyMayFail && !equalsItself(key) {
		return ErrInvalidKey
	}
	return nil
}

func equalsItself[K comparable](key K) (equal bool) {
	// An interface that holds what can't be compared panics.
	defer func() { _ = recover() }()
	same := key
	return same == key
}
