package store

import (
	"bytes"
	"fmt"
	"reflect"

	"github.com/latchkey-go/latchkey/internal/usercode"
	"github.com/latchkey-go/latchkey/persist"
)

// encoded is a key and a value as the codec made them. With a folder, every entry
// keeps them: what can't be encoded fails the call that brings it, snapshots and
// the journal need not call user code, and a value that the caller goes on
// changing is saved as it was handed over. It is never changed.
type encoded struct{ key, value []byte }

// codecs are those for keys and values in a file. They may be better ones than the
// user's alone, with descriptions of the types: see persist.Describer.
type codecs struct {
	key, value persist.Codec
	same       bool // as what is written today
}

// describe finds the codecs for what is written, and the contents of the files
// with it.
func (s *Store[K, V]) describe() error {
	codec := s.o.Persist.Codec
	s.codecs = codecs{codec, codec, true}
	s.contents = persist.Contents{Schema: s.o.Persist.Schema}
	err := usercode.Contain(func() error {
		s.contents.Codec = codec.ID()
		return nil
	})
	switch {
	case err != nil:
		return codecError("tell its ID", err)
	case s.contents.Codec == "":
		return fmt.Errorf("store: codec %T has no ID; it must name its encoding", codec)
	}
	if s.contents.Schema == "" {
		s.contents.Schema = reflect.TypeFor[K]().String() + " " + reflect.TypeFor[V]().String()
	}
	d, ok := codec.(persist.Describer)
	if !ok {
		return nil
	}
	for _, of := range []struct {
		v    any
		c    *persist.Codec
		text *[]byte
	}{{new(K), &s.codecs.key, &s.contents.Keys}, {new(V), &s.codecs.value, &s.contents.Values}} {
		err := usercode.Contain(func() error {
			c, text, err := d.Describe(of.v)
			if c != nil {
				*of.c, *of.text = c, text
			}
			return err
		})
		if err != nil {
			return codecError("describe a type", err)
		}
	}
	return nil
}

// codecsFor returns the codecs for what a file says is in it.
func (s *Store[K, V]) codecsFor(in persist.Contents) (codecs, error) {
	found := codecs{same: true}
	for _, of := range []struct {
		v         any
		c, today  *persist.Codec
		text, now []byte
	}{
		{new(K), &found.key, &s.codecs.key, in.Keys, s.contents.Keys},
		{new(V), &found.value, &s.codecs.value, in.Values, s.contents.Values},
	} {
		switch d, ok := s.o.Persist.Codec.(persist.Describer); {
		case bytes.Equal(of.text, of.now):
			*of.c = *of.today
		case of.text == nil:
			*of.c, found.same = s.o.Persist.Codec, false
		case !ok:
			return found, fmt.Errorf("%w: with descriptions of its types, which codec %q does not know", persist.ErrCodecMismatch, in.Codec)
		default:
			err := usercode.Contain(func() error {
				c, same, err := d.Described(of.v, of.text)
				*of.c, found.same = c, found.same && same
				return err
			})
			if err != nil {
				return found, codecError("read the description of a type", err)
			}
		}
	}
	return found, nil
}

// encode returns the data for a new or changed entry, less the key; nil without a
// folder.
func (s *Store[K, V]) encode(value V) (*encoded, error) {
	if s.folder == nil {
		return nil, nil
	}
	data, err := marshal(s.codecs.value, "encode the value", value)
	if err != nil {
		return nil, err
	}
	return &encoded{value: s.own(data)}, nil
}

// own returns data that nobody else will change. What another codec returns may
// be a part of the value itself.
func (s *Store[K, V]) own(data []byte) []byte {
	if s.ownCodec {
		return data
	}
	return bytes.Clone(data)
}

// encodeKey adds the key to data.
func (s *Store[K, V]) encodeKey(data *encoded, key K) error {
	k, err := s.marshalKey(key)
	if err != nil {
		return err
	}
	data.key = s.own(k)
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
	data, err := marshal(s.codecs.value, "encode the value", value)
	if err != nil {
		return nil, err
	}
	d := &encoded{value: s.own(data)}
	return d, s.encodeKey(d, key)
}

// marshalKey encodes a key and makes sure that it is the same when it comes
// back: two keys must never become one.
func (s *Store[K, V]) marshalKey(key K) ([]byte, error) {
	data, err := marshal(s.codecs.key, "encode the key", key)
	if err != nil {
		return nil, err
	}
	var back K
	if err := unmarshal(s.codecs.key, "decode the key it encoded", data, &back); err != nil {
		return nil, err
	}
	if back != key {
		return nil, ErrInvalidKey
	}
	return data, nil
}

func marshal[T any](c persist.Codec, what string, value T) ([]byte, error) {
	data, err := usercode.Marshal(c, value)
	if err != nil {
		return nil, codecError(what, err)
	}
	return data, nil
}

func unmarshal(c persist.Codec, what string, data []byte, v any) error {
	err := usercode.Contain(func() error { return c.Unmarshal(data, v) })
	if err != nil {
		return codecError(what, err)
	}
	return nil
}

// ownCodec reports whether a codec is one of ours, which make new bytes each time.
func ownCodec(c persist.Codec) bool {
	switch c.(type) {
	case persist.JSON, persist.Gob:
		return true
	}
	return false
}
