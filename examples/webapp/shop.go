package main

import (
	"errors"
	"net/http"

	"github.com/alexedwards/scs/v2"

	"github.com/latchkey-go/latchkey/examples/sessions/shop"
	"github.com/latchkey-go/latchkey/scsstore"
)

// webshop is the shop with sessions of scs. None of its handlers thinks of others that
// run at once: Exclusive lets only one of a session run.
type webshop struct {
	sessions *scs.SessionManager
}

func newShop(m *scs.SessionManager) http.Handler {
	s := webshop{m}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.answer(s.home))
	mux.HandleFunc("POST /login", s.answer(s.login))
	mux.HandleFunc("POST /cart", s.answer(s.add))
	mux.HandleFunc("POST /checkout", s.answer(s.checkout))
	mux.HandleFunc("POST /logout", s.answer(s.logout))

	exclusive := scsstore.Exclusive(m, scsstore.Options{
		ReadOnly: func(r *http.Request) bool {
			return r.Method == http.MethodGet || r.URL.Path == "/logout" // which waits for nobody
		},
	})
	limited := http.MaxBytesHandler(exclusive(m.LoadAndSave(mux)), shop.MaxBody)
	return http.NewCrossOriginProtection().Handler(limited)
}

// answer makes a handler of f: it answers in f's place when that fails.
func (s webshop) answer(f func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		err := f(w, r)
		if no, refused := errors.AsType[*shop.Refusal](err); refused {
			http.Error(w, no.Text, no.Status)
		} else if err != nil {
			s.sessions.ErrorFunc(w, r, err)
		}
	}
}

func (s webshop) session(r *http.Request) shop.Session {
	cart, _ := s.sessions.Get(r.Context(), "cart").([]string) // nil at first
	return shop.Session{User: s.sessions.GetString(r.Context(), "user"), Cart: cart}
}

func (s webshop) home(w http.ResponseWriter, r *http.Request) error {
	return shop.WritePage(w, s.session(r))
}

// login begins with nothing, under a new token: one that somebody has slipped the
// visitor leads nowhere.
func (s webshop) login(w http.ResponseWriter, r *http.Request) error {
	user, err := shop.Field(r, "user") // and here a real shop would want a password
	if err != nil {
		return err
	}
	if err := s.sessions.Clear(r.Context()); err != nil {
		return err
	}
	if err := s.sessions.RenewToken(r.Context()); err != nil {
		return err
	}
	s.sessions.Put(r.Context(), "user", user)
	return toHome(w, r)
}

func (s webshop) add(w http.ResponseWriter, r *http.Request) error {
	item, err := shop.Field(r, "item")
	if err != nil {
		return err
	}
	session := s.session(r)
	switch {
	case session.User == "": // logged out, maybe while this request waited
		return toHome(w, r)
	case len(session.Cart) >= shop.MaxCart:
		return &shop.Refusal{Status: http.StatusConflict, Text: "the cart is full"}
	}
	s.sessions.Put(r.Context(), "cart", append(session.Cart, item))
	return toHome(w, r)
}

// checkout is where a real shop would take money. Two clicks don't pay twice.
func (s webshop) checkout(w http.ResponseWriter, r *http.Request) error {
	session := s.session(r)
	switch {
	case session.User == "":
		return toHome(w, r)
	case len(session.Cart) == 0:
		return &shop.Refusal{Status: http.StatusConflict, Text: "the cart is empty"}
	}
	s.sessions.Remove(r.Context(), "cart")
	return toHome(w, r)
}

func (s webshop) logout(w http.ResponseWriter, r *http.Request) error {
	if err := s.sessions.Destroy(r.Context()); err != nil {
		return err
	}
	return toHome(w, r)
}

func toHome(w http.ResponseWriter, r *http.Request) error {
	http.Redirect(w, r, "/", http.StatusSeeOther)
	return nil
}
