package storetest_test

import (
	"context"
	"errors"
	"iter"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/store"
	"github.com/latchkey-go/latchkey/storetest"
)

type (
	value = storetest.Value
	lease = store.SharedLease[string, value]
	entry = store.Entry[string, value]
)

// leasing is an engine that makes something of its leases.
type leasing struct {
	shared
	wrap func(s shared, l lease) lease
}

func (m leasing) wrapped(l lease, err error) (lease, error) {
	if err != nil {
		return nil, err
	}
	return m.wrap(m.shared, l), nil
}

func (m leasing) TryLock(ctx context.Context, key string, d time.Duration) (lease, error) {
	return m.wrapped(m.shared.TryLock(ctx, key, d))
}

func (m leasing) Lock(ctx context.Context, key string, d time.Duration) (lease, error) {
	return m.wrapped(m.shared.Lock(ctx, key, d))
}

func (m leasing) Resume(ctx context.Context, key string, fence uint64) (lease, error) {
	return m.wrapped(m.shared.Resume(ctx, key, fence))
}

// withLeases makes a mutant of an engine by its leases.
func withLeases(wrap func(s shared, l lease) lease) func(shared) shared {
	return func(s shared) shared { return leasing{s, wrap} }
}

type lateWriter struct {
	lease
	s shared
}

func (m lateWriter) Set(ctx context.Context, v value) error {
	err := m.lease.Set(ctx, v)
	if errors.Is(err, store.ErrLeaseLost) {
		return m.s.Set(ctx, m.Key(), v) // nobody has locked it since, so what
	}
	return err
}

type silentLateWriter struct{ lease }

func (m silentLateWriter) Set(ctx context.Context, v value) error {
	if err := m.lease.Set(ctx, v); !errors.Is(err, store.ErrLeaseLost) {
		return err
	}
	return nil // it drops the write without a word
}

type sameFence struct{ lease }

func (m sameFence) Fence() uint64 { return 1 }

type unlocksOnce struct{ lease }

func (m unlocksOnce) Unlock(ctx context.Context) error {
	if _, err := m.Get(ctx); err != nil {
		return err
	}
	return m.lease.Unlock(ctx)
}

type neverDone struct{ lease }

func (m neverDone) Done() <-chan struct{} { return make(chan struct{}) }

type neverExtended struct{ lease }

func (m neverExtended) Extend(context.Context, time.Duration) error { return nil }

type unlocksBySet struct{ lease }

func (m unlocksBySet) Set(ctx context.Context, v value) error {
	return errors.Join(m.lease.Set(ctx, v), m.Unlock(ctx))
}

type forgetsLease struct{ shared }

func (m forgetsLease) Set(ctx context.Context, key string, v value) error {
	err := m.shared.Set(ctx, key, v)
	if errors.Is(err, store.ErrLocked) {
		_, _ = m.ForceUnlock(ctx, key)
		return m.shared.Set(ctx, key, v)
	}
	return err
}

type losesRevision struct{ shared }

func (m losesRevision) Set(ctx context.Context, key string, v value) error {
	if err := m.Delete(ctx, key); err != nil {
		return err
	}
	return m.shared.Set(ctx, key, v)
}

type comparesNothing struct{ shared }

func (m comparesNothing) CompareAndSet(ctx context.Context, key string, _ uint64, v value) error {
	return m.Set(ctx, key, v)
}

// servesDead keeps what it has read, as a cache without deadlines does.
type servesDead struct {
	shared
	mu   *sync.Mutex // guards read
	read map[string]value
}

func (m servesDead) Get(ctx context.Context, key string) (value, error) {
	v, err := m.shared.Get(ctx, key)
	m.mu.Lock()
	defer m.mu.Unlock()
	if kept, ok := m.read[key]; ok && errors.Is(err, store.ErrNotFound) {
		return kept, nil
	}
	if err == nil {
		m.read[key] = v
	}
	return v, err
}

// staleRead gives back what it has read before, every third time.
type staleRead struct {
	shared
	mu    *sync.Mutex // guards the fields below
	calls *int
	read  map[string]value
}

func (m staleRead) Peek(ctx context.Context, key string) (value, error) {
	v, err := m.shared.Peek(ctx, key)
	m.mu.Lock()
	defer m.mu.Unlock()
	if *m.calls++; *m.calls%3 == 0 {
		if kept, ok := m.read[key]; ok {
			return kept, nil
		}
	}
	if err == nil {
		m.read[key] = v
	}
	return v, err
}

