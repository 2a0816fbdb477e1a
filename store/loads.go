package store

import (
	"container/list"
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/latchkey-go/latchkey/persist"
)

// loads lists the loads under way, and the errors of some that are over. A write to
// the store asks it for a number that is 0 as a rule, and only then for its mutex,
// which is taken after the store's: nothing is asked of the store under it.
type loads[K comparable, V any] struct {
	active atomic.Int64 // how many keys are in promises or failures; changed under mu

	// storing is how many loads are using the store, so that their goroutines
	// must not call OnRemove.
	storing atomic.Int64

	mu         sync.Mutex // guards the fields below, and some of loadings and promises
	closed     bool
	promises   map[K]*promise[K, V]        // those that others may join, or must wait for
	underWay   map[*loading[K, V]]struct{} // those whose promises are in use
	refreshing int                         // refreshes among them
	failures   map[K]*list.Element         // of *failure
	order      list.List                   // of *failure, by when they are over
	called     uint64                      // loads ever admitted
	failed     uint64                      // those that ended with an error or a panic
	times      persist.Histogram           // of those that have ended

	running sync.WaitGroup // calls of the user's load; not added to once closed
}

// join returns a promise for each of the keys, and the loadings to run: one for all
// that nobody has promised, and one for all that must wait for the same other one. If
// those were one too, a load could wait for one that waits for it, by a key that it
// asks for.
func (t *loads[K, V]) join(ctx context.Context, keys []K, now instant) (all []*promise[K, V], own []*loading[K, V], err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return nil, nil, ErrClosed
	}
	after := make(map[*loading[K, V]]*loading[K, V]) // nil for those that need not wait
	promise := func(key K, of *loading[K, V]) *promise[K, V] {
		l := after[of]
		if l == nil {
			l = newLoading[K, V](ctx)
			after[of] = l
			own = append(own, l)
		}
		return t.promiseLocked(key, l)
	}
	for _, key := range keys {
		p := t.promises[key]
		if p == nil {
			p = t.brokenLocked(key, now)
		}
		switch {
		case p == nil:
			p = promise(key, nil)
		case p.overtaken:
			before := p
			t.dropLocked(before)
			p = promise(key, before.of)
			p.of.after = append(p.of.after, before)
		}
		if p.of != nil {
			p.of.waiters++
		}
		all = append(all, p)
	}
	return all, own, nil
}

// maxRefreshes is how many refreshes a store has under way at once.
const maxRefreshes = 32

// refresh returns a loading for a key whose entry is as seen, or nil if there is no
// need, or no room. It does not wait: a later hit will do.
func (t *loads[K, V]) refresh(ctx context.Context, key K, seen Metadata, now instant) *loading[K, V] {
	if !t.mu.TryLock() {
		return nil
	}
	defer t.mu.Unlock()
	if t.closed || t.refreshing == maxRefreshes || t.promises[key] != nil || t.failureLocked(key, now) != nil {
		return nil
	}
	l := newLoading[K, V](ctx)
	l.seen, l.begun = &seen, true
	t.refreshing++
	t.promiseLocked(key, l)
	return l
}

func (t *loads[K, V]) promiseLocked(key K, l *loading[K, V]) *promise[K, V] {
	if t.promises == nil {
		t.promises = make(map[K]*promise[K, V])
		t.underWay = make(map[*loading[K, V]]struct{})
	}
	p := &promise[K, V]{key: key, of: l, done: make(chan struct{})}
	l.promises = append(l.promises, p)
	t.listLocked(p)
	t.underWay[l] = struct{}{}
	return p
}

// listLocked has others join p, or wait for it. None of its key is listed.
func (t *loads[K, V]) listLocked(p *promise[K, V]) {
	t.promises[p.key] = p
	t.active.Add(1)
}

// dropLocked has nobody join p any more, nor wait for it.
func (t *loads[K, V]) dropLocked(p *promise[K, V]) {
	if t.promises[p.key] == p {
		delete(t.promises, p.key)
		t.active.Add(-1)
	}
}

// begin notes that a loading looks at the store and its source from now on, and
// reports whether anybody still wants it to.
func (t *loads[K, V]) begin(l *loading[K, V]) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	l.begun, l.after = true, nil
	return l.ctx.Err() == nil
}

// admit reports whether the user's load is to be called, which ends with
// running.Done.
func (t *loads[K, V]) admit(l *loading[K, V]) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed || l.ctx.Err() != nil {
		return false
	}
	t.called++
	t.running.Add(1)
	return true
}

// leave takes back that somebody waits for p. A load that nobody waits for ends,
// but for a refresh that may still be stored.
func (t *loads[K, V]) leave(p *promise[K, V]) {
	t.mu.Lock()
	defer t.mu.Unlock()
	l := p.of
	if l == nil {
		return
	}
	l.waiters--
	if l.waiters > 0 || l.returned {
		return
	}
	if l.seen == nil {
		l.cancel(nil)
	} else if !p.overtaken {
		return
	}
	for _, p := range l.promises {
		t.keepLocked(p, outcome[V]{})
	}
	for _, p := range l.after { // the next must wait for them all the same
		if !p.kept && t.promises[p.key] == nil {
			t.listLocked(p)
		}
	}
}

// took counts how long a call of the user's load took.
func (t *loads[K, V]) took(d time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.times.Observe(d)
}

// returned notes that the user's load is over, and reports whether anybody waits.
func (t *loads[K, V]) returned(l *loading[K, V], end *ending[K, V]) (awaited bool) {
	l.cancel(nil)
	t.mu.Lock()
	defer t.mu.Unlock()
	l.returned = true
	if end.err != nil || end.panicked != nil {
		t.failed++
	}
	return l.waiters > 0
}

// open reports whether p is still to be kept.
func (t *loads[K, V]) open(p *promise[K, V]) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return !p.kept
}

// current reports whether p is still to be kept, and nobody has overtaken it.
func (t *loads[K, V]) current(p *promise[K, V]) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return !p.kept && !p.overtaken
}

// awaited reports whether anybody waits for the load of p.
func (t *loads[K, V]) awaited(p *promise[K, V]) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return p.of.waiters > 0
}

// keep tells those who wait for p, and remembers what m says if nobody has
// overtaken it.
func (t *loads[K, V]) keep(p *promise[K, V], o outcome[V], m memory) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !p.kept && !p.overtaken {
		t.rememberLocked(p.key, m)
	}
	t.keepLocked(p, o)
}

func (t *loads[K, V]) keepLocked(p *promise[K, V], o outcome[V]) {
	if p.kept {
		return
	}
	t.dropLocked(p)
	p.outcome, p.kept = o, true
	close(p.done)
}

// end forgets a loading whose promises have been kept.
func (t *loads[K, V]) end(l *loading[K, V]) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.underWay, l)
	if l.seen != nil {
		t.refreshing--
	}
}

// count adds what Stats tells of loads.
func (t *loads[K, V]) count(stats *Stats) {
	t.mu.Lock()
	defer t.mu.Unlock()
	stats.Loading = len(t.underWay)
	stats.Loads, stats.LoadErrors, stats.LoadTimes = t.called, t.failed, t.times
}
