package store_test

import (
	"errors"
	"slices"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/latchkey-go/latchkey/store"
)

// actions are the machine's steps; check comes after each.
func (m *machine[K]) actions() map[string]func(*rapid.T) {
	return map[string]func(*rapid.T){
		"":              m.check,
		"Get":           m.get,
		"Get, again":    m.get, // comes twice as often
		"Entry":         m.entry,
		"Touch":         m.touch,
		"GetOrLoad":     m.getOrLoad,
		"load again":    m.getOrLoad,
		"Set":           m.set,
		"Set, again":    m.set,
		"SetWithTTL":    m.setWithTTL,
		"SetIfAbsent":   m.setIfAbsent,
		"CompareAndSet": m.compareAndSet,
		"Update":        m.update,
		"Delete":        m.delete,
		"Clear":         m.clear,
		"Len":           m.len,
		"All":           m.all,
		"Resize":        m.resize,
		"evict":         m.evict,
		"Get the first": m.getFirst,
		"forward":       m.forward,
		"to a deadline": m.toDeadline,
		"backward":      m.backward,

		"TryLock":      m.tryLock,
		"Lock":         m.lock,
		"Lock, ended":  m.lockEnded,
		"give up":      m.giveUp,
		"Resume":       m.resume,
		"ForceUnlock":  m.forceUnlock,
		"Lease.Get":    m.leaseGet,
		"Lease.Set":    m.leaseSet,
		"Lease.TTL":    m.leaseSetWithTTL,
		"Lease.Delete": m.leaseDelete,
		"Lease.Extend": m.leaseExtend,
		"Lease.Unlock": m.leaseUnlock,

		"Snapshot": m.snapshot,
		"Sync":     m.sync,
		"Export":   m.exportAll,
		"Import":   m.importAll,
		"restart":  m.restart,
		"kill -9":  m.kill,
		"no power": m.loseThePower,
	}
}

// used lets the reference read what the store's Get or Entry has read.
func (m *machine[K]) used(key K, value int, err error) *refEntry[K] {
	m.catchUp()
	e, want := m.r.unlocked(key)
	m.same(err, want)
	if want != nil {
		if want == store.ErrNotFound {
			m.stats.Misses++
		}
		return nil
	}
	m.stats.Hits++
	m.r.use(e, m.r.now)
	e.accesses++
	require.Equal(m.t, e.value, value)
	return e
}

func (m *machine[K]) get(*rapid.T) {
	key := m.key()
	value, err := m.s.Get(key)
	m.used(key, value, err)
}

// getFirst gets what would be evicted first.
func (m *machine[K]) getFirst(t *rapid.T) {
	if len(m.r.order) == 0 {
		t.Skip()
	}
	key := m.r.order[0].key
	value, err := m.s.Get(key)
	m.used(key, value, err)
}

func (m *machine[K]) entry(*rapid.T) {
	key := m.key()
	got, err := m.s.Entry(key)
	if e := m.used(key, got.Value, err); e != nil {
		require.Equal(m.t, store.Entry[K, int]{Key: key, Value: e.value, Metadata: m.metadata(e)}, got)
	}
}

func (m *machine[K]) touch(*rapid.T) {
	key := m.key()
	err := m.s.Touch(key)
	m.catchUp()
	e, want := m.r.unlocked(key)
	m.same(err, want)
	if want == nil {
		m.r.use(e, m.r.now)
	}
}

// keepTTL stands for the entry's own, the store's if it is new.
const keepTTL time.Duration = -1

// wrote lets the reference write what the store has written, if the entry there
// (nil = none) is accepted.
func (m *machine[K]) wrote(err error, key K, value int, ttl time.Duration, accept func(*refEntry[K]) bool) {
	m.catchUp()
	e, want := m.r.unlocked(key)
	switch {
	case want == store.ErrLocked:
	case !accept(e):
		want = store.ErrConflict
	default:
		m.wantFreed(key, e, value)
		switch {
		case ttl == keepTTL && e != nil:
			ttl = e.ttl
		case ttl == keepTTL:
			ttl = m.r.ttl
		}
		if want = m.r.write(key, e, value, ttl); want == nil {
			m.stats.Sets++
		}
	}
	m.same(err, want)
}

