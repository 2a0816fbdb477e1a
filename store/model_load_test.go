package store_test

import (
	"context"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/latchkey-go/latchkey/store"
)

// refLoad is a load as it is drawn, and what it has met.
type refLoad[K comparable] struct {
	value, own int
	err        error
	meddle     string // what it does to its key: "", "Set", which is to own, or "Delete"

	calls   int
	meddled error
}

func (m *machine[K]) drawLoad() *refLoad[K] {
	return &refLoad[K]{
		value:  m.newValue(),
		own:    m.newValue(),
		err:    rapid.SampledFrom([]error{nil, nil, nil, errSource, store.ErrNotFound, context.Canceled}).Draw(m.t, "load fails"),
		meddle: rapid.SampledFrom([]string{"", "", "", "Set", "Delete"}).Draw(m.t, "load meddles"),
	}
}

// getOrLoad gets, and follows the load that may come of it, in the background too.
func (m *machine[K]) getOrLoad(*rapid.T) {
	key, l := m.key(), m.drawLoad()
	value, err := m.s.GetOrLoad(context.Background(), key, func(context.Context, K) (int, error) {
		l.calls++
		switch l.meddle {
		case "Set":
			l.meddled = m.s.Set(key, l.own)
		case "Delete":
			l.meddled = m.s.Delete(key)
		}
		return l.value, l.err
	})
	synctest.Wait()
	m.catchUp()
	e, want := m.r.unlocked(key)
	failure, failed := m.r.failure(key)
	calls := 0
	switch {
	case want == store.ErrLocked:
		m.same(err, want)
	case want == nil:
		due := m.o.RefreshAfter > 0 && m.r.now-e.updated >= m.o.RefreshAfter && !failed
		m.used(key, value, err)
		if due {
			calls = 1
			m.refreshed(key, l)
		}
	case failed && failure.err != nil:
		m.stats.Misses++
		m.same(err, failure.err)
	default:
		m.stats.Misses++
		calls = 1
		m.loaded(key, l, value, err)
	}
	require.Equal(m.t, calls, l.calls, "loads")
	m.stats.Loads += uint64(calls)
	if calls > 0 && l.err != nil {
		m.stats.LoadErrors++
	}
}

// overtook lets the reference do what a load has done to its key, and reports
// whether that has overtaken it.
func (m *machine[K]) overtook(key K, l *refLoad[K]) bool {
	switch l.meddle {
	case "Set":
		m.wrote(l.meddled, key, l.own, m.r.ttl, always)
	case "Delete":
		m.same(l.meddled, nil)
		if e, err := m.r.unlocked(key); err == nil {
			m.r.remove(e, store.ReasonDeleted)
		}
		delete(m.r.failed, key)
	}
	return l.meddle != "" && l.meddled == nil
}

// failed lets the reference remember a load that has failed.
func (m *machine[K]) failed(key K, err error, refresh bool) {
	f := refFailure{until: m.r.now + m.o.ErrorTTL, err: err}
	if err == context.Canceled || m.o.ErrorTTL == 0 {
		f.err = nil
	}
	if m.o.ErrorTTL == 0 {
		f.until = m.r.now + time.Second
	}
	delete(m.r.failed, key)
	if f.err == nil && !refresh {
		return
	}
	if m.r.failed == nil {
		m.r.failed = make(map[K]refFailure)
	}
	m.r.failed[key] = f
}

// refreshed lets the reference refresh an entry that was hit.
func (m *machine[K]) refreshed(key K, l *refLoad[K]) {
	switch overtaken := m.overtook(key, l); {
	case overtaken:
	case l.err != nil:
		m.failed(key, l.err, true)
	case m.r.tooHeavy(m.r.entries[key], l.value, locked[K]):
		m.failed(key, context.Canceled, true) // which nobody is told of either
	default:
		m.wrote(nil, key, l.value, keepTTL, always)
	}
}

// loaded lets the reference load what was missing.
func (m *machine[K]) loaded(key K, l *refLoad[K], value int, err error) {
	overtaken := m.overtook(key, l)
	switch {
	case l.err != nil:
		m.same(err, l.err)
		if !overtaken {
			m.failed(key, l.err, false)
		}
	case !overtaken:
		require.Equal(m.t, l.value, value)
		m.wrote(err, key, value, keepTTL, always)
	case l.meddle == "Set":
		require.Equal(m.t, l.own, value, "what is in the store")
		m.used(key, value, err)
	default:
		m.same(err, nil)
		m.stats.Misses++ // it has looked for another value
		require.Equal(m.t, l.value, value)
	}
}
