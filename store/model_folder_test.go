package store_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"slices"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/latchkey-go/latchkey/internal/disk"
	"github.com/latchkey-go/latchkey/persist"
	"github.com/latchkey-go/latchkey/store"
)

// moved returns a copy of what is alive, or of the dead too, with all times moved.
func (r *reference[K]) moved(by time.Duration, dead bool) *reference[K] {
	to := &reference[K]{capacity: r.capacity, maxWeight: r.maxWeight, ttl: r.ttl, idle: r.idle, now: r.now + by, entries: make(map[K]*refEntry[K])}
	for _, e := range r.order {
		if r.dead(e) && (!dead || e.leftOut) {
			continue
		}
		c := *e
		c.queue = nil
		for _, at := range []*time.Duration{&c.created, &c.updated, &c.accessed, &c.expires} {
			*at += by
		}
		if c.notBefore != 0 {
			c.notBefore += by
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
	r := saved.moved(m.r.now-m.now(), true)
	r.capacity, r.maxWeight, r.ttl, r.idle = m.r.capacity, m.r.maxWeight, m.r.ttl, m.r.idle
	for _, e := range r.order { // the clock may have been stepped back since
		e.accessed = min(e.accessed, m.r.now)
	}
	r.settle(m.r.now)
	return r
}

// load returns what of a saved reference is still alive and has room.
func (m *machine[K]) load(saved *reference[K]) (*reference[K], error) {
	r := m.back(saved)
	r.now = m.r.now
	r = r.moved(0, false)
	n := 0
	for _, e := range r.order {
		if locked(e) {
			n++
		}
	}
	tooHeavy := func(which func(*refEntry[K]) bool) bool { return r.maxWeight > 0 && r.weight(which) > r.maxWeight }
	if n > r.capacity || tooHeavy(locked[K]) {
		return nil, store.ErrFull
	}
	for len(r.order) > r.capacity || tooHeavy(always) {
		r.evict(nil)
	}
	r.gone = nil
	return r, nil
}

// save keeps the reference as the folder has the store.
func (m *machine[K]) save() {
	m.saved, m.stepped = m.saving(), m.now() != m.r.now
}

// snapshotTaken is save after a snapshot, which leaves out what is dead.
func (m *machine[K]) snapshotTaken() {
	for _, e := range m.r.order {
		e.leftOut = m.r.dead(e)
	}
	m.save()
	m.written, m.imprecise = m.saved, false
}

// saving returns the reference in the clock's time. A journal knows of dead
// entries until they are freed.
func (m *machine[K]) saving() *reference[K] {
	return m.r.moved(m.now()-m.r.now, m.journaled())
}

// followJournal notes what has reached the disk, once the reference has all that
// was done.
func (m *machine[K]) followJournal() {
	journal := m.s.Stats().Journal
	if journal.Writes != m.journal.Writes {
		m.written = m.saving()
	}
	if journal.Syncs != m.journal.Syncs {
		m.save()
	}
	m.journal = journal
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
		capacity: m.o.Capacity, maxWeight: int(m.o.MaxWeight), ttl: orForever(m.o.TTL), idle: orForever(m.o.IdleTimeout),
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
		m.s = s
		if m.imprecise {
			m.adopt(saved)
		}
		m.stats = store.Stats{Restored: len(m.r.entries)}
		m.snapshots, m.journal = s.Stats().Snapshots, s.Stats().Journal
		m.saved, m.written = saved, saved
		if m.mapped && m.o.Persist.Sync == persist.EverySecond {
			m.written = m.saving() // the end of what was dead is in the journal at once
		}
		if m.snapshots > 0 { // there was something to be put right
			m.snapshotTaken()
		}
	}
	return err
}

// adopt takes over what a journal need not tell precisely: when an entry was last
// accessed, how often, and in which order. It may be a quarter of the idle timeout
// behind.
func (m *machine[K]) adopt(saved *reference[K]) {
	idle := saved.idle
	for _, e := range slices.Clone(m.r.order) {
		known := min(e.updated, e.accessed) // the clock may have been stepped back
		if idle < forever {
			known = max(known, e.accessed-idle/4)
		}
		if e.notBefore != 0 {
			known = e.notBefore
		}
		got, ok := m.s.Metadata(e.key)
		if !ok {
			require.LessOrEqual(m.t, min(e.expires, known+m.r.idle), m.r.now, "lost %v", e.key)
			if was := saved.entries[e.key]; was.expires > m.r.now {
				was.accessed, was.notBefore = m.r.now-m.r.idle, known
			}
			delete(m.r.entries, e.key)
			m.r.order = slices.DeleteFunc(m.r.order, func(o *refEntry[K]) bool { return o == e })
			continue
		}
		accessed := got.Accessed.Sub(epoch)
		require.LessOrEqual(m.t, accessed, e.accessed)
		require.GreaterOrEqual(m.t, accessed, known)
		require.LessOrEqual(m.t, got.Accesses, e.accesses)
		e.accessed, e.accesses = accessed, got.Accesses
		saved.entries[e.key].accessed, saved.entries[e.key].accesses = accessed, got.Accesses
	}
	used := m.order()
	for _, r := range []*reference[K]{m.r, saved} {
		slices.SortFunc(r.order, func(a, b *refEntry[K]) int { return cmp.Compare(used[a.key], used[b.key]) })
	}
}

// order returns the keys with their places in the order of use.
func (m *machine[K]) order() map[K]uint64 {
	var to bytes.Buffer
	require.NoError(m.t, m.s.Export(&to))
	r, err := persist.NewReader(&to, "export")
	require.NoError(m.t, err)
	codec := m.o.Persist.Codec
	if d, ok := codec.(persist.Describer); ok {
		codec, _, err = d.Described(new(K), r.Header().Keys)
		require.NoError(m.t, err)
	}
	used := make(map[K]uint64)
	for {
		rec, err := r.Next()
		if errors.Is(err, io.EOF) {
			return used
		}
		require.NoError(m.t, err)
		var key K
		require.NoError(m.t, codec.Unmarshal(rec.Key, &key))
		used[key] = rec.Used
	}
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
	m.followJournal()
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
			require.True(m.t, m.journaled() || m.r.idle >= forever || e.accessed == was.accessed, "a use that is not saved")
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
	m.exported = m.r.moved(m.now()-m.r.now, false)
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
		m.snapshotTaken()
	} else if m.journaled() {
		m.save()
	} else {
		m.wantSaved()
	}
	m.reopen()
}