// wantFreed makes sure that no dead entry is in the way of a write.
func (m *machine[K]) wantFreed(key K, e *refEntry[K], value int) {
	full := e == nil && len(m.r.order) >= m.r.capacity || m.r.tooHeavy(e, value, always)
	for _, e := range m.r.order {
		if m.r.dead(e) && (e.key == key || full) {
			m.t.Fatalf("a dead entry is in the way and was not freed")
		}
	}
}

func always[K comparable](*refEntry[K]) bool { return true }

func (m *machine[K]) set(*rapid.T) {
	key, value := m.key(), m.newValue()
	m.wrote(m.s.Set(key, value), key, value, m.r.ttl, always)
}

func (m *machine[K]) setWithTTL(*rapid.T) {
	key, value := m.key(), m.newValue()
	ttl := m.draw("TTL", 1, time.Second, time.Minute, store.NoExpiry, 0, -time.Second, store.NoExpiry-1)
	err := m.s.SetWithTTL(key, value, ttl)
	switch {
	case ttl <= 0 || ttl == store.NoExpiry-1:
		require.ErrorContains(m.t, err, "TTL")
		return
	case ttl == store.NoExpiry:
		ttl = forever
	}
	m.wrote(err, key, value, ttl, always)
}

func (m *machine[K]) setIfAbsent(*rapid.T) {
	key, value := m.key(), m.newValue()
	stored, err := m.s.SetIfAbsent(key, value)
	if !stored && err == nil {
		err = store.ErrConflict
	}
	require.Equal(m.t, err == nil, stored)
	m.wrote(err, key, value, m.r.ttl, func(e *refEntry[K]) bool { return e == nil })
}

func (m *machine[K]) compareAndSet(*rapid.T) {
	key, value := m.key(), m.newValue()
	var revision uint64
	if e := m.r.entries[key]; e != nil {
		revision = e.revision
	}
	revision += rapid.SampledFrom([]uint64{0, 0, 1}).Draw(m.t, "too high by")
	m.wrote(m.s.CompareAndSet(key, revision, value), key, value, keepTTL, func(e *refEntry[K]) bool {
		return e == nil && revision == 0 || e != nil && e.revision == revision
	})
}

var errRefused = errors.New("f does not want to")

func (m *machine[K]) update(*rapid.T) {
	key, first, second := m.key(), m.newValue(), m.newValue()
	refuse := rapid.Bool().Draw(m.t, "f refuses")
	meddle := rapid.Bool().Draw(m.t, "f writes itself")
	m.catchUp()
	_, want := m.r.unlocked(key)
	value, err := m.s.Update(key, func(old int, found bool) (int, error) {
		e, err := m.r.unlocked(key)
		require.NotEqual(m.t, store.ErrLocked, err)
		require.Equal(m.t, e != nil, found)
		if found {
			require.Equal(m.t, e.value, old)
		}
		if meddle { // which makes Update call f again
			meddle = false
			m.wrote(m.s.Set(key, first), key, first, m.r.ttl, always)
		}
		if refuse {
			return second, errRefused
		}
		return second, nil
	})
	switch {
	case want == store.ErrLocked:
		m.same(err, want)
	case refuse:
		m.same(err, errRefused)
	default:
		m.wrote(err, key, second, keepTTL, always)
	}
	if err != nil {
		second = 0
	}
	require.Equal(m.t, second, value)
}

func (m *machine[K]) delete(*rapid.T) {
	key := m.key()
	err := m.s.Delete(key)
	m.catchUp()
	e, want := m.r.unlocked(key)
	switch want {
	case nil:
		m.r.remove(e, store.ReasonDeleted)
	case store.ErrNotFound:
		delete(m.r.failed, key)
		want = nil
	}
	m.same(err, want)
	if want == nil {
		require.NotContains(m.t, m.r.entries, key, "a dead entry is not freed by Delete")
	}
}

