package redisstore

import (
	"fmt"
	"unsafe"

	"github.com/redis/rueidis"

	"github.com/latchkey-go/latchkey/internal/usercode"
	"github.com/latchkey-go/latchkey/persist"
)

func marshal[T any](c persist.Codec, what string, value T) ([]byte, error) {
	data, err := usercode.Marshal(c, value)
	if err != nil {
		return nil, codecError(what, err)
	}
	return data, nil
}

func unmarshal(c persist.Codec, what string, data string, v any) error {
	// A codec neither keeps nor changes what it reads, so that no copy is needed.
	bytes := unsafe.Slice(unsafe.StringData(data), len(data))
	err := usercode.Contain(func() error { return c.Unmarshal(bytes, v) })
	if err != nil {
		return codecError(what, err)
	}
	return nil
}

// encode returns a value as it is on the server.
func (s *Store[K, V]) encode(value V) (string, error) {
	data, err := marshal(s.o.Codec, "encode the value", value)
	if err != nil {
		return "", err
	}
	if len(data) > s.o.MaxValue {
		return "", s.tooLarge(len(data))
	}
	return rueidis.BinaryString(data), nil
}

func (s *core) tooLarge(bytes int) error {
	return fmt.Errorf("%w: %d bytes when encoded, Options.MaxValue is %d", ErrTooLarge, bytes, s.o.MaxValue)
}

func (s *Store[K, V]) decode(data string) (value V, err error) {
	err = unmarshal(s.o.Codec, "decode the value", data, &value)
	return value, err
}
