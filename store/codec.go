package store

import (
	"encoding/binary"
	"fmt"
	"reflect"

	"github.com/latchkey-go/latchkey/persist"
)

// With a folder, an entry keeps its key and value as encoded: what can't be
// encoded fails the call that brings it, a snapshot need not call user code,
// and a value that the caller goes on changing is saved as it was handed over.
//
// data is the length of the key in 4 bytes, the key, and the value.

// encode returns the data for a new or changed entry; nil without a folder.
func (s *Store[K, V]) encode(key K, value V) ([]byte, error) {
	if s.folder == nil {
		return nil, nil
	}
	return s.marshal(key, value)
}

func (s *Store[K, V]) marshal(key K, value V) ([]byte, error) {
	k, err := s.marshalKey(key)
	if err != nil {
		return nil, err
	}
	v, err := marshal(s, "encode the value", value)
	if err != nil {
		return nil, err
	}
	if len(k)+len(v) > persist.MaxRecord {
		return nil, fmt.Errorf("store: an entry of %d bytes when encoded; the most is %d", len(k)+len(v), persist.MaxRecord)
	}
	data := make([]byte, 0, 4+len(k)+len(v))
	data = binary.LittleEndian.AppendUint32(data, uint32(len(k)))
	data = append(data, k...)
	return append(data, v...), nil
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

// splitData returns the encoded key and value in data.
func splitData(data []byte) (key, value []byte) {
	k := binary.LittleEndian.Uint32(data)
	return data[4 : 4+k], data[4+k:]
}
