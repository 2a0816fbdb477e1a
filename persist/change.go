package persist

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// ChangeKind tells what a [Change] does.
type ChangeKind byte

// The kinds of changes, as their types on disk.
const (
	ChangeSet    ChangeKind = 'S' // a value is written, under a new key or an old one
	ChangeDelete ChangeKind = 'D' // the entry is deleted by a caller
	ChangeEvict  ChangeKind = 'V' // the entry goes for room
	ChangeExpire ChangeKind = 'X' // the entry, dead by time, is freed
	ChangeLock   ChangeKind = 'L' // a lease on the entry begins, or is extended
	ChangeUnlock ChangeKind = 'U' // the lease on the entry ends before its time
	ChangeAccess ChangeKind = 'A' // the entry has been accessed
	ChangeClear  ChangeKind = 'C' // all entries go
	ChangeResize ChangeKind = 'Z' // the capacity changes
)

// Change is one change of a store, as its journal has it: what the change makes
// of the store as it was before. Which fields count depends on its kind.
type Change struct {
	Kind     ChangeKind
	At       int64  // when, in nanoseconds of wall time since 1970
	Key      []byte // as in the entry's record; none for Clear and Resize
	Value    []byte // Set
	TTL      int64  // Set: in nanoseconds; 0 = for ever
	Revision uint64 // Set: 1 for a new entry
	Accesses uint64 // Set, Access: how often the entry was read by then
	Fence    uint64 // Lock, Unlock: of the lease
	Until    int64  // Lock: deadline of the lease, as At
	Capacity uint64 // Resize
}

// append adds the payload of c's frame but for the number that every frame of a
// journal begins with. That is the time in 8 bytes, then by kind, with numbers as
// varints of encoding/binary where no size is given:
//
//	S  TTL, Revision, Accesses, length of Key, Key, Value
//	L  Fence, 8 bytes Until, Key
//	U  Fence, Key
//	A  Accesses, Key
//	Z  Capacity
//	D  V  X  Key
func (c *Change) append(b []byte) []byte {
	le := binary.LittleEndian
	b = le.AppendUint64(b, uint64(c.At))
	switch c.Kind {
	case ChangeSet:
		b = binary.AppendUvarint(b, uint64(c.TTL))
		b = binary.AppendUvarint(b, c.Revision)
		b = binary.AppendUvarint(b, c.Accesses)
		b = binary.AppendUvarint(b, uint64(len(c.Key)))
		b = append(b, c.Key...)
		return append(b, c.Value...)
	case ChangeLock:
		b = binary.AppendUvarint(b, c.Fence)
		b = le.AppendUint64(b, uint64(c.Until))
	case ChangeUnlock:
		b = binary.AppendUvarint(b, c.Fence)
	case ChangeAccess:
		b = binary.AppendUvarint(b, c.Accesses)
	case ChangeResize:
		b = binary.AppendUvarint(b, c.Capacity)
	}
	return append(b, c.Key...)
}

// parseChange returns the change in a payload, less the number it begins with.
// Key and Value point into it.
func parseChange(kind ChangeKind, payload []byte) (Change, error) {
	p := parser{rest: payload}
	c := Change{Kind: kind, At: int64(p.fixed())}
	switch kind {
	case ChangeSet:
		c.TTL = int64(p.varint())
		c.Revision = p.varint()
		c.Accesses = p.varint()
		c.Key = p.bytes(p.varint())
		c.Value = p.bytes(uint64(len(p.rest)))
	case ChangeLock:
		c.Fence = p.varint()
		c.Until = int64(p.fixed())
	case ChangeUnlock:
		c.Fence = p.varint()
	case ChangeAccess:
		c.Accesses = p.varint()
	case ChangeResize:
		c.Capacity = p.varint()
	case ChangeDelete, ChangeEvict, ChangeExpire, ChangeClear:
	default:
		return c, fmt.Errorf("a record of unknown type %q", byte(kind))
	}
	switch kind {
	case ChangeSet:
	case ChangeClear, ChangeResize:
		p.bad = p.bad || len(p.rest) > 0
	default:
		c.Key = p.rest
	}
	if p.bad || c.Fence > maxNumber || c.TTL < 0 {
		return c, errors.New("a record that is not one")
	}
	return c, nil
}

// parser takes numbers and bytes off the front of a payload. What isn't there,
// or isn't written as append writes it, makes it bad.
type parser struct {
	rest []byte
	bad  bool
}

func (p *parser) fixed() (n uint64) {
	if b := p.bytes(8); b != nil {
		n = binary.LittleEndian.Uint64(b)
	}
	return n
}

func (p *parser) varint() uint64 {
	n, size := binary.Uvarint(p.rest)
	if size <= 0 || size > 1 && p.rest[size-1] == 0 { // padded
		p.bad = true
		return 0
	}
	p.rest = p.rest[size:]
	return n
}

func (p *parser) bytes(n uint64) []byte {
	if p.bad || n > uint64(len(p.rest)) {
		p.bad = true
		return nil
	}
	b := p.rest[:n:n]
	p.rest = p.rest[n:]
	return b
}