type updatesInTwoSteps struct{ shared }

func (m updatesInTwoSteps) Update(ctx context.Context, key string, f func(value, bool) (value, error)) (value, error) {
	old, err := m.Peek(ctx, key)
	v, ferr := f(old, err == nil)
	if ferr != nil {
		return v, ferr
	}
	return v, m.Set(ctx, key, v)
}

type overwrites struct{ shared }

func (m overwrites) SetIfAbsent(ctx context.Context, key string, v value) (bool, error) {
	_, err := m.Peek(ctx, key)
	return err != nil, m.Set(ctx, key, v)
}

type peeksByGet struct{ shared }

func (m peeksByGet) Peek(ctx context.Context, key string) (value, error) {
	_ = m.Touch(ctx, key)
	return m.shared.Peek(ctx, key)
}

type touchesNothing struct{ shared }

func (m touchesNothing) Touch(ctx context.Context, key string) error {
	_, err := m.Peek(ctx, key)
	return err
}

type forgetsOwnTTL struct{ shared }

func (m forgetsOwnTTL) SetWithTTL(ctx context.Context, key string, v value, _ time.Duration) error {
	return m.Set(ctx, key, v)
}

type leaseForgetsTTL struct{ lease }

func (m leaseForgetsTTL) SetWithTTL(ctx context.Context, v value, _ time.Duration) error {
	return m.Set(ctx, v)
}

type trimsKeys struct{ shared }

func (m trimsKeys) Set(ctx context.Context, key string, v value) error {
	return m.shared.Set(ctx, strings.TrimSpace(key), v)
}

func (m trimsKeys) Peek(ctx context.Context, key string) (value, error) {
	return m.shared.Peek(ctx, strings.TrimSpace(key))
}

type impatient struct{ shared }

func (m impatient) Lock(ctx context.Context, key string, d time.Duration) (lease, error) {
	return m.TryLock(ctx, key, d)
}

type skipsLocked struct{ shared }

func (m skipsLocked) All(ctx context.Context) iter.Seq2[entry, error] {
	return func(yield func(entry, error) bool) {
		for e, err := range m.shared.All(ctx) {
			if e.Metadata.Status != store.Locked && !yield(e, err) {
				return
			}
		}
	}
}

type deaf struct{ shared }

func (m deaf) Set(_ context.Context, key string, v value) error {
	return m.shared.Set(context.Background(), key, v)
}

type neverClosed struct{ shared }

func (m neverClosed) Close() error { return nil }

// mutants are broken in one place each; check is what must see it.
var mutants = []struct {
	name, check string
	of          func(shared) shared
}{
	{"a late holder writes", "Late", withLeases(func(s shared, l lease) lease { return lateWriter{l, s} })},
	{"a late holder's write is dropped without a word", "Late", withLeases(func(_ shared, l lease) lease { return silentLateWriter{l} })},
	{"fences do not rise", "Fences", withLeases(func(_ shared, l lease) lease { return sameFence{l} })},
	{"Unlock twice is an error", "Unlock", withLeases(func(_ shared, l lease) lease { return unlocksOnce{l} })},
	{"Done is never closed", "Done", withLeases(func(_ shared, l lease) lease { return neverDone{l} })},
	{"Extend does nothing", "Extend", withLeases(func(_ shared, l lease) lease { return neverExtended{l} })},
	{"a holder's Set unlocks", "Holder", withLeases(func(_ shared, l lease) lease { return unlocksBySet{l} })},
	{"Set forgets the lease", "Locked", func(s shared) shared { return forgetsLease{s} }},
	{"Set loses the revision", "Metadata", func(s shared) shared { return losesRevision{s} }},
	{"CompareAndSet compares nothing", "CompareAndSet", func(s shared) shared { return comparesNothing{s} }},
	{"the dead are served", "Missing", func(s shared) shared { return servesDead{s, new(sync.Mutex), map[string]value{}} }},
	{"a read is stale", "Values", func(s shared) shared { return staleRead{s, new(sync.Mutex), new(int), map[string]value{}} }},
	{"Update is two steps", "ConcurrentUpdates", func(s shared) shared { return updatesInTwoSteps{s} }},
	{"SetIfAbsent overwrites", "SetIfAbsent", func(s shared) shared { return overwrites{s} }},
	{"Peek is an access", "IdleTimeout", func(s shared) shared { return peeksByGet{s} }},
	{"Touch is no access", "IdleTimeout", func(s shared) shared { return touchesNothing{s} }},
	{"SetWithTTL forgets the TTL", "OwnTTL", func(s shared) shared { return forgetsOwnTTL{s} }},
	{"a holder's SetWithTTL forgets the TTL", "OwnTTL", withLeases(func(_ shared, l lease) lease { return leaseForgetsTTL{l} })},
	{"keys are trimmed", "Keys", func(s shared) shared { return trimsKeys{s} }},
	{"Lock does not wait", "LockWaits", func(s shared) shared { return impatient{s} }},
	{"All skips what is locked", "All", func(s shared) shared { return skipsLocked{s} }},
	{"Set does not look at its context", "Context", func(s shared) shared { return deaf{s} }},
	{"Close does nothing", "Close", func(s shared) shared { return neverClosed{s} }},
}

