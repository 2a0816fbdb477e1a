package persist

import "fmt"

// A Describer is a [Codec] whose encodings of one type have something in common
// that can be written once: the definitions of gob's types, say. A store then
// writes it once a file, and what is left of a key or a value for each of them.
type Describer interface {
	Codec
	// Describe returns a codec for what v, a non-nil pointer, points to, and
	// a description that its encodings can't be decoded without. A nil codec
	// stands for a type for which that is of no use.
	Describe(v any) (c Codec, description []byte, err error)
	// Described returns the codec of that description: by Describe in another
	// process, or for a form that the type once had. same reports whether what
	// Describe's codec makes today is the same.
	Described(v any, description []byte) (c Codec, same bool, err error)
}

// Contents tell what the keys and values in a file are.
type Contents struct {
	Codec  string `json:"codec"`            // the Codec's ID
	Schema string `json:"schema"`           // see Config.Schema
	Keys   []byte `json:"keys,omitempty"`   // description of the keys; nil = they need none
	Values []byte `json:"values,omitempty"` // likewise
}

// Check returns [ErrCodecMismatch] or [ErrTypeMismatch] when a file was written
// with another codec or for other types than c says.
func (c Contents) Check(file Contents) error {
	if file.Codec != c.Codec {
		return fmt.Errorf("%w: with %q, not %q; open it with the codec it was written with", ErrCodecMismatch, file.Codec, c.Codec)
	}
	if file.Schema != c.Schema {
		return fmt.Errorf("%w: %q, not %q; open it with those, or, if only names have changed, set Config.Schema", ErrTypeMismatch, file.Schema, c.Schema)
	}
	return nil
}
