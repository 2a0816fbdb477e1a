package scsstore

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"net/http"
	"sync"
	"time"

	"github.com/alexedwards/scs/v2"

	"github.com/latchkey-go/latchkey/store"
)

// Defaults of [Options].
const (
	DefaultWait  = 5 * time.Second
	DefaultLease = 10 * time.Second
)

// Options configure [Exclusive]. The zero value works.
type Options struct {
	// ReadOnly reports whether a request only reads its session, so that it needs
	// no lock and waits for nobody: pages to look at, event streams, websockets.
	// If it changes the session all the same, that is [ErrReadOnlyRoute]. It may
	// end it, and begin one if it came without. nil = none does.
	ReadOnly func(*http.Request) bool
	// Wait is how long a request waits for others of its session. Then it is
	// answered by Busy. 0 = DefaultWait.
	Wait time.Duration
	// Lease is how long a session stays locked when the process that holds it
	// dies: while a request runs, its lease is renewed. At most the MaxLease of
	// the store.Shared. 0 = DefaultLease, or that MaxLease if it is less.
	Lease time.Duration
	// Busy answers in place of a request that has waited too long; Retry-After is
	// set. nil = a line of text, with status 503.
	Busy http.Handler
}

// Exclusive returns middleware that has one request of a session run at a time, so
// that none overwrites what another has changed. It goes around LoadAndSave:
//
//	handler := scsstore.Exclusive(manager, scsstore.Options{})(manager.LoadAndSave(mux))
//
// Requests of other sessions, those without one, and ReadOnly ones don't wait. The
// lock is held until the handler returns, or [Store.Release]. A request that has
// lost it, because the session was ended or an operator has unlocked it, can't
// commit any more: scs's ErrorFunc gets [store.ErrLeaseLost]. See [Status].
//
// The handler gets the ResponseWriter as it is.
//
// Exclusive panics if the manager's Store is not a [*Store], an option is below 0, or
// Lease is above the MaxLease of the store.Shared. One that does not tell it, see there,
// has each request get an error.
func Exclusive(manager *scs.SessionManager, o Options) func(http.Handler) http.Handler {
	if manager == nil {
		panic("scsstore: Exclusive needs a manager, which scs.New makes")
	}
	s, ok := manager.Store.(*Store)
	if !ok {
		panic(fmt.Sprintf("scsstore: Exclusive needs a manager whose Store is what scsstore.New returns, not a %T", manager.Store))
	}
	if o.Wait < 0 || o.Lease < 0 {
		panic("scsstore: Wait and Lease of Options must be 0 or more")
	}
	if o.Wait == 0 {
		o.Wait = DefaultWait
	}
	o.Lease = s.leaseTime(o.Lease)
	if o.Busy == nil {
		o.Busy = http.HandlerFunc(busy)
	}
	return func(next http.Handler) http.Handler { return &exclusive{manager: manager, s: s, o: o, next: next} }
}

// leaseTime returns the length of leases when d was asked for.
func (s *Store) leaseTime(d time.Duration) time.Duration {
	longest := time.Duration(math.MaxInt64)
	if tells, ok := s.shared.(interface{ MaxLease() time.Duration }); ok {
		longest = tells.MaxLease()
	}
	if d == 0 {
		return min(DefaultLease, longest)
	}
	if d > longest {
		panic(fmt.Sprintf("scsstore: Lease of Options is %v, and the store gives none above its MaxLease, %v; lower the one or raise the other", d, longest))
	}
	return d
}

func busy(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	http.Error(w, "Another request of yours is still running. Please try again in a moment.", http.StatusServiceUnavailable)
}

type exclusive struct {
	manager *scs.SessionManager
	s       *Store
	o       Options
	next    http.Handler

	first  sync.Once // request: it shows where this stands
	inside bool      // LoadAndSave is around this, and the session loaded before it is locked
}

func (x *exclusive) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if x.s.request(r.Context()) != nil { // it has passed here before
		x.next.ServeHTTP(w, r)
		return
	}
	x.first.Do(func() { x.inside = x.isLoaded(r.Context()) })
	if x.inside {
		x.manager.ErrorFunc(w, r, errInside)
		return
	}
	about := &request{s: x.s, token: x.token(r), manager: x.manager, leaseTime: x.o.Lease}
	about.readOnly = x.o.ReadOnly != nil && x.o.ReadOnly(r)
	r = r.WithContext(context.WithValue(r.Context(), requestKey{x.s}, about))
	if about.token == "" || about.readOnly {
		x.next.ServeHTTP(w, r)
		return
	}
	switch err := about.lock(r.Context(), x.o.Wait); {
	case errors.Is(err, store.ErrNotFound): // no session, or none any more
		x.next.ServeHTTP(w, r)
	case err == nil:
		x.hold(w, r, about)
	case errors.Is(err, errBusy):
		w.Header().Set("Retry-After", "1")
		x.o.Busy.ServeHTTP(w, r)
	default:
		x.manager.ErrorFunc(w, r, err)
	}
}

var errInside = errors.New("scsstore: Exclusive has to go around LoadAndSave: exclusive(manager.LoadAndSave(mux))")

// isLoaded reports whether scs has loaded the session already.
func (x *exclusive) isLoaded(ctx context.Context) bool {
	defer func() { _ = recover() }() // what scs does if not
	_ = x.manager.Token(ctx)
	return true
}

// hold serves a request that has the lock.
func (x *exclusive) hold(w http.ResponseWriter, r *http.Request, about *request) {
	about.keep(r.Context())
	defer about.release(r.Context())
	x.next.ServeHTTP(w, r)
}

// token returns what the Store gets as the token of the request's session.
func (x *exclusive) token(r *http.Request) string {
	cookie, err := r.Cookie(x.manager.Cookie.Name)
	if err != nil || cookie.Value == "" {
		return ""
	}
	if x.manager.HashTokenInStore {
		sum := sha256.Sum256([]byte(cookie.Value))
		return base64.RawURLEncoding.EncodeToString(sum[:])
	}
	return cookie.Value
}

// errBusy says that the lock did not become free in time.
var errBusy = errors.New("scsstore: busy")

// lock waits for the lock on the request's session.
func (r *request) lock(ctx context.Context, wait time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, key := range r.s.keys(r.token) {
		lease, err := r.s.shared.Lock(ctx, key, r.leaseTime)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil && ctx.Err() != nil {
			return errBusy
		}
		r.key, r.lease = key, lease
		return err
	}
	return store.ErrNotFound
}

// Release gives the lock that [Exclusive] holds for a request back before the
// handler returns: for one that goes on for long after it is done with the session,
// as with a large download. Have the session committed before, which the first
// Write or WriteHeader does: afterwards it is [store.ErrLeaseLost]. Without a lock,
// Release does nothing.
func (s *Store) Release(ctx context.Context) {
	if r := s.request(ctx); r != nil && r.endRenewal != nil {
		r.release(ctx)
	}
}
