package storetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/latchkey-go/latchkey/store"
)

type (
	sharedClient = store.Shared[string, Value]
	sharedLease  = store.SharedLease[string, Value]
)

const (
	// longLease is so many Units that it does not end while a check runs.
	longLease = 1000
	// patience is how long a check waits for what must happen at once.
	patience = 20 * time.Second
)

// trial is one check of an engine at work.
type trial struct {
	testing.TB
	engine Engine
	ctx    context.Context
	a, b   sharedClient // two clients of the same entries
	pass   func(d time.Duration)
}

// try opens two clients for a check.
func (e Engine) try(t testing.TB, o EngineOptions) *trial {
	t.Helper()
	o.Clients = 2
	if o.MaxLease == 0 {
		o.MaxLease = longLease * e.Unit
	}
	clients, pass := e.Open(t, o)
	if len(clients) != o.Clients {
		t.Fatalf("Engine.Open opened %d clients, not %d", len(clients), o.Clients)
	}
	return &trial{TB: t, engine: e, ctx: t.Context(), a: clients[0], b: clients[1], pass: pass}
}

// units returns n Units.
func (t *trial) units(n int) time.Duration { return time.Duration(n) * t.engine.Unit }

// advance lets n Units go by.
func (t *trial) advance(n int) {
	if t.engine.asked != nil {
		t.engine.asked.Add(int64(t.units(n)))
	}
	t.pass(t.units(n))
}

// ok demands that there is no error.
func (t *trial) ok(what string, err error) {
	t.Helper()
	t.is(what, err, nil)
}

// is demands a certain error, nil for none.
func (t *trial) is(what string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Fatalf("%s: got error %v, want %v", what, got, want)
	}
}

func (t *trial) equal(what string, got, want any) {
	t.Helper()
	if got != want {
		t.Fatalf("%s: got %v, want %v", what, got, want)
	}
}

func (t *trial) truth(what string, is bool) {
	t.Helper()
	if !is {
		t.Fatal(what)
	}
}

// set stores a value, which must be accepted.
func (t *trial) set(key string, n int) {
	t.Helper()
	t.ok("Set", t.a.Set(t.ctx, key, Value{N: n}))
}

// lock takes a lease of n Units, which must be granted; 0 = MaxLease.
func (t *trial) lock(key string, n int) sharedLease {
	t.Helper()
	l, err := t.a.TryLock(t.ctx, key, t.units(n))
	t.ok("TryLock", err)
	return l
}

// holds demands, through both clients, that there is a certain value for key.
func (t *trial) holds(what, key string, n int) {
	t.Helper()
	for _, s := range []sharedClient{t.a, t.b} {
		value, err := s.Peek(t.ctx, key)
		t.ok(what+": Peek", err)
		t.equal(what+": Peek", value.N, n)
	}
}

// gone demands, of both clients, that there is nothing for key.
func (t *trial) gone(what, key string) {
	t.Helper()
	for _, s := range []sharedClient{t.a, t.b} {
		_, err := s.Peek(t.ctx, key)
		t.is(what+": Peek", err, store.ErrNotFound)
	}
}

// look returns the entry for key and leaves no trace. It must be there.
func (t *trial) look(key string) (found store.Entry[string, Value]) {
	t.Helper()
	n := 0
	for e, err := range t.b.All(t.ctx) {
		t.ok("All", err)
		if e.Key == key {
			found = e
			n++
		}
	}
	t.equal("how often All yields the key", n, 1)
	return found
}

// length demands a number of live entries, as Len and All count them.
func (t *trial) length(what string, want int) {
	t.Helper()
	n, err := t.b.Len(t.ctx)
	t.ok(what+": Len", err)
	t.equal(what+": Len", n, want)
	n = 0
	for _, err := range t.a.All(t.ctx) {
		t.ok(what+": All", err)
		n++
	}
	t.equal(what+": entries that All yields", n, want)
}

// soon returns what comes out of c, which must be at once.
func soon[T any](t *trial, what string, c <-chan T) (got T) {
	t.Helper()
	select {
	case got = <-c:
	case <-time.After(patience):
		t.Fatalf("%s: nothing happens", what)
	}
	return got
}

// locking is a call of Lock on its way.
type locking struct {
	lease sharedLease
	err   error
}

