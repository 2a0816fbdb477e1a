package store

import "context"

// loading is one call of a user's load, and what was promised of it.
type loading[K comparable, V any] struct {
	ctx      context.Context
	cancel   context.CancelCauseFunc
	promises []*promise[K, V]
	seen     *Metadata // of the entry that it is to refresh; nil = is no refresh

	// loads.mu guards these.
	waiters  int              // of all promises together
	after    []*promise[K, V] // overtaken ones of another for the same keys, to be kept first
	begun    bool             // they are kept: from now on it may see what is old
	returned bool
}

// promise is what those hold who wait for a key that is being loaded.
type promise[K comparable, V any] struct {
	key  K
	of   *loading[K, V] // nil = of an earlier one, kept
	done chan struct{}  // closed once it is kept

	// loads.mu guards these.
	overtaken bool // by a write: it is not to be stored, and nobody may join
	kept      bool

	outcome[V] // good once done is closed
}

// outcome is what became of a load, for one key.
type outcome[V any] struct {
	value    V
	has      bool // there is a value; with an err it could not be stored
	err      error
	panicked *PanicError
	exited   bool
}

// newLoading makes one whose context has the values of ctx and an end of its own.
func newLoading[K comparable, V any](ctx context.Context) *loading[K, V] {
	l := &loading[K, V]{}
	l.ctx, l.cancel = context.WithCancelCause(context.WithoutCancel(ctx))
	return l
}
