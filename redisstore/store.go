package redisstore

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"

	"github.com/latchkey-go/latchkey/store"
)

// Store is a client of entries on a server of Redis or Valkey: one node, one behind
// sentinels, or a cluster. [New] makes one; it is safe for concurrent use.
type Store[K comparable, V any] struct {
	core
	keys    keyCoding
	decoded *decoded[V]
}

var _ store.Shared[string, int] = (*Store[string, int])(nil)

// core is what a Store is made of besides its types.
type core struct {
	client  rueidis.Client
	o       Options
	idle    string // Options.IdleTimeout for the scripts
	ttl     string // Options.TTL for the scripts
	channel string // where the ends of leases are told
	waitAOF bool   // the server has WAITAOF
	closed  atomic.Bool
	ahead   atomic.Int64 // server's clock minus ours, in microseconds: for hints only
	hub     *hub
	near    *near

	patience patience
}

// New makes a Store on the server that client is connected to. The client stays the
// caller's: close it after the Store. How to reach the server, TLS, user and
// password, sentinels and cluster are the client's options.
//
// New asks the server whether it can do what is wanted, for as long as
// Options.Timeout.
//
// Errors, besides those that say what is wrong with the options: [ErrUnavailable],
// [ErrEvicting], [store.ErrReadOnly] if there is no primary.
func New[K comparable, V any](client rueidis.Client, o Options) (*Store[K, V], error) {
	if client == nil {
		return nil, errors.New("redisstore: New needs a client, see rueidis.NewClient")
	}
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	keys, err := newKeyCoding[K](o)
	if err != nil {
		return nil, err
	}
	s := &Store[K, V]{core: core{
		client:  client,
		o:       o,
		idle:    number(micros(o.IdleTimeout)),
		ttl:     number(micros(o.TTL)),
		channel: o.Prefix + "!",
		near:    newNear(o),

		patience: patience{timeout: o.Timeout},
	}, keys: keys, decoded: newDecoded[V](o)}
	s.hub = newHub(client, s.channel, o.Logger)
	ctx, cancel := context.WithTimeout(context.Background(), o.Timeout)
	defer cancel()
	if err := s.examine(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// Close ends this Store: whoever waits in Lock gets ErrClosed, as does every later
// call. The entries stay, and leases until their deadlines. The client is not
// closed. It always returns nil.
func (s *Store[K, V]) Close() error {
	s.closed.Store(true)
	s.hub.close()
	return nil
}

// told notes the server's time as an answer has just told it.
func (s *core) told(micros uint64) {
	s.ahead.Store(int64(micros) - time.Now().UnixMicro())
}

// about returns the server's time, roughly: what depends on it is decided by the
// server itself.
func (s *core) about() uint64 { return uint64(time.Now().UnixMicro() + s.ahead.Load()) }
