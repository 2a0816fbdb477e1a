package persist

import (
	"bytes"
	"encoding"
	"encoding/binary"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"sync"
)

// Describe puts the definitions of a type into a description, which takes most of
// the time and the room of a gob stream of one value. Types with interfaces in
// them are left as they are: their definitions come as their values do.
func (Gob) Describe(v any) (Codec, []byte, error) {
	base := reflect.TypeOf(v)
	for base.Kind() == reflect.Pointer {
		base = base.Elem()
	}
	shape, ok := gobShape(base)
	if !ok {
		return nil, nil, nil
	}
	var stream bytes.Buffer
	if err := gob.NewEncoder(&stream).EncodeValue(reflect.New(base)); err != nil {
		return nil, nil, nil // nor can its values be: they will tell
	}
	description := binary.AppendUvarint(nil, uint64(len(shape)))
	description = append(append(description, shape...), stream.Bytes()...)
	c, err := newDescribedGob(base, stream.Bytes())
	return c, description, err
}

// Described returns the codec of a description.
func (Gob) Described(v any, description []byte) (c Codec, same bool, err error) {
	n, size := binary.Uvarint(description)
	if size <= 0 || n > uint64(len(description)-size) {
		return nil, false, errors.New("gob: not a description")
	}
	shape, stream := string(description[size:size+int(n)]), description[size+int(n):]
	base := reflect.TypeOf(v)
	for base.Kind() == reflect.Pointer {
		base = base.Elem()
	}
	now, ok := gobShape(base)
	c, err = newDescribedGob(base, stream)
	return c, ok && now == shape, err
}

// describedGob encodes values of one type without the definitions that stream
// begins with. A value then is what a gob stream has behind its message's length
// and the number of its type.
type describedGob struct {
	stream []byte // the definitions, and a zero value
	id     []byte // the number of the type, as in a message
	enc    sync.Pool
	dec    sync.Pool
}

func newDescribedGob(base reflect.Type, stream []byte) (*describedGob, error) {
	c := &describedGob{stream: stream}
	id, _, err := lastMessage(stream)
	if err != nil {
		return nil, err
	}
	c.id = id
	c.enc.New = func() any {
		e := &gobEncoder{}
		e.enc = gob.NewEncoder(&e.out)
		_ = e.enc.EncodeValue(reflect.New(base)) // it has been, once
		return e
	}
	c.dec.New = func() any {
		d := &gobDecoder{}
		d.dec = gob.NewDecoder(&d.in)
		d.in.Reset(stream)
		d.err = d.dec.DecodeValue(reflect.New(base))
		return d
	}
	d := c.dec.Get().(*gobDecoder)
	c.dec.Put(d)
	return c, d.err
}

// maxPooled is the largest buffer that is kept for other values.
const maxPooled = 1 << 16

// gobEncoder is one that has sent the definitions.
type gobEncoder struct {
	out bytes.Buffer
	enc *gob.Encoder
}

// gobDecoder is one that has received them.
type gobDecoder struct {
	in  bytes.Reader
	buf []byte
	dec *gob.Decoder
	err error
}

func (*describedGob) ID() string { return Gob{}.ID() }

func (c *describedGob) Marshal(v any) ([]byte, error) {
	e := c.enc.Get().(*gobEncoder)
	e.out.Reset()
	if err := e.enc.Encode(v); err != nil {
		return nil, err // and e is not used again
	}
	_, value, err := lastMessage(e.out.Bytes())
	if err != nil {
		return nil, err
	}
	value = bytes.Clone(value)
	if e.out.Cap() <= maxPooled {
		c.enc.Put(e)
	}
	return value, nil
}

func (c *describedGob) Unmarshal(data []byte, v any) error {
	d := c.dec.Get().(*gobDecoder)
	d.buf = appendGobUint(d.buf[:0], uint64(len(c.id)+len(data)))
	d.buf = append(append(d.buf, c.id...), data...)
	d.in.Reset(d.buf)
	if err := d.dec.Decode(v); err != nil {
		return err // and d is not used again
	}
	if d.in.Len() > 0 {
		return errors.New("gob: bytes left over after the value")
	}
	if cap(d.buf) <= maxPooled {
		c.dec.Put(d)
	}
	return nil
}

