package inspect

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
)

// secrets are what a handler hashes and seals with: made anew each time that the
// program runs.
type secrets struct {
	key  []byte // of hashes
	seal cipher.AEAD
}

func newSecrets() *secrets {
	key, sealKey := make([]byte, sha256.Size), make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	_, _ = rand.Read(sealKey)
	block, err := aes.NewCipher(sealKey)
	if err != nil {
		panic(err) // the key's length is right
	}
	seal, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err)
	}
	return &secrets{key, seal}
}

// hash returns a keyed hash in 32 digits.
func (s *secrets) hash(text string) string { return hex.EncodeToString(s.mac("key", text)[:16]) }

func (s *secrets) mac(purpose, text string) []byte {
	mac := hmac.New(sha256.New, s.key)
	mac.Write([]byte(purpose + "\x00" + text))
	return mac.Sum(nil)
}

// token returns what forms carry for the browser that has the cookie given, so that
// nobody else can make one.
func (s *secrets) token(cookie string) string {
	return base64.RawURLEncoding.EncodeToString(s.mac("token", cookie))
}

// sealed returns a position as text that tells nothing, and is good only for what it
// was made for.
func (s *secrets) sealed(p position, purpose string) string {
	plain, err := json.Marshal(p)
	if err != nil {
		panic(err) // numbers and a string
	}
	return base64.RawURLEncoding.EncodeToString(s.seal.Seal(nil, nil, plain, []byte(purpose)))
}

func (s *secrets) opened(text, purpose string) (p position, ok bool) {
	sealed, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return p, false
	}
	plain, err := s.seal.Open(nil, nil, sealed, []byte(purpose))
	if err != nil {
		return p, false
	}
	return p, json.Unmarshal(plain, &p) == nil
}