// startLock calls Lock in a goroutine of its own.
func (t *trial) startLock(ctx context.Context, s sharedClient, key string, d time.Duration) <-chan locking {
	got := make(chan locking, 1)
	go func() {
		l, err := s.Lock(ctx, key, d)
		got <- locking{l, err}
	}()
	return got
}

// keyCall is a call for a key, and its error in two cases, unless it is not to be
// made then.
type keyCall struct {
	name            string
	do              func(ctx context.Context, s sharedClient, key string) error
	missing, locked error
}

// errWaits stands for the error of a call that would not return.
var errWaits = errors.New("waits")

var keyCalls = []keyCall{
	{"Get", func(ctx context.Context, s sharedClient, key string) error {
		_, err := s.Get(ctx, key)
		return err
	}, store.ErrNotFound, store.ErrLocked},
	{"Entry", func(ctx context.Context, s sharedClient, key string) error {
		_, err := s.Entry(ctx, key)
		return err
	}, store.ErrNotFound, store.ErrLocked},
	{"Peek", func(ctx context.Context, s sharedClient, key string) error {
		_, err := s.Peek(ctx, key)
		return err
	}, store.ErrNotFound, nil},
	{"Set", func(ctx context.Context, s sharedClient, key string) error {
		return s.Set(ctx, key, Value{N: 99})
	}, nil, store.ErrLocked},
	{"SetWithTTL", func(ctx context.Context, s sharedClient, key string) error {
		return s.SetWithTTL(ctx, key, Value{N: 99}, store.NoExpiry)
	}, nil, store.ErrLocked},
	{"SetIfAbsent", func(ctx context.Context, s sharedClient, key string) error {
		_, err := s.SetIfAbsent(ctx, key, Value{N: 99})
		return err
	}, nil, store.ErrLocked},
	{"CompareAndSet", func(ctx context.Context, s sharedClient, key string) error {
		return s.CompareAndSet(ctx, key, 9, Value{N: 99})
	}, store.ErrConflict, store.ErrLocked},
	{"Update", func(ctx context.Context, s sharedClient, key string) error {
		_, err := s.Update(ctx, key, func(Value, bool) (Value, error) { return Value{N: 99}, nil })
		return err
	}, nil, store.ErrLocked},
	{"Touch", func(ctx context.Context, s sharedClient, key string) error {
		return s.Touch(ctx, key)
	}, store.ErrNotFound, store.ErrLocked},
	{"Delete", func(ctx context.Context, s sharedClient, key string) error {
		return s.Delete(ctx, key)
	}, nil, store.ErrLocked},
	{"TryLock", func(ctx context.Context, s sharedClient, key string) error {
		_, err := s.TryLock(ctx, key, 0)
		return err
	}, store.ErrNotFound, store.ErrLocked},
	{"Lock", func(ctx context.Context, s sharedClient, key string) error {
		_, err := s.Lock(ctx, key, 0)
		return err
	}, store.ErrNotFound, errWaits},
	{"Resume", func(ctx context.Context, s sharedClient, key string) error {
		_, err := s.Resume(ctx, key, 1<<50)
		return err
	}, store.ErrNotFound, store.ErrLeaseLost},
	{"ForceUnlock", func(ctx context.Context, s sharedClient, key string) error {
		_, err := s.ForceUnlock(ctx, key)
		return err
	}, nil, errWaits},
}

// leaseCall is a call through a lease.
type leaseCall struct {
	name string
	do   func(ctx context.Context, l sharedLease) error
}

var leaseCalls = []leaseCall{
	{"Lease.Get", func(ctx context.Context, l sharedLease) error { _, err := l.Get(ctx); return err }},
	{"Lease.Set", func(ctx context.Context, l sharedLease) error { return l.Set(ctx, Value{N: 99}) }},
	{"Lease.SetWithTTL", func(ctx context.Context, l sharedLease) error {
		return l.SetWithTTL(ctx, Value{N: 99}, store.NoExpiry)
	}},
	{"Lease.Extend", func(ctx context.Context, l sharedLease) error { return l.Extend(ctx, 0) }},
	{"Lease.Delete", func(ctx context.Context, l sharedLease) error { return l.Delete(ctx) }},
	{"Lease.Unlock", func(ctx context.Context, l sharedLease) error { return l.Unlock(ctx) }},
}
