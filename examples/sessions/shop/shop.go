// Package shop is a small shop on net/http: login, cart, checkout, logout. It keeps
// its visitors' sessions in whatever it is given: a store of its process, or one
// that several processes share.
package shop

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"

	"github.com/latchkey-go/latchkey/store"
)

// Bounds of what a visitor may send.
const (
	MaxCart = 200     // things in a cart
	MaxBody = 4 << 10 // bytes in a request's body
)

// Shop serves the pages.
type Shop struct {
	sessions store.Shared[string, Session]
	log      *slog.Logger
	// pay is what takes time and must not happen twice.
	pay func(ctx context.Context, cart []string) error
}

// New returns a shop with the sessions, which stay their maker's to close.
func New(sessions store.Shared[string, Session], log *slog.Logger) *Shop {
	free := func(context.Context, []string) error { return nil }
	return &Shop{sessions: sessions, log: log, pay: free}
}

// Handler returns the handler of all pages.
func (s *Shop) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.answer(s.home))
	mux.HandleFunc("POST /login", s.answer(s.login))
	mux.HandleFunc("POST /cart", s.answer(s.add))
	mux.HandleFunc("POST /checkout", s.answer(s.checkout))
	mux.HandleFunc("POST /logout", s.answer(s.logout))
	// No form on another site gets through, even where a browser knows
	// nothing of SameSite.
	return http.NewCrossOriginProtection().Handler(http.MaxBytesHandler(mux, MaxBody))
}

func (s *Shop) home(w http.ResponseWriter, r *http.Request) error {
	session, err := s.look(r.Context(), requestKey(r))
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	return WritePage(w, session)
}

// login begins a session, always under a new id: one that somebody has slipped
// the visitor leads nowhere.
func (s *Shop) login(w http.ResponseWriter, r *http.Request) error {
	user, err := Field(r, "user") // and here a real shop would want a password
	if err != nil {
		return err
	}
	if err := s.end(r.Context(), requestKey(r)); err != nil {
		return err
	}
	id := newID()
	if err := s.sessions.Set(r.Context(), keyOf(id), Session{User: user}); err != nil {
		return err
	}
	setCookie(w, id)
	return toHome(w, r)
}

func (s *Shop) add(w http.ResponseWriter, r *http.Request) error {
	item, err := Field(r, "item")
	if err != nil {
		return err
	}
	err = s.change(r.Context(), requestKey(r), func(old Session) (Session, error) {
		if len(old.Cart) >= MaxCart {
			return old, &Refusal{http.StatusConflict, "the cart is full"}
		}
		old.Cart = append(slices.Clip(old.Cart), item) // clipped, append copies it
		return old, nil
	})
	if err != nil {
		return err
	}
	return toHome(w, r)
}

func (s *Shop) checkout(w http.ResponseWriter, r *http.Request) error {
	if err := s.payFor(r.Context(), requestKey(r)); err != nil {
		return err
	}
	return toHome(w, r)
}

// payFor holds the session's lock while it has the cart paid for: two clicks
// don't pay twice, and nothing comes into the cart that isn't paid for.
func (s *Shop) payFor(ctx context.Context, key string) (err error) {
	lease, err := s.sessions.TryLock(ctx, key, 0)
	if err != nil {
		return err
	}
	always := context.WithoutCancel(ctx) // what is paid for is noted, even if the visitor is gone
	defer func() { err = errors.Join(err, lease.Unlock(always)) }()
	session, err := lease.Get(ctx)
	if err != nil {
		return err
	}
	if len(session.Cart) == 0 {
		return &Refusal{http.StatusConflict, "the cart is empty"}
	}
	inTime, cancel := context.WithDeadline(ctx, lease.Deadline())
	defer cancel()
	if err := s.pay(inTime, session.Cart); err != nil {
		return err
	}
	session.Cart = nil
	return lease.Set(always, session)
}

func (s *Shop) logout(w http.ResponseWriter, r *http.Request) error {
	setCookie(w, "")
	if err := s.end(r.Context(), requestKey(r)); err != nil {
		return err
	}
	return toHome(w, r)
}

func toHome(w http.ResponseWriter, r *http.Request) error {
	http.Redirect(w, r, "/", http.StatusSeeOther)
	return nil
}
