package main

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/latchkey-go/latchkey/persist"
	"github.com/latchkey-go/latchkey/store"
)

const (
	maxText = 100     // bytes in a name
	maxCart = 200     // things in a cart
	maxBody = 4 << 10 // bytes in a request's body
)

// shop serves the pages.
type shop struct {
	sessions *store.Store[string, Session]
	log      *slog.Logger
	// pay is what takes time and must not happen twice.
	pay func(ctx context.Context, cart []string) error
}

// newShop opens the sessions. A nil clock is the system's.
func newShop(p persist.Config, clock store.Clock, log *slog.Logger) (*shop, error) {
	sessions, err := store.New(store.Options[string, Session]{
		Capacity:    100_000,
		TTL:         24 * time.Hour,
		IdleTimeout: 30 * time.Minute,
		Persist:     p,
		Clock:       clock,
		Logger:      log,
	})
	if err != nil {
		return nil, err
	}
	free := func(context.Context, []string) error { return nil }
	return &shop{sessions: sessions, log: log, pay: free}, nil
}

func (s *shop) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.answer(s.home))
	mux.HandleFunc("POST /login", s.answer(s.login))
	mux.HandleFunc("POST /cart", s.answer(s.add))
	mux.HandleFunc("POST /checkout", s.answer(s.checkout))
	mux.HandleFunc("POST /logout", s.answer(s.logout))
	// No form on another site gets through, even where a browser knows
	// nothing of SameSite.
	return http.NewCrossOriginProtection().Handler(http.MaxBytesHandler(mux, maxBody))
}

//go:embed page.html
var pageText string

var page = template.Must(template.New("page").Parse(pageText))

func (s *shop) home(w http.ResponseWriter, r *http.Request) error {
	session, err := s.look(requestKey(r))
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	var body bytes.Buffer
	if err := page.Execute(&body, session); err != nil { // without a session: the login
		return err
	}
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
	h.Set("Content-Type", "text/html; charset=utf-8")
	_, _ = body.WriteTo(w) // if it fails, the visitor is gone
	return nil
}

// login begins a session, always under a new id: one that somebody has slipped
// the visitor leads nowhere.
func (s *shop) login(w http.ResponseWriter, r *http.Request) error {
	user, err := field(r, "user") // and here a real shop would want a password
	if err != nil {
		return err
	}
	if err := s.end(requestKey(r)); err != nil {
		return err
	}
	id := newID()
	if err := s.sessions.Set(keyOf(id), Session{User: user}); err != nil {
		return err
	}
	setCookie(w, id)
	return toHome(w, r)
}

func (s *shop) add(w http.ResponseWriter, r *http.Request) error {
	item, err := field(r, "item")
	if err != nil {
		return err
	}
	err = s.change(requestKey(r), func(old Session) (Session, error) {
		if len(old.Cart) >= maxCart {
			return old, &refusal{http.StatusConflict, "the cart is full"}
		}
		old.Cart = append(slices.Clip(old.Cart), item) // clipped, append copies it
		return old, nil
	})
	if err != nil {
		return err
	}
	return toHome(w, r)
}

func (s *shop) checkout(w http.ResponseWriter, r *http.Request) error {
	if err := s.payFor(r.Context(), requestKey(r)); err != nil {
		return err
	}
	return toHome(w, r)
}

// payFor holds the session's lock while it has the cart paid for: two clicks
// don't pay twice, and nothing comes into the cart that isn't paid for.
func (s *shop) payFor(ctx context.Context, key string) (err error) {
	lease, err := s.sessions.TryLock(key, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lease.Unlock()) }()
	session, err := lease.Get()
	if err != nil {
		return err
	}
	if len(session.Cart) == 0 {
		return &refusal{http.StatusConflict, "the cart is empty"}
	}
	inTime, cancel := context.WithDeadline(ctx, lease.Deadline())
	defer cancel()
	if err := s.pay(inTime, session.Cart); err != nil {
		return err
	}
	session.Cart = nil
	return lease.Set(session)
}

func (s *shop) logout(w http.ResponseWriter, r *http.Request) error {
	setCookie(w, "")
	if err := s.end(requestKey(r)); err != nil {
		return err
	}
	return toHome(w, r)
}

func toHome(w http.ResponseWriter, r *http.Request) error {
	http.Redirect(w, r, "/", http.StatusSeeOther)
	return nil
}

// field returns a field of a form: text that is neither empty nor too long.
func field(r *http.Request, name string) (string, error) {
	err := r.ParseForm()
	if _, tooLong := errors.AsType[*http.MaxBytesError](err); tooLong {
		return "", &refusal{http.StatusRequestEntityTooLarge, "that is too much"}
	}
	text := r.PostForm.Get(name)
	if err != nil || text == "" || len(text) > maxText || !utf8.ValidString(text) {
		return "", &refusal{http.StatusBadRequest, fmt.Sprintf("%s: 1 to %d bytes of text, please", name, maxText)}
	}
	return text, nil
}
