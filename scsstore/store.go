package scsstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/alexedwards/scs/v2"

	"github.com/latchkey-go/latchkey/store"
)

// Store keeps the sessions of an [scs.SessionManager] in a [store.Shared]. It is
// safe for concurrent use.
type Store struct {
	shared  store.Shared[string, []byte]
	secrets [][]byte
	ended   *lately
}

var (
	_ scs.CtxStore         = (*Store)(nil)
	_ scs.IterableStore    = (*Store)(nil)
	_ scs.IterableCtxStore = (*Store)(nil)
)

// New returns a Store of what is in shared, which has to hold sessions alone, and
// stays its maker's to close. The TTL of shared has no effect, as each session has
// the one that scs gives it; an idle timeout of shared would end sessions, too.
//
// A session's key is HMAC-SHA256 of its token, with the first secret: 32 random
// bytes, say. Sessions of the others, which were first ones before, are found and
// kept, too: give the old secret second for a Lifetime, and then drop it. Without any
// secret the key of the hash is empty, but one that is given must not be. What is in shared does not log anybody in then
// either, as tokens are random, but who can write there could make a session for a
// token of his own.
func New(shared store.Shared[string, []byte], secrets ...[]byte) *Store {
	if shared == nil {
		panic("scsstore: New needs a store.Shared, which Store.Shared of package store gives")
	}
	s := &Store{shared: shared, ended: newLately(rememberEnded)}
	for i, secret := range secrets {
		if len(secret) == 0 {
			panic(fmt.Sprintf("scsstore: secret %d of New is empty; is the setting that it comes from?", i+1))
		}
		s.secrets = append(s.secrets, append([]byte(nil), secret...))
	}
	if len(s.secrets) == 0 {
		s.secrets = [][]byte{nil}
	}
	return s
}

// Find is FindCtx without a context.
func (s *Store) Find(token string) (b []byte, found bool, err error) {
	return s.FindCtx(context.Background(), token)
}

// FindCtx returns what the session with the token holds, and reports whether there
// is one. In a request that [Exclusive] has locked it for, it reads through the
// lease; else past any lock, without waiting.
//
// Errors: [store.ErrLeaseLost] if the request's lease is over and the session is
// not; those of [store.Shared].
func (s *Store) FindCtx(ctx context.Context, token string) (b []byte, found bool, err error) {
	if token == "" {
		return nil, false, nil
	}
	if r := s.request(ctx); r.isFor(token) {
		return r.find(ctx)
	}
	for _, key := range s.keys(token) {
		if b, found, err = s.find(ctx, key); found || err != nil {
			return b, found, err
		}
	}
	return nil, false, nil
}

// find reads past any lock, but as an access where it can.
func (s *Store) find(ctx context.Context, key string) ([]byte, bool, error) {
	b, err := s.shared.Get(ctx, key)
	if errors.Is(err, store.ErrLocked) {
		b, err = s.shared.Peek(ctx, key)
	}
	if errors.Is(err, store.ErrNotFound) {
		return nil, false, nil
	}
	return b, err == nil, err
}

// Commit is CommitCtx without a context.
func (s *Store) Commit(token string, b []byte, expiry time.Time) error {
	return s.CommitCtx(context.Background(), token, b, expiry)
}

// CommitCtx stores a session until expiry. In a request that [Exclusive] has locked
// it for, that goes through the lease. The end of ctx does not matter: what a request
// has done is stored, though its client has gone.
//
// Errors, with which nothing is stored: [ErrDestroyed], [ErrReadOnlyRoute],
// [store.ErrLeaseLost], [store.ErrLocked] if another request holds the session and
// this one does not go through Exclusive. Others are those of [store.Shared].
func (s *Store) CommitCtx(ctx context.Context, token string, b []byte, expiry time.Time) error {
	ctx = context.WithoutCancel(ctx)
	if key, ok := keyOfHandle(token); ok {
		return s.commit(ctx, key, b, expiry)
	}
	if r := s.request(ctx); r != nil {
		return r.commit(ctx, token, b, expiry)
	}
	key, err := s.keyForCommit(ctx, token)
	if err != nil {
		return err
	}
	return s.commit(ctx, key, b, expiry)
}

// commit stores a session that is new, or that its request does not hold.
func (s *Store) commit(ctx context.Context, key string, b []byte, expiry time.Time) error {
	ttl := lifeUntil(expiry)
	switch {
	case ttl <= 0:
		return s.shared.Delete(ctx, key)
	case s.ended.has(key):
		return ErrDestroyed
	}
	if err := s.shared.SetWithTTL(ctx, key, b, ttl); err != nil {
		return err
	}
	if s.ended.has(key) { // just now: perhaps what was deleted was not this yet
		return errors.Join(ErrDestroyed, s.end(ctx, key))
	}
	return nil
}

// lifeUntil returns the TTL of what is to expire then.
func lifeUntil(expiry time.Time) time.Duration {
	ttl := time.Until(expiry)
	if ttl > store.MaxDuration {
		return store.NoExpiry
	}
	return ttl
}

// Delete is DeleteCtx without a context.
func (s *Store) Delete(token string) error {
	return s.DeleteCtx(context.Background(), token)
}

// DeleteCtx ends a session. It waits for nobody: a request that holds the session
// loses its lease, and what it then commits is refused. As with CommitCtx, the end of
// ctx does not matter.
//
// Errors: those of [store.Shared].
func (s *Store) DeleteCtx(ctx context.Context, token string) error {
	if token == "" { // scs has not committed the session yet
		return nil
	}
	ctx = context.WithoutCancel(ctx)
	if key, ok := keyOfHandle(token); ok {
		return s.end(ctx, key)
	}
	if r := s.request(ctx); r.isFor(token) {
		return r.delete(ctx)
	}
	for _, key := range s.keys(token) {
		if err := s.end(ctx, key); err != nil {
			return err
		}
	}
	return nil
}

// end deletes an entry, whoever holds it. Its end is noted first, so that a commit
// that comes in between sees that and undoes itself.
func (s *Store) end(ctx context.Context, key string) error {
	s.ended.add(key)
	for {
		err := s.shared.Delete(ctx, key)
		if !errors.Is(err, store.ErrLocked) {
			return err
		}
		if _, err := s.shared.ForceUnlock(ctx, key); err != nil {
			return err
		}
	}
}

// All is AllCtx without a context.
func (s *Store) All() (map[string][]byte, error) { return s.AllCtx(context.Background()) }

// AllCtx returns all live sessions, those that are locked, too. Their tokens are
// nowhere stored, so the map's keys are handles in their place: with a handle, a
// session can be deleted and committed, so that Destroy works in a loop of
// [scs.SessionManager.Iterate], but not found, so that it is worth nothing in a
// cookie.
func (s *Store) AllCtx(ctx context.Context) (map[string][]byte, error) {
	all := map[string][]byte{}
	for entry, err := range s.shared.All(ctx) {
		if err != nil {
			return nil, err
		}
		all[handle(entry.Key)] = entry.Value
	}
	return all, nil
}