// faults returns what checks of the suite, all unless some are named, see in an
// engine. It is in a bubble, where what never happens need not be waited for.
func faults(t *testing.T, of func(shared) shared, checks ...string) (faults []string) {
	synctest.Test(t, func(t *testing.T) { faults = storetest.ConformanceFaults(t, inProcess(0, of), checks...) })
	return faults
}

func TestConformanceSeesMutants(t *testing.T) {
	for _, m := range mutants {
		t.Run(m.name, func(t *testing.T) {
			seen := faults(t, m.of, m.check)
			require.NotEmpty(t, seen)
			require.Contains(t, seen[0], m.check+": ")
			t.Log(seen[0])
		})
	}
}

// Histories show some faults without looking for any in particular.
func TestHistoriesSeeMutants(t *testing.T) {
	seen := 0
	for _, m := range mutants {
		if f := faults(t, m.of, "Histories"); len(f) > 0 {
			require.Contains(t, f[0], "has no explanation")
			t.Log(m.name)
			seen++
		}
	}
	require.GreaterOrEqual(t, seen, 8)
}

var errLine = errors.New("the line is down")

// unreliable fails every few calls that write, before or after they are carried out.
type unreliable struct {
	shared
	calls *atomic.Int64
}

func (m unreliable) do(call func() error) error {
	switch m.calls.Add(1) % 6 {
	case 0:
		return errLine
	case 3:
		_ = call()
		return errLine
	}
	return call()
}

func (m unreliable) Set(ctx context.Context, key string, v value) error {
	return m.do(func() error { return m.shared.Set(ctx, key, v) })
}

func (m unreliable) CompareAndSet(ctx context.Context, key string, revision uint64, v value) error {
	return m.do(func() error { return m.shared.CompareAndSet(ctx, key, revision, v) })
}

func (m unreliable) Delete(ctx context.Context, key string) error {
	return m.do(func() error { return m.shared.Delete(ctx, key) })
}

func (m unreliable) TryLock(ctx context.Context, key string, d time.Duration) (l lease, err error) {
	err = m.do(func() error { l, err = m.shared.TryLock(ctx, key, d); return err })
	return l, err
}

// optimistic takes every error for none.
type optimistic struct{ unreliable }

func (m optimistic) Set(ctx context.Context, key string, v value) error {
	if err := m.unreliable.Set(ctx, key, v); err != errLine {
		return err
	}
	return nil
}

// pessimistic says of every error that nothing was done.
type pessimistic struct{ unreliable }

func (m pessimistic) Set(ctx context.Context, key string, v value) error {
	if err := m.unreliable.Set(ctx, key, v); err != errLine {
		return err
	}
	return store.ErrReadOnly
}

// An error leaves open what has become of a call. No error, or a refusal, does not.
func TestHistoriesWithUnknownOutcomes(t *testing.T) {
	require.Empty(t, faults(t, func(s shared) shared { return unreliable{s, new(atomic.Int64)} }, "Histories"))
	for name, of := range map[string]func(shared) shared{
		"optimistic":  func(s shared) shared { return optimistic{unreliable{s, new(atomic.Int64)}} },
		"pessimistic": func(s shared) shared { return pessimistic{unreliable{s, new(atomic.Int64)}} },
	} {
		require.NotEmpty(t, faults(t, of, "Histories"), name)
	}
	require.NotEmpty(t, faults(t, func(s shared) shared { return unreliable{s, new(atomic.Int64)} }, "Values"), "elsewhere it is a fault")
}
