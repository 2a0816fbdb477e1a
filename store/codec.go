package store

import (
	"bytes"
	"fmt"
	"reflect"

	"github.com/latchkey-go/latchkey/persist"
)

// encoded is a key and a value as the codec made them. With a folder, every entry
// keeps them: what can't be encoded fails the call that brings it, snapshots and
// the journal need not call user code, and a value that the caller goes on
// changing is saved as it was handed over. It is never changed.
type encoded struct{ key, value []byte }

// encode returns the data for a new or changed entry, less the key; nil without a
// folder.
func (s *Store[K, V]) encode(value V) (*encoded, error) {
	if s.folder == nil {
		return nil, nil
	}
	data, err := marshal(s, "encode the value", value)
	if err != nil {
		return nil, err
	}
	return &encoded{value: bytes.Clone(data)}, nil
}

// encodeKey adds the key to data.
func (s *Store[K, V]) encodeKey(data *encoded, key K) error {
	k, err := s.marshalKey(key)
	if err != nil {
		return err
	}
	data.key = bytes.Clone(k)
	return data.fits(data)
}

// fits makes sure that a value is not too large with the key of other.
func (d *encoded) fits(other *encoded) error {
	if d != nil && len(d.value)+len(other.key) > persist.MaxRecord {
		return fmt.Errorf("store: an entry of %d bytes when encoded; the most is %d", len(d.value)+len(other.key), persist.MaxRecord)
	}
	return nil
}

// marshal encodes both.
func (s *Store[K, V]) marshal(key K, value V) (*encoded, error) {
	data, err := marshal(s, "encode the value", value)
	if err != nil {
		return nil, err
	}
	d := &encoded{value: bytes.Clone(data)}
	return d, s.encodeKey(d, key)
}

// marshalKey encodes a key and makes sure that it is the same when it comes
// back: two keys must never become one.
func (s *Store[K, V]) marshalKey(key K) ([]byte, error) {
	data, err := marshal(s, "encode the key", key)
	if err != nil {
		return nil, err
	}
	var back K
	if err := s.unmarshal("decode the key it encoded", data, &back); err != nil {
		return nil, err
	}
	if back != key {
		return nil, ErrInvalidKey
	}
	return data, nil
}

func marshal[K comparable, V, T any](s *Store[K, V], what string, value T) (data []byte, err error) {
	var v any = value
	if reflect.TypeFor[T]().Kind() == reflect.Interface {
		v = &value // or else the codec would not see that it is one
	}
	err = contain(func() (err error) {
		data, err = s.o.Persist.Codec.Marshal(v)
		return err
	})
	if err != nil {
		return nil, &codecError{what, err}
	}
	return data, nil
}

func (s *Store[K, V]) unmarshal(what string, data []byte, v any) error {
	err := contain(func() error { return s.o.Persist.Codec.Unmarshal(data, v) })
	if err != nil {
		return &codecError{what, err}
	}
	return nil
}
