package store_test

import (
	"context"
	"errors"
	"slices"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/latchkey-go/latchkey/store"
)

// leaseTime draws the length of a lease and says what it means; bad reports
// whether it must be refused. No two leases end at the same instant: in which
// order they would be dealt with is the store's choice.
func (m *machine[K]) leaseTime() (d, means time.Duration, bad bool) {
	d = m.draw("lease", 0, time.Second, m.o.MaxLease/2, -1, m.o.MaxLease+1)
	odd := time.Duration(1 + m.odd.Int64N(1e6))
	switch {
	case d == 0:
		m.clock.Advance(odd)
		return d, m.o.MaxLease, false
	case d < 0 || d > m.o.MaxLease:
		return d, 0, true
	}
	return d + odd, d + odd, false
}

// granted takes in a new lease.
func (m *machine[K]) granted(l *store.Lease[K, int], ref *refLease[K]) {
	if l.Fence() <= m.fence {
		m.t.Fatalf("the fence went from %d to %d", m.fence, l.Fence())
	}
	m.fence = l.Fence()
	ref.entry.fence = l.Fence()
	m.hold(l, ref)
}

func (m *machine[K]) hold(l *store.Lease[K, int], ref *refLease[K]) {
	require.Equal(m.t, ref.entry.key, l.Key())
	h := held[K]{Lease: l, ref: ref}
	if m.watchful && rapid.Bool().Draw(m.t, "watch") {
		h.done = l.Done()
	}
	m.leases = append(m.leases, h)
	if len(m.leases) > 8 {
		m.leases = m.leases[1:]
	}
}

func (m *machine[K]) tryLock(*rapid.T) {
	key := m.key()
	d, means, bad := m.leaseTime()
	l, err := m.s.TryLock(key, d)
	if bad {
		require.ErrorContains(m.t, err, "lease")
		return
	}
	m.catchUp()
	e, want := m.r.unlocked(key)
	m.same(err, want)
	if want == nil {
		m.granted(l, m.r.lock(e, means))
	}
}

// lock waits in a goroutine of its own; collect takes in what it gets.
func (m *machine[K]) lock(t *rapid.T) {
	if len(m.waiting) >= 4 {
		t.Skip()
	}
	key := m.key()
	d, means, bad := m.leaseTime()
	if bad {
		_, err := m.s.Lock(context.Background(), key, d)
		require.ErrorContains(t, err, "lease")
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	w := &waiting[K]{cancel: cancel, done: make(chan struct{})}
	go func() {
		w.lease, w.err = m.s.Lock(ctx, key, d)
		close(w.done)
	}()
	synctest.Wait()
	m.catchUp()
	if e, err := m.r.unlocked(key); err == store.ErrNotFound {
		w.ref = &refLease[K]{end: err}
	} else {
		w.ref = m.r.lock(e, means)
	}
	m.waiting = append(m.waiting, w)
}

func (m *machine[K]) lockEnded(*rapid.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := m.s.Lock(ctx, m.key(), 0)
	m.same(err, context.Canceled)
}

// giveUp ends the context of a waiter.
func (m *machine[K]) giveUp(t *rapid.T) {
	if len(m.waiting) == 0 {
		t.Skip()
	}
	w := rapid.SampledFrom(m.waiting).Draw(t, "waiter")
	w.cancel()
	w.ref.end = context.Canceled
	e := w.ref.entry
	e.queue = slices.DeleteFunc(e.queue, func(l *refLease[K]) bool { return l == w.ref })
}

func (m *machine[K]) resume(*rapid.T) {
	key := m.key()
	fence := m.fence
	if e := m.r.entries[key]; e != nil {
		fence = e.fence + rapid.Uint64Range(0, 1).Draw(m.t, "too high by")
	}
	l, err := m.s.Resume(key, fence)
	m.catchUp()
	e, want := m.r.unlocked(key)
	switch {
	case want == store.ErrLocked && e.fence == fence:
		want = nil
	case want != store.ErrNotFound:
		want = store.ErrLeaseLost
	}
	m.same(err, want)
	if want == nil {
		require.Equal(m.t, fence, l.Fence())
		m.hold(l, e.lease)
	}
}

func (m *machine[K]) forceUnlock(*rapid.T) {
	key := m.key()
	got := m.s.ForceUnlock(key)
	m.catchUp()
	e, err := m.r.unlocked(key)
	require.Equal(m.t, err == store.ErrLocked, got)
	if got {
		m.r.unlock(e, store.ErrLeaseLost)
	}
}

// lease draws one of the leases, held or over.
func (m *machine[K]) lease(t *rapid.T) held[K] {
	if len(m.leases) == 0 {
		t.Skip()
	}
	return rapid.SampledFrom(m.leases).Draw(t, "lease")
}

// holder returns the entry of a lease, and what the holder is told.
func (m *machine[K]) holder(l held[K]) (*refEntry[K], error) {
	m.catchUp()
	if l.ref.end != nil {
		return nil, store.ErrLeaseLost
	}
	return l.ref.entry, nil
}

func (m *machine[K]) leaseGet(t *rapid.T) {
	l := m.lease(t)
	value, err := l.Get()
	e, want := m.holder(l)
	m.same(err, want)
	if want == nil {
		require.Equal(t, e.value, value)
		m.stats.Hits++
		m.r.use(e, m.r.now)
		e.accesses++
	}
}

func (m *machine[K]) leaseSet(t *rapid.T) {
	l, value := m.lease(t), m.newValue()
	m.leaseWrote(l, l.Set(value), value, keepTTL)
}

func (m *machine[K]) leaseSetWithTTL(t *rapid.T) {
	l, value := m.lease(t), m.newValue()
	ttl := m.draw("TTL", time.Second, time.Minute, store.NoExpiry)
	err := l.SetWithTTL(value, ttl)
	if ttl == store.NoExpiry {
		ttl = forever
	}
	m.leaseWrote(l, err, value, ttl)
}

func (m *machine[K]) leaseWrote(l held[K], err error, value int, ttl time.Duration) {
	e, want := m.holder(l)
	if want == nil {
		if ttl == keepTTL {
			ttl = e.ttl
		}
		if want = m.r.write(e.key, e, value, ttl); want == nil {
			m.stats.Sets++
		}
	}
	m.same(err, want)
}

func (m *machine[K]) leaseDelete(t *rapid.T) {
	l := m.lease(t)
	err := l.Delete()
	e, want := m.holder(l)
	m.same(err, want)
	if want == nil {
		m.r.remove(e, store.ReasonDeleted)
		l.ref.end = errReleased
	}
}

func (m *machine[K]) leaseExtend(t *rapid.T) {
	l := m.lease(t)
	d, means, bad := m.leaseTime()
	err := l.Extend(d)
	if bad {
		require.ErrorContains(t, err, "lease")
		return
	}
	_, want := m.holder(l)
	m.same(err, want)
	if want == nil {
		l.ref.until = m.r.now + means
	}
}

// errReleased is the end of a lease by its holder.
var errReleased = errors.New("released")

func (m *machine[K]) leaseUnlock(t *rapid.T) {
	l := m.lease(t)
	err := l.Unlock()
	m.catchUp()
	switch l.ref.end {
	case nil:
		m.same(err, nil)
		m.r.unlock(l.ref.entry, errReleased)
	case errReleased:
		m.same(err, nil)
	default:
		m.same(err, store.ErrLeaseLost)
	}
}
