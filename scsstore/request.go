package scsstore

import (
	"bytes"
	"context"
	"errors"
	"reflect"
	"sync"
	"time"

	"github.com/alexedwards/scs/v2"

	"github.com/latchkey-go/latchkey/store"
)

// request is what [Exclusive] knows of a request and its session. The Store finds it
// in the context.
type request struct {
	s     *Store
	token string // as the Store gets it from scs; "" = the request has none

	manager   *scs.SessionManager
	readOnly  bool
	leaseTime time.Duration // of the leases that are taken for it

	mu     sync.Mutex // guards the fields below
	key    string     // of the session
	lease  store.SharedLease[string, []byte]
	lost   bool   // the lease is over, and not by the session's end through it
	found  bool   // with readOnly
	loaded []byte // with found

	endRenewal context.CancelFunc // set once, before the handler is called; nil = without a lock
	renewal    *time.Timer        // set with it; guarded by mu
}

type requestKey struct{ s *Store }

// request returns what Exclusive knows of the request; nil = it did not pass there.
func (s *Store) request(ctx context.Context) *request {
	r, _ := ctx.Value(requestKey{s}).(*request)
	return r
}

// isFor reports whether the token is that which the request came with.
func (r *request) isFor(token string) bool { return r != nil && r.token == token }

func (r *request) find(ctx context.Context) ([]byte, bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.readOnly:
		return r.peekLocked(ctx)
	case r.lease == nil:
		return nil, false, nil
	}
	b, err := r.lease.Get(ctx)
	if err := r.noteLocked(err); !errors.Is(err, store.ErrLeaseLost) {
		return b, err == nil, err
	}
	_, err = r.s.shared.Peek(ctx, r.key)
	switch {
	case errors.Is(err, store.ErrNotFound): // there is nothing to be stored again
		return nil, false, nil
	case err == nil:
		err = store.ErrLeaseLost
	}
	return nil, false, err
}

func (r *request) peekLocked(ctx context.Context) ([]byte, bool, error) {
	for _, key := range r.s.keys(r.token) {
		b, found, err := r.s.find(ctx, key)
		if found {
			r.key, r.found, r.loaded = key, true, b
		}
		if found || err != nil {
			return b, found, err
		}
	}
	return nil, false, nil
}

// noteLocked notes whether an error of the lease says that it is over.
func (r *request) noteLocked(err error) error {
	r.lost = r.lost || errors.Is(err, store.ErrLeaseLost)
	return err
}

func (r *request) commit(ctx context.Context, token string, b []byte, expiry time.Time) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.lost: // a new token would carry on what others have gone over
		return store.ErrLeaseLost
	case r.found:
		if r.token != token || r.changedLocked(b) {
			return ErrReadOnlyRoute
		}
		return r.s.prolong(ctx, r.key, expiry, r.leaseTime)
	case r.token != token:
		return r.s.commit(ctx, r.s.keyOf(token), b, expiry)
	case r.lease == nil:
		return ErrDestroyed
	}
	if ttl := lifeUntil(expiry); ttl > 0 {
		return r.noteLocked(r.lease.SetWithTTL(ctx, b, ttl))
	}
	return r.deleteLocked(ctx)
}

// changedLocked reports whether b holds something else than what was found. The same
// session can be encoded in more than one way: gob does not sort maps.
func (r *request) changedLocked(b []byte) bool {
	if bytes.Equal(b, r.loaded) {
		return false
	}
	wasDeadline, was, err := r.manager.Codec.Decode(r.loaded)
	if err != nil {
		return true
	}
	isDeadline, is, err := r.manager.Codec.Decode(b)
	return err != nil || !isDeadline.Equal(wasDeadline) || !reflect.DeepEqual(is, was)
}

// prolong gives the session, as it now is, until expiry, which scs wants of every
// request when there is an IdleTimeout. Whoever holds it will do so in its own commit.
func (s *Store) prolong(ctx context.Context, key string, expiry time.Time, leaseTime time.Duration) error {
	lease, err := s.shared.TryLock(ctx, key, leaseTime)
	if errors.Is(err, store.ErrLocked) || errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	defer giveBack(ctx, lease)
	b, err := lease.Get(ctx)
	if ttl := lifeUntil(expiry); err == nil && ttl > 0 {
		err = lease.SetWithTTL(ctx, b, ttl)
	}
	if errors.Is(err, store.ErrLeaseLost) { // it was ended
		return nil
	}
	return err
}

func (r *request) delete(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.deleteLocked(ctx)
}

func (r *request) deleteLocked(ctx context.Context) error {
	if r.lease != nil && !r.lost {
		r.s.ended.add(r.key)
		if err := r.noteLocked(r.lease.Delete(ctx)); !errors.Is(err, store.ErrLeaseLost) {
			if err == nil {
				r.lease = nil
			}
			return err
		}
	}
	for _, key := range r.s.keys(r.token) {
		if err := r.s.end(ctx, key); err != nil {
			return err
		}
	}
	return nil
}
