package main

import (
	"math"

	"github.com/fxamacker/cbor/v2"
)

// CBOR encodes with RFC 8949: smaller than JSON, any bytes in strings, and
// readable by other languages. It implements persist.Codec.
type CBOR struct {
	enc cbor.EncMode
	dec cbor.DecMode
}

// NewCBOR returns the codec.
func NewCBOR() (CBOR, error) {
	encode := cbor.CoreDetEncOptions()    // the same bytes for the same value
	encode.Time = cbor.TimeRFC3339NanoUTC // the default drops fractions of a second
	decode := cbor.DecOptions{
		// A codec must take back whatever it has made, so no limit may be
		// lower than the encoder's: it has none.
		MaxArrayElements: math.MaxInt32,
		MaxMapPairs:      math.MaxInt32,
		MaxNestedLevels:  math.MaxUint16,
		UTF8:             cbor.UTF8DecodeInvalid,
	}
	var c CBOR
	var err error
	if c.enc, err = encode.EncMode(); err != nil {
		return c, err
	}
	c.dec, err = decode.DecMode()
	return c, err
}

// ID names the encoding in the files. A change that older files could not be
// read with would need another one.
func (CBOR) ID() string { return "cbor" }

// Marshal returns the CBOR encoding of v.
func (c CBOR) Marshal(v any) ([]byte, error) { return c.enc.Marshal(v) }

// Unmarshal parses CBOR into what v points to.
func (c CBOR) Unmarshal(data []byte, v any) error { return c.dec.Unmarshal(data, v) }
