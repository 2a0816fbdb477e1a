package persist

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"errors"
	"fmt"
)

// KeySize is the length in bytes of a key for [Encrypt].
const KeySize = 32

// keyIDSize is how many bytes of a key's SHA-256 stand before what it sealed,
// to find the key that opens it.
const keyIDSize = 4

// Encrypt returns a codec that seals what inner marshals with AES-256-GCM
// under a random nonce. The first key seals; every key opens, so a key is
// rotated by putting the new one in front and dropping the old one once as many
// snapshots have been taken since as are kept: the codec is a [Renewer].
//
// Each key must be [KeySize] random bytes. Put a new key in front before 2^32
// values were sealed with one (NIST SP 800-38D, section 8.3).
//
// What is sealed can't be read or altered without a key. Someone who can write
// to the folder can still put back older files, or exchange two sealed values.
func Encrypt(inner Codec, keys ...[]byte) (Codec, error) {
	if inner == nil {
		return nil, errors.New("persist: Encrypt needs an inner codec, such as JSON{}")
	}
	if len(keys) == 0 {
		return nil, errors.New("persist: Encrypt needs a key")
	}
	c := &encrypted{inner: inner}
	for i, key := range keys {
		s, err := newSealer(key)
		if err != nil {
			return nil, within(err, "key %d of Encrypt", i+1)
		}
		c.sealers = append(c.sealers, s)
	}
	return c, nil
}

type encrypted struct {
	inner   Codec
	sealers []sealer // the first seals
}

// ID returns the inner codec's ID behind "aes256gcm+".
func (c *encrypted) ID() string { return "aes256gcm+" + c.inner.ID() }

func (c *encrypted) Marshal(v any) ([]byte, error) {
	plain, err := c.inner.Marshal(v)
	if err != nil {
		return nil, err
	}
	return c.sealers[0].seal(plain), nil
}

func (c *encrypted) Unmarshal(data []byte, v any) error {
	plain, err := c.open(data)
	if err != nil {
		return err
	}
	return c.inner.Unmarshal(plain, v)
}

// Stale reports whether data was sealed with another key than the first, or
// whether what is sealed is stale for the inner codec.
func (c *encrypted) Stale(data []byte) bool {
	if len(data) < keyIDSize || [keyIDSize]byte(data) != c.sealers[0].id {
		return true
	}
	r, ok := c.inner.(Renewer)
	if !ok {
		return false
	}
	plain, err := c.open(data)
	return err == nil && r.Stale(plain)
}

// Describe has the inner codec do so, and seals the description.
func (c *encrypted) Describe(v any) (Codec, []byte, error) {
	d, ok := c.inner.(Describer)
	if !ok {
		return nil, nil, nil
	}
	inner, description, err := d.Describe(v)
	if err != nil || inner == nil {
		return nil, nil, err
	}
	return &encrypted{inner, c.sealers}, c.sealers[0].seal(description), nil
}

// Described opens the description for the inner codec.
func (c *encrypted) Described(v any, description []byte) (Codec, bool, error) {
	d, ok := c.inner.(Describer)
	if !ok {
		return nil, false, errors.New("persist: the codec in Encrypt knows no descriptions")
	}
	plain, err := c.open(description)
	if err != nil {
		return nil, false, err
	}
	inner, same, err := d.Described(v, plain)
	return &encrypted{inner, c.sealers}, same, err
}

// sealError is why something can't be opened.
type sealError string

func (e sealError) Error() string { return "persist: " + string(e) }

// QuotesNothing says that the text may be shown.
func (e sealError) QuotesNothing() {}

func (c *encrypted) open(data []byte) ([]byte, error) {
	if len(data) < keyIDSize {
		return nil, sealError("sealed data is cut short")
	}
	err := sealError("none of the keys given to Encrypt opens it; add the one it was sealed with")
	for _, s := range c.sealers {
		if s.id != [keyIDSize]byte(data) {
			continue
		}
		plain, openErr := s.aead.Open(nil, nil, data[keyIDSize:], nil)
		if openErr == nil {
			return plain, nil
		}
		err = sealError("sealed data was altered")
	}
	return nil, err
}

type sealer struct {
	id   [keyIDSize]byte
	aead cipher.AEAD // adds the nonce itself
}

func newSealer(key []byte) (sealer, error) {
	if len(key) != KeySize {
		return sealer{}, fmt.Errorf("%d bytes long, must be %d", len(key), KeySize)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return sealer{}, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return sealer{}, err
	}
	sum := sha256.Sum256(key)
	return sealer{id: [keyIDSize]byte(sum[:]), aead: aead}, nil
}

func (s sealer) seal(plain []byte) []byte {
	out := make([]byte, keyIDSize, keyIDSize+s.aead.Overhead()+len(plain))
	copy(out, s.id[:])
	return s.aead.Seal(out, nil, plain, nil)
}
