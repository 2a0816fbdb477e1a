package main

import (
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/alexedwards/scs/v2"

	"github.com/latchkey-go/latchkey/persist"
	"github.com/latchkey-go/latchkey/scsstore"
	"github.com/latchkey-go/latchkey/store"
)

// app is all that is served, and the store behind it.
type app struct {
	sessions *store.Store[string, []byte]
	shop     http.Handler
	ops      http.Handler
	log      *slog.Logger
}

func open(s settings, log *slog.Logger) (*app, error) {
	sessions, err := store.New(store.Options[string, []byte]{
		Capacity: 100_000,
		Persist:  persist.Config{Dir: s.dir},
		Logger:   log,
	})
	if err != nil {
		return nil, err
	}
	a := &app{sessions: sessions, log: log}
	a.shop = newShop(a.manager(s))
	if a.ops, err = newOps(sessions); err != nil {
		return nil, errors.Join(err, sessions.Close())
	}
	return a, nil
}

// close saves the sessions.
func (a *app) close() error { return a.sessions.Close() }

// manager returns scs's manager of the sessions. By its defaults, cookies are HttpOnly
// and SameSite=Lax.
func (a *app) manager(s settings) *scs.SessionManager {
	var secrets [][]byte
	if s.secret != "" {
		secrets = append(secrets, []byte(s.secret))
	}
	m := scs.New()
	m.Store = scsstore.New(a.sessions.Shared(), secrets...)
	m.IdleTimeout = 30 * time.Minute
	if s.https {
		m.Cookie.Secure = true
		m.Cookie.Name = "__Host-session" // no subdomain can set one of this name
	}
	m.ErrorFunc = func(w http.ResponseWriter, r *http.Request, err error) {
		status := scsstore.Status(err)
		if status == http.StatusInternalServerError {
			a.log.Error("webapp: a request failed", "method", r.Method, "path", r.URL.Path, "error", err)
		}
		http.Error(w, http.StatusText(status), status)
	}
	return m
}
