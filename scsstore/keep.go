package scsstore

import (
	"context"
	"errors"
	"time"

	"github.com/latchkey-go/latchkey/store"
)

// keep renews the lease, until release. A request that is over sooner than a third
// of it costs no more than a timer.
func (r *request) keep(ctx context.Context) {
	r.mu.Lock()
	defer r.mu.Unlock()
	ctx = context.WithoutCancel(ctx) // it is held until the handler returns
	ctx, r.endRenewal = context.WithCancel(ctx)
	r.renewal = time.AfterFunc(r.leaseTime/3, func() { r.renew(ctx) })
}

func (r *request) renew(ctx context.Context) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.lost || r.lease == nil {
		return
	}
	err := r.prolongLocked(ctx)
	if !errors.Is(err, store.ErrLeaseLost) { // others are those of a server, and there is time for another try
		r.renewal.Reset(r.leaseTime / 3)
	}
}

// prolongLocked has the lock, and with an IdleTimeout the session, too, outlive a
// request that takes long.
func (r *request) prolongLocked(ctx context.Context) error {
	err := r.lease.Extend(ctx, r.leaseTime)
	if err != nil || r.manager.IdleTimeout <= 0 {
		return err
	}
	b, err := r.lease.Get(ctx)
	if err != nil {
		return err
	}
	deadline, _, err := r.manager.Codec.Decode(b)
	if err != nil {
		return err
	}
	ttl := min(lifeUntil(deadline), r.manager.IdleTimeout)
	if ttl <= 0 {
		return store.ErrLeaseLost
	}
	return r.lease.SetWithTTL(ctx, b, ttl)
}

// release gives the lock back, once a renewal that is under way has ended.
func (r *request) release(ctx context.Context) {
	r.endRenewal()
	r.mu.Lock()
	lease := r.lease
	r.lost = r.lost || lease != nil
	r.renewal.Stop()
	r.mu.Unlock()
	if lease != nil {
		giveBack(ctx, lease)
	}
}

// giveBackTimeout is how long the end of a request waits for a server to take the
// lock back.
const giveBackTimeout = 5 * time.Second

// giveBack unlocks, also when the client has gone. If that fails, the lock ends
// with its lease, and a holder that has lost it was told by its commit.
func giveBack(ctx context.Context, lease store.SharedLease[string, []byte]) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), giveBackTimeout)
	defer cancel()
	_ = lease.Unlock(ctx)
}