// kill goes on with what kill -9 would have left on the disk.
func (m *machine[K]) kill(t *rapid.T) {
	if m.disk == nil {
		t.Skip()
	}
	m.catchUp()
	saved := m.saved
	if m.journaled() {
		saved = m.written
	}
	m.crash(m.disk.Image(), saved)
}

// loseThePower goes on with what a power loss would have left.
func (m *machine[K]) loseThePower(t *rapid.T) {
	if m.disk == nil {
		t.Skip()
	}
	m.catchUp()
	m.crash(m.disk.Crash(disk.KeepNone), m.saved)
}

func (m *machine[K]) crash(left disk.Image, saved *reference[K]) {
	m.imprecise = saved != nil && (m.imprecise || m.journaled())
	m.close()
	m.saved = saved
	m.boot(left.Boot())
	m.reopen()
}

func (m *machine[K]) boot(d *disk.Disk) {
	if m.mapped {
		d.Mapped()
	}
	m.disk, m.o.Persist.FS = d, d
}

func (m *machine[K]) reopen() {
	if rapid.Bool().Draw(m.t, "the clock goes on meanwhile") {
		m.clock.Advance(m.draw("meanwhile", time.Second, time.Minute))
	}
	m.drawOptions()
	if m.imprecise { // nor which ones would be dropped
		m.roomForAll()
	}
	if m.open(m.saved) != nil { // too small for what is locked
		m.roomForAll()
		require.NoError(m.t, m.open(m.saved))
	}
}

func (m *machine[K]) roomForAll() {
	m.o.Capacity, m.o.MaxWeight, m.o.Weigher = len(m.keys), 0, nil
}
