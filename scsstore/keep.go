package scsstore

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/latchkey-go/latchkey/store"
)

// keeper renews a lease in time, until it is stopped. A request that is over sooner
// costs it no more than a timer.
type keeper struct {
	lease store.SharedLease[string, []byte]
	d     time.Duration
	ctx   context.Context
	end   context.CancelFunc

	mu      sync.Mutex // guards the fields below; held while it renews
	stopped bool
	timer   *time.Timer
}

// keep renews the lease until stop, which waits for a renewal that is under way.
func keep(ctx context.Context, lease store.SharedLease[string, []byte], d time.Duration) (stop func()) {
	k := &keeper{lease: lease, d: d}
	k.ctx, k.end = context.WithCancel(context.WithoutCancel(ctx)) // it is held until the handler returns
	k.mu.Lock()
	defer k.mu.Unlock()
	k.timer = time.AfterFunc(d/3, k.renew)
	return k.stop
}

func (k *keeper) renew() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.stopped {
		return
	}
	// Other errors are those of a server, and there is time for another try.
	if err := k.lease.Extend(k.ctx, k.d); !errors.Is(err, store.ErrLeaseLost) {
		k.timer.Reset(k.d / 3)
	}
}

func (k *keeper) stop() {
	k.end()
	k.mu.Lock()
	defer k.mu.Unlock()
	k.stopped = true
	k.timer.Stop()
}
