package persist

import (
	"bytes"
	"encoding/gob"
	"errors"
)

// Gob encodes with encoding/gob: exported fields only, any bytes in strings,
// Go only. Types behind an interface must be registered with gob.Register.
type Gob struct{}

// ID returns "gob".
func (Gob) ID() string { return "gob" }

// Marshal returns v as a gob stream of one value.
func (Gob) Marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	if err := gob.NewEncoder(&b).Encode(v); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// Unmarshal reads a gob stream of one value into what v points to.
func (Gob) Unmarshal(data []byte, v any) error {
	r := bytes.NewReader(data)
	if err := gob.NewDecoder(r).Decode(v); err != nil {
		return err
	}
	if r.Len() > 0 {
		return errors.New("gob: bytes left over after the value")
	}
	return nil
}
