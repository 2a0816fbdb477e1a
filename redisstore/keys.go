package redisstore

import (
	"context"
	"errors"
	"math"
	"reflect"
	"strconv"
	"strings"

	"github.com/latchkey-go/latchkey/persist"
	"github.com/latchkey-go/latchkey/store"
)

// The name of a key on the server is the prefix, a letter for how the key is
// encoded, a colon, and the encoded key. So keys of different types never meet.
const (
	tagString = "s:"
	tagInt    = "i:"
	tagUint   = "u:"
	tagBool   = "b:"
	tagJSON   = "j:"
	tagCodec  = "k:" // Options.KeyCodec
)

// keyCoding turns keys into names on the server, and back.
type keyCoding struct {
	prefix string
	tag    string
	kind   reflect.Kind
	codec  persist.Codec // with tagJSON and tagCodec
}

func newKeyCoding[K comparable](o Options) (keyCoding, error) {
	c := keyCoding{prefix: o.Prefix, tag: tagCodec, kind: reflect.TypeFor[K]().Kind(), codec: o.KeyCodec}
	if c.codec != nil {
		var key K
		a, errA := marshal(c.codec, "encode a key", key)
		b, errB := marshal(c.codec, "encode a key", key)
		if errA == nil && errB == nil && string(a) != string(b) {
			return c, errors.New("redisstore: KeyCodec encodes the same key in different ways, so that nothing would ever be found; Encrypt is for values")
		}
		return c, nil
	}
	c.codec = persist.JSON{}
	switch k := c.kind; {
	case k == reflect.String:
		c.tag = tagString
	case k >= reflect.Int && k <= reflect.Int64:
		c.tag = tagInt
	case k >= reflect.Uint && k <= reflect.Uintptr:
		c.tag = tagUint
	case k == reflect.Bool:
		c.tag = tagBool
	default:
		c.tag = tagJSON
	}
	return c, nil
}

// beginWith begins an operation on a key, and returns the name that this has on the
// server.
func (s *Store[K, V]) beginWith(ctx context.Context, key K) (string, error) {
	if err := s.begin(ctx); err != nil {
		return "", err
	}
	return s.name(key)
}

// name returns the name of a key on the server. Errors: store.ErrInvalidKey, the
// codec's.
func (s *Store[K, V]) name(key K) (string, error) {
	c := &s.keys
	switch c.tag {
	case tagString:
		if text, ok := any(key).(string); ok {
			return c.escaped(text), nil
		}
		return c.escaped(reflect.ValueOf(key).String()), nil
	case tagInt: // which has nothing to escape
		var digits [20]byte
		return c.prefix + c.tag + string(strconv.AppendInt(digits[:0], reflect.ValueOf(key).Int(), 10)), nil
	case tagUint:
		var digits [20]byte
		return c.prefix + c.tag + string(strconv.AppendUint(digits[:0], reflect.ValueOf(key).Uint(), 10)), nil
	case tagBool:
		return c.escaped(strconv.FormatBool(reflect.ValueOf(key).Bool())), nil
	}
	if !equalsItself(key) {
		return "", store.ErrInvalidKey
	}
	if v := reflect.ValueOf(key); v.IsValid() && v.CanFloat() && v.Float() == 0 && math.Signbit(v.Float()) {
		var zero K // 0 and -0 are one key
		key = zero
	}
	data, err := marshal(c.codec, "encode the key", key)
	if err != nil {
		return "", err
	}
	// Two keys must never become one.
	var back K
	if err := unmarshal(c.codec, "decode the key it encoded", string(data), &back); err != nil {
		return "", err
	}
	if back != key {
		return "", store.ErrInvalidKey
	}
	return c.escaped(string(data)), nil
}

// key returns the key with the name given.
func (s *Store[K, V]) key(name string) (key K, err error) {
	c := &s.keys
	text, ok := c.unescaped(name)
	if !ok {
		return key, ErrForeign
	}
	v := reflect.ValueOf(&key).Elem()
	switch c.tag {
	case tagString:
		v.SetString(text)
	case tagInt:
		var n int64
		n, err = strconv.ParseInt(text, 10, v.Type().Bits())
		v.SetInt(n)
	case tagUint:
		var n uint64
		n, err = strconv.ParseUint(text, 10, v.Type().Bits())
		v.SetUint(n)
	case tagBool:
		v.SetBool(text == "true")
	default:
		return key, unmarshal(c.codec, "decode a key", text, &key)
	}
	if err != nil {
		return key, ErrForeign
	}
	return key, nil
}

// equalsItself reports whether an entry could be found by the key again.
func equalsItself[K comparable](key K) (equal bool) {
	// An interface that holds what can't be compared panics.
	defer func() { _ = recover() }()
	same := key
	return same == key
}

const hexDigits = "0123456789ABCDEF"

// plain reports whether a byte of a key stands for itself in a name. Braces would
// be a hash tag of a cluster, * ? [ ] and \ are patterns, and % begins an escape.
func plain(b byte) bool {
	return b > ' ' && b < 0x7F && !strings.ContainsRune(`{}*?[]\%`, rune(b))
}

// escaped returns the name for an encoded key: readable in redis-cli, whatever the
// key's bytes are.
func (c *keyCoding) escaped(text string) string {
	var b strings.Builder
	b.Grow(len(c.prefix) + len(c.tag) + len(text))
	b.WriteString(c.prefix)
	b.WriteString(c.tag)
	start := 0
	for i := range len(text) {
		if plain(text[i]) {
			continue
		}
		b.WriteString(text[start:i])
		b.Write([]byte{'%', hexDigits[text[i]>>4], hexDigits[text[i]&15]})
		start = i + 1
	}
	b.WriteString(text[start:])
	return b.String()
}

// unescaped is the reverse of escaped; ok is false for what is not from there.
func (c *keyCoding) unescaped(name string) (text string, ok bool) {
	text, ok = strings.CutPrefix(name, c.prefix+c.tag)
	if !ok || !strings.Contains(text, "%") {
		return text, ok
	}
	out := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		if text[i] != '%' {
			out = append(out, text[i])
			continue
		}
		if i+2 >= len(text) {
			return "", false
		}
		b, err := strconv.ParseUint(text[i+1:i+3], 16, 8)
		if err != nil {
			return "", false
		}
		out = append(out, byte(b))
		i += 2
	}
	return string(out), true
}

// pattern returns the pattern for SCAN that all names match.
func (c *keyCoding) pattern() string {
	var b strings.Builder
	for _, r := range []byte(c.prefix + c.tag) {
		if strings.ContainsRune(`*?[]\^`, rune(r)) {
			b.WriteByte('\\')
		}
		b.WriteByte(r)
	}
	return b.String() + "*"
}
