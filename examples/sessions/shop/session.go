package shop

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"

	"github.com/latchkey-go/latchkey/store"
)

// Session is what the shop knows of a visitor who has logged in. Readers share
// its Cart with the store: it is replaced, never changed in place.
type Session struct {
	User string
	Cart []string
}

// cookieName is that of the cookie with the session's id. Where the shop is
// reached by HTTPS alone, "__Host-session" is a better one: browsers then let
// no other subdomain set it.
const cookieName = "session"

// newID returns an id that nobody can guess: it has 128 random bits or more.
func newID() string { return rand.Text() }

// keyOf returns the key of the session with the id given: its hash, so that
// nobody can log in with what is in the store's files.
func keyOf(id string) string {
	sum := sha256.Sum256([]byte(id))
	return hex.EncodeToString(sum[:])
}

// requestKey returns the key of the request's session. Without a cookie that is
// "", the key of no session.
func requestKey(r *http.Request) string {
	cookie, err := r.Cookie(cookieName)
	if err != nil {
		return ""
	}
	return keyOf(cookie.Value)
}

// setCookie has the browser keep id until it is closed, or, with "", forget it.
func setCookie(w http.ResponseWriter, id string) {
	cookie := &http.Cookie{
		Name:     cookieName,
		Value:    id,
		Path:     "/",
		Secure:   true,                 // over HTTPS only
		HttpOnly: true,                 // not for scripts
		SameSite: http.SameSiteLaxMode, // not with forms on other sites
	}
	if id == "" {
		cookie.MaxAge = -1
	}
	http.SetCookie(w, cookie)
}

// look returns the session for key. That keeps it from idling out.
func (s *Shop) look(ctx context.Context, key string) (Session, error) {
	session, err := s.sessions.Get(ctx, key)
	if errors.Is(err, store.ErrLocked) {
		// A checkout is under way, and the session can't idle out as
		// long. One may still look at it.
		return s.sessions.Peek(ctx, key)
	}
	return session, err
}

// change replaces the session for key by what f makes of it, if it is still
// there: a logout is not undone. Requests that come at once each get their
// change in; f may run again, and must not change what it is given.
func (s *Shop) change(ctx context.Context, key string, f func(Session) (Session, error)) error {
	_, err := s.sessions.Update(ctx, key, func(old Session, found bool) (Session, error) {
		if !found {
			return old, store.ErrNotFound
		}
		return f(old)
	})
	return err
}

// end ends the session for key, be there one or not. It does not wait for a
// checkout that holds it: what that still wants to write is refused, so that
// who has logged out stays logged out.
func (s *Shop) end(ctx context.Context, key string) error {
	for {
		err := s.sessions.Delete(ctx, key)
		if !errors.Is(err, store.ErrLocked) {
			return err
		}
		if _, err := s.sessions.ForceUnlock(ctx, key); err != nil {
			return err
		}
	}
}