func (m *machine[K]) clear(t *rapid.T) {
	if rapid.IntRange(0, 3).Draw(t, "clear") > 0 {
		t.Skip() // seldom
	}
	require.NoError(t, m.s.Clear())
	m.catchUp()
	m.cleared()
}

func (m *machine[K]) cleared() {
	m.r.failed = nil
	for _, e := range slices.Clone(m.r.order) {
		m.r.remove(e, store.ReasonCleared)
	}
}

func (m *machine[K]) len(*rapid.T) {
	got := m.s.Len()
	m.catchUp()
	for _, e := range m.r.order {
		require.False(m.t, m.r.dead(e), "Len frees what is dead")
	}
	require.Equal(m.t, len(m.r.entries), got)
}

// all deletes what it walks over.
func (m *machine[K]) all(t *rapid.T) {
	if rapid.IntRange(0, 3).Draw(t, "delete all") > 0 {
		t.Skip() // seldom
	}
	for key, value := range m.s.All() {
		require.Equal(t, m.r.entries[key].value, value)
		err := m.s.Delete(key)
		m.catchUp()
		e, want := m.r.unlocked(key)
		m.same(err, want)
		if want == nil {
			m.r.remove(e, store.ReasonDeleted)
		}
	}
	m.catchUp()
	for _, e := range m.r.order {
		require.True(t, e.lease != nil || m.r.dead(e), "All passes an entry over")
	}
}

// evict shrinks the store and back, which tells the order of use.
func (m *machine[K]) evict(*rapid.T) {
	capacity := m.r.capacity
	m.resizeTo(1)
	m.resizeTo(capacity)
}

func (m *machine[K]) resize(*rapid.T) {
	m.resizeTo(rapid.IntRange(-1, len(m.keys)-1).Draw(m.t, "capacity"))
}

func (m *machine[K]) resizeTo(capacity int) {
	evicted, err := m.s.Resize(capacity)
	m.catchUp()
	if capacity < 1 {
		require.ErrorContains(m.t, err, "capacity")
		return
	}
	locked := m.locked()
	if locked > capacity {
		m.same(err, store.ErrFull)
		require.Zero(m.t, evicted)
		return
	}
	m.same(err, nil)
	m.r.capacity = capacity
	for ; len(m.r.order) > capacity; evicted-- {
		for _, e := range m.r.order {
			require.False(m.t, m.r.dead(e), "dead entries go first")
		}
		m.r.evict(nil)
	}
	require.Zero(m.t, evicted)
}

func (m *machine[K]) locked() (n int) {
	for _, e := range m.r.order {
		if e.lease != nil {
			n++
		}
	}
	return n
}

func (m *machine[K]) forward(*rapid.T) {
	m.clock.Advance(m.draw("step", 1, time.Second, 3*time.Second, 10*time.Second, time.Minute, time.Hour))
	m.unseen = true
}

// toDeadline goes to where something ends, or just before.
func (m *machine[K]) toDeadline(t *rapid.T) {
	var at []time.Duration
	for _, e := range m.r.order {
		at = append(at, m.r.deadline(e))
		if e.lease != nil {
			at = append(at, e.lease.until)
		}
	}
	at = slices.DeleteFunc(at, func(at time.Duration) bool { return at >= forever || at <= m.now() })
	if len(at) == 0 {
		t.Skip()
	}
	m.clock.Set(epoch.Add(m.draw("deadline", at...) - m.draw("before it", 0, 1)))
	m.unseen = true
}

// backward steps the clock back, as that of a machine may be: the store's time
// then stands still until the clock has caught up.
func (m *machine[K]) backward(t *rapid.T) {
	if m.disk != nil && !m.steppy || rapid.IntRange(0, 3).Draw(t, "backward") > 0 {
		t.Skip() // seldom
	}
	m.clock.Set(m.clock.Now().Add(-m.draw("step", time.Second, time.Minute, time.Hour)))
	m.stepped = true
}