// lastMessage returns the last message of a gob stream, which must be a value:
// the number of its type, and the rest.
func lastMessage(stream []byte) (id, value []byte, err error) {
	for {
		n, size := gobUint(stream)
		if size == 0 || n == 0 || n > uint64(len(stream)-size) {
			return nil, nil, io.ErrUnexpectedEOF
		}
		message := stream[size : size+int(n)]
		stream = stream[size+int(n):]
		number, size := gobUint(message)
		if definition := number&1 == 1; size == 0 || definition != (len(stream) > 0) {
			return nil, nil, errors.New("gob: not definitions and a value")
		}
		if len(stream) == 0 {
			return message[:size], message[size:], nil
		}
	}
}

// gobUint reads an unsigned number as gob writes it: one byte below 128, else its
// bytes, highest first, behind their negated count. size 0 = there is none.
func gobUint(b []byte) (n uint64, size int) {
	if len(b) == 0 {
		return 0, 0
	}
	if b[0] < 128 {
		return uint64(b[0]), 1
	}
	count := -int(int8(b[0]))
	if count > 8 || len(b) <= count {
		return 0, 0
	}
	for _, c := range b[1 : 1+count] {
		n = n<<8 | uint64(c)
	}
	return n, 1 + count
}

func appendGobUint(b []byte, n uint64) []byte {
	if n < 128 {
		return append(b, byte(n))
	}
	var all [8]byte
	binary.BigEndian.PutUint64(all[:], n)
	bytes := all[:]
	for bytes[0] == 0 {
		bytes = bytes[1:]
	}
	return append(append(b, byte(-len(bytes))), bytes...)
}

// gobShape returns what the bytes of a gob value depend on in its type: two types
// of one shape have the same encodings. ok is false for types whose values carry
// definitions of their own.
func gobShape(t reflect.Type) (shape string, ok bool) {
	var b strings.Builder
	ok = writeGobShape(&b, t, make(map[reflect.Type]int))
	return b.String(), ok
}

func writeGobShape(b *strings.Builder, t reflect.Type, seen map[reflect.Type]int) bool {
	for t.Kind() == reflect.Pointer && !encodesItself(t) {
		t = t.Elem()
	}
	if encodesItself(t) || encodesItself(reflect.PointerTo(t)) {
		fmt.Fprintf(b, "itself(%s)", t)
		return true
	}
	if n, ok := seen[t]; ok { // perhaps it holds itself
		fmt.Fprintf(b, "#%d", n)
		return true
	}
	if t.Name() != "" {
		seen[t] = len(seen)
	}
	switch t.Kind() {
	case reflect.Interface:
		return false
	case reflect.Slice, reflect.Array:
		fmt.Fprintf(b, "[%d]", arrayLen(t))
		return writeGobShape(b, t.Elem(), seen)
	case reflect.Map:
		b.WriteString("map[")
		if !writeGobShape(b, t.Key(), seen) {
			return false
		}
		b.WriteString("]")
		return writeGobShape(b, t.Elem(), seen)
	case reflect.Struct:
		b.WriteString("struct{")
		for i := range t.NumField() {
			f := t.Field(i)
			if !f.IsExported() || f.Type.Kind() == reflect.Chan || f.Type.Kind() == reflect.Func {
				continue
			}
			fmt.Fprintf(b, "%s ", f.Name)
			if !writeGobShape(b, f.Type, seen) {
				return false
			}
			b.WriteString(";")
		}
		b.WriteString("}")
		return true
	}
	b.WriteString(t.Kind().String())
	return true
}

// arrayLen returns the length of an array, -1 for a slice.
func arrayLen(t reflect.Type) int {
	if t.Kind() == reflect.Array {
		return t.Len()
	}
	return -1
}

// encodesItself reports whether a type makes its own bytes for gob.
func encodesItself(t reflect.Type) bool {
	for _, i := range []reflect.Type{
		reflect.TypeFor[gob.GobEncoder](), reflect.TypeFor[encoding.BinaryMarshaler](), reflect.TypeFor[encoding.TextMarshaler](),
	} {
		if t.Implements(i) {
			return true
		}
	}
	return false
}
