package scsstore

import (
	"errors"
	"net/http"

	"github.com/latchkey-go/latchkey/store"
)

var (
	// ErrDestroyed: the session was ended while the request ran, so that what the
	// request has made of it is not stored.
	ErrDestroyed = errors.New("scsstore: the session was ended while the request ran")
	// ErrReadOnlyRoute: a request that Options.ReadOnly let pass without the lock
	// has changed its session, which is not stored.
	ErrReadOnlyRoute = errors.New("scsstore: the session was changed by a request that Options.ReadOnly calls one that only reads")
)

// Status returns the HTTP status for an error that scs's ErrorFunc gets: 409 if the
// session has gone its way while the request ran, 503 if another try later may
// work, else 500.
func Status(err error) int {
	switch {
	case errors.Is(err, ErrDestroyed), errors.Is(err, store.ErrLeaseLost):
		return http.StatusConflict
	case errors.Is(err, store.ErrLocked), errors.Is(err, store.ErrFull),
		errors.Is(err, store.ErrReadOnly), errors.Is(err, store.ErrClosed):
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}
