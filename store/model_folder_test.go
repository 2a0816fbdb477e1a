package store_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/latchkey-go/latchkey/store"
)

// moved returns a copy of what is alive, with all times moved.
func (r *reference[K]) moved(by time.Duration) *reference[K] {
	to := &reference[K]{capacity: r.capacity, ttl: r.ttl, idle: r.idle, entries: make(map[K]*refEntry[K])}
	for _, e := range r.order {
		if r.dead(e) {
			continue
		}
		c := *e
		c.queue = nil
		for _, at := range []*time.Duration{&c.created, &c.updated, &c.accessed, &c.expires} {
			*at += by
		}
		if e.lease != nil {
			c.lease = &refLease[K]{entry: &c, until: e.lease.until + by}
		}
		to.entries[e.key] = &c
		to.order = append(to.order, &c)
	}
	return to
}

// back returns a saved reference as it would be now, leases that ended included.
func (m *machine[K]) back(saved *reference[K]) *reference[K] {
	r := saved.moved(m.r.now - m.now())
	r.capacity, r.ttl, r.idle = m.r.capacity, m.r.ttl, m.r.idle
	for _, e := range r.order { // the clock may have been stepped back since
		e.accessed = min(e.accessed, m.r.now)
	}
	r.settle(m.r.now)
	return r
}

// load returns what of a saved reference is still alive and has room.
func (m *machine[K]) load(saved *reference[K]) (*reference[K], error) {
	r := m.back(saved).moved(0)
	r.now = m.r.now
	locked := 0
	for _, e := range r.order {
		if e.lease != nil {
			locked++
		}
	}
	if locked > r.capacity {
		return nil, store.ErrFull
	}
	for len(r.order) > r.capacity {
		r.evict()
	}
	r.gone = nil
	return r, nil
}

// save keeps the reference as the folder has the store: in the clock's time.
func (m *machine[K]) save() {
	m.saved, m.stepped = m.r.moved(m.now()-m.r.now), m.now() != m.r.now
}

func (m *machine[K]) newDir() string {
	dir, err := os.MkdirTemp(m.dirs, "")
	require.NoError(m.t, err)
	m.t.Cleanup(func() { require.NoError(m.t, os.RemoveAll(dir)) })
	return filepath.Join(dir, "store")
}

// open makes a store and a reference with what was saved, nil = nothing.
func (m *machine[K]) open(saved *reference[K]) error {
	orForever := func(d time.Duration) time.Duration {
		if d == 0 {
			return forever
		}
		return d
	}
	m.r = &reference[K]{
		capacity: m.o.Capacity, ttl: orForever(m.o.TTL), idle: orForever(m.o.IdleTimeout),
		now: m.now(), entries: make(map[K]*refEntry[K]),
	}
	var want error
	if saved != nil {
		var from *reference[K]
		if from, want = m.load(saved); want == nil {
			m.r = from
		}
	}
	s, err := store.New(m.o)
	require.ErrorIs(m.t, err, want)
	if err == nil {
		m.s, m.saved = s, saved
		m.stats, m.snapshots = store.Stats{Restored: len(m.r.entries)}, 0
	}
	return err
}

func (m *machine[K]) snapshot(t *rapid.T) {
	before := m.snapshots
	err := m.s.Snapshot(context.Background())
	m.catchUp()
	if m.o.Persist.Dir == "" {
		require.ErrorContains(t, err, "Dir")
		return
	}
	require.NoError(t, err)
	require.Equal(t, before+1, m.snapshots)
}

func (m *machine[K]) sync(t *rapid.T) {
	before := m.snapshots
	err := m.s.Sync()
	m.catchUp()
	if m.o.Persist.Dir == "" {
		require.ErrorContains(t, err, "Dir")
		return
	}
	require.NoError(t, err)
	if before == m.snapshots {
		m.wantSaved()
	}
}

// wantSaved makes sure that the folder has all that counts, since no snapshot
// was taken when one was asked for.
func (m *machine[K]) wantSaved() {
	saved := &reference[K]{}
	if m.saved != nil {
		saved = m.back(m.saved)
	}
	for _, e := range m.r.order {
		if m.r.dead(e) {
			continue
		}
		was := saved.entries[e.key]
		require.NotNil(m.t, was)
		require.Equal(m.t, []any{e.value, e.revision, e.fence, e.ttl},
			[]any{was.value, was.revision, was.fence, was.ttl})
		if !m.stepped {
			require.Equal(m.t, e.lease != nil, was.lease != nil)
			require.True(m.t, m.r.idle >= forever || e.accessed == was.accessed, "a use that is not saved")
		}
	}
	for key, was := range saved.entries {
		if _, err := m.r.unlocked(key); err == store.ErrNotFound && !m.stepped {
			require.True(m.t, saved.dead(was))
		}
	}
}

func (m *machine[K]) exportAll(t *rapid.T) {
	var to bytes.Buffer
	require.NoError(t, m.s.Export(&to))
	m.catchUp()
	m.export = to.Bytes()
	m.exported = m.r.moved(m.now() - m.r.now)
}

func (m *machine[K]) importAll(t *rapid.T) {
	if m.exported == nil {
		t.Skip()
	}
	err := m.s.Import(bytes.NewReader(m.export))
	m.catchUp()
	from, want := m.load(m.exported)
	require.ErrorIs(t, err, want)
	if want == nil {
		m.cleared()
		from.gone = m.r.gone
		m.r = from
	}
}

// close ends the store, and with it what its users have of it.
func (m *machine[K]) close() {
	m.catchUp()
	m.checkEvents()
	require.NoError(m.t, m.s.Close())
	for _, w := range m.waiting {
		w.ref.end = store.ErrClosed
	}
	m.collect()
	for _, l := range m.leases {
		_, err := l.Get()
		m.same(err, store.ErrClosed)
		m.same(l.Unlock(), store.ErrClosed)
		require.True(m.t, l.done == nil || closed(l.done))
		require.True(m.t, closed(l.Done()))
	}
	m.leases = nil
	m.expect(m.events.take())
	m.checkEvents()
	require.Zero(m.t, m.clock.Timers())
}

// restart opens the folder again, perhaps with other options.
func (m *machine[K]) restart(t *rapid.T) {
	if m.o.Persist.Dir == "" {
		t.Skip()
	}
	before := m.snapshots
	m.close()
	if m.s.Stats().Snapshots > before {
		m.save()
	} else {
		m.wantSaved()
	}
	m.reopen()
}

// crash goes on with what a crash would have left of the folder.
func (m *machine[K]) crash(t *rapid.T) {
	if m.o.Persist.Dir == "" {
		t.Skip()
	}
	m.catchUp()
	dir := m.newDir()
	require.NoError(t, os.CopyFS(dir, os.DirFS(m.o.Persist.Dir)))
	m.close()
	m.o.Persist.Dir = dir
	m.reopen()
}

func (m *machine[K]) reopen() {
	if rapid.Bool().Draw(m.t, "the clock goes on meanwhile") {
		m.clock.Advance(m.draw("meanwhile", time.Second, time.Minute))
	}
	m.drawOptions()
	if m.open(m.saved) != nil { // too small for what is locked
		m.o.Capacity = len(m.keys)
		require.NoError(m.t, m.open(m.saved))
	}
}
