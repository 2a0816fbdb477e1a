package main

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"

	"github.com/redis/rueidis"

	"github.com/latchkey-go/latchkey/persist"
	"github.com/latchkey-go/latchkey/redisstore"
)

// copier copies entries with keys of some type.
type copier interface {
	toServer(ctx context.Context, c persist.Config, o redisstore.CopyOptions) (redisstore.Copied, error)
	toFolder(ctx context.Context, c persist.Config, o redisstore.CopyOptions) (redisstore.Copied, error)
}

// typed is a copier. Its values are what the codec has made of those of the program,
// of which nothing is known here.
type typed[K comparable] struct {
	s      *redisstore.Store[K, encoded]
	codec  persist.Codec
	schema string
}

type encoded []byte

type newCopier func(client rueidis.Client, o redisstore.Options, schema string) (copier, error)

func newTyped[K comparable](client rueidis.Client, o redisstore.Options, schema string) (copier, error) {
	s, err := redisstore.New[K, encoded](client, o)
	return typed[K]{s, o.Codec, schema}, err
}

func (k typed[K]) toServer(ctx context.Context, c persist.Config, o redisstore.CopyOptions) (redisstore.Copied, error) {
	c.Codec, c.Schema = k.codec, k.schema
	return k.s.Import(ctx, c, o)
}

func (k typed[K]) toFolder(ctx context.Context, c persist.Config, o redisstore.CopyOptions) (redisstore.Copied, error) {
	c.Codec, c.Schema = k.codec, k.schema
	return k.s.Export(ctx, c, o)
}

// kinds are the types of keys that have a form of their own on a server.
var kinds = map[string]newCopier{
	"string": newTyped[string],
	"int":    newTyped[int64],
	"uint":   newTyped[uint64],
	"bool":   newTyped[bool],
	"json":   newTyped[jsonKey],
}

// kind returns the one that was asked for, or that the schema tells.
func (o *copying) kind() (newCopier, error) {
	if o.keys != "" {
		kind, ok := kinds[o.keys]
		if !ok {
			return nil, usagef("--keys is %q; it must be string, int, uint, bool or json", o.keys)
		}
		return kind, nil
	}
	keys, _, _ := strings.Cut(o.schema, " ")
	switch keys {
	case "string", "bool":
	case "int", "int8", "int16", "int32", "int64":
		keys = "int"
	case "uint", "uint8", "uint16", "uint32", "uint64", "uintptr":
		keys = "uint"
	default:
		return nil, usagef("the keys are of type %s: say by --keys what that is at bottom: string, int, uint, bool, or json for all others", keys)
	}
	return kinds[keys], nil
}

// jsonKey is a key of any other type, as its codec has made it.
type jsonKey struct{ text string }

func (k jsonKey) MarshalJSON() ([]byte, error) { return []byte(k.text), nil }

func (k *jsonKey) UnmarshalJSON(data []byte) error {
	var compact bytes.Buffer
	err := json.Compact(&compact, data)
	k.text = compact.String()
	return err
}

// untouched is a codec that decodes keys, and leaves values as they are.
type untouched struct{ keys persist.Codec }

func (u untouched) ID() string { return u.keys.ID() }

func (u untouched) Marshal(v any) ([]byte, error) {
	if value, ok := v.(encoded); ok {
		return value, nil
	}
	return u.keys.Marshal(v)
}

func (u untouched) Unmarshal(data []byte, v any) error {
	if value, ok := v.(*encoded); ok {
		*value = bytes.Clone(data)
		return nil
	}
	return u.keys.Unmarshal(data, v)
}

// untouched returns the codec for the entries.
func (o *copying) untouched() (persist.Codec, error) {
	switch o.codec {
	case persist.JSON{}.ID():
		return untouched{persist.JSON{}}, nil
	case sealedPrefix + persist.JSON{}.ID():
		if len(o.keyFiles) == 0 {
			return nil, usagef("the keys of the entries are sealed, and are not on a server: --key-file must have what they are sealed with")
		}
		keys, err := o.readKeys()
		if err != nil {
			return nil, err
		}
		sealed, err := persist.Encrypt(persist.JSON{}, keys...)
		return untouched{sealed}, err
	}
	return nil, usagef("the entries are of codec %q, which is not known here: have a program call Import or Export of redisstore", o.codec)
}
