package shop

import (
	"errors"
	"net/http"

	"github.com/latchkey-go/latchkey/store"
)

// Refusal is an error that the visitor gets to read.
type Refusal struct {
	Status int // of HTTP
	Text   string
}

// Error returns the text.
func (r *Refusal) Error() string { return r.Text }

// answer makes a handler of f: it answers in f's place when that fails.
func (s *Shop) answer(f func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		err := f(w, r)
		no, refused := errors.AsType[*Refusal](err)
		switch {
		case err == nil:
		case errors.Is(err, store.ErrNotFound), errors.Is(err, store.ErrLeaseLost):
			// Logged out, maybe while the request was under way.
			http.Redirect(w, r, "/", http.StatusSeeOther)
		case errors.Is(err, store.ErrLocked):
			http.Error(w, "a checkout is under way; try again in a moment", http.StatusConflict)
		case errors.Is(err, store.ErrFull), errors.Is(err, store.ErrClosed):
			http.Error(w, "not now, please try again later", http.StatusServiceUnavailable)
		case refused:
			http.Error(w, no.Text, no.Status)
		default:
			s.log.Error("sessions: a request failed", "method", r.Method, "path", r.URL.Path, "error", err)
			http.Error(w, "something went wrong", http.StatusInternalServerError)
		}
	}
}
