package scsstore

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strings"
)

// handlePrefix begins what All gives in place of a token. No token has a colon in
// it.
const handlePrefix = "session:"

func handle(key string) string { return handlePrefix + key }

func keyOfHandle(token string) (key string, ok bool) {
	return strings.CutPrefix(token, handlePrefix)
}

// key returns the key of the session with the token. Whoever compares keys learns
// nothing of tokens by how long it takes: a guess that is better by a letter has
// another hash altogether.
func key(secret []byte, token string) string {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(token)) // a hash never fails
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// keys returns where a session with the token may be, likeliest first.
func (s *Store) keys(token string) []string {
	keys := make([]string, len(s.secrets))
	for i, secret := range s.secrets {
		keys[i] = key(secret, token)
	}
	return keys
}

// keyForCommit returns where the session with the token is, or is to be. A session
// stays under the secret that it began with.
func (s *Store) keyForCommit(ctx context.Context, token string) (string, error) {
	keys := s.keys(token)
	if len(keys) == 1 {
		return keys[0], nil
	}
	for _, key := range keys {
		if _, found, err := s.find(ctx, key); found || err != nil {
			return key, err
		}
	}
	return keys[0], nil
}

// keyOf returns where a new session is to be.
func (s *Store) keyOf(token string) string { return key(s.secrets[0], token) }
