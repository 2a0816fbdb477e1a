package store_test

import (
	"slices"
	"time"

	"github.com/latchkey-go/latchkey/store"
)

// reference is a store as plain as can be: a map, and a slice for the order of use.
// It is told the time, which dead entries were freed and the fence of a lease.
type reference[K comparable] struct {
	capacity       int
	maxWeight      int // 0 = no bound, and all weigh 1
	ttl, idle, now time.Duration
	entries        map[K]*refEntry[K] // dead ones too, until they are freed
	order          []*refEntry[K]     // by use, latest last
	gone           []store.Removal[K, int]
	failed         map[K]refFailure // nil = none yet
}

// refFailure is a load that has failed.
type refFailure struct {
	until time.Duration
	err   error // what is told until then; nil = refreshes alone are put off
}

type refEntry[K comparable] struct {
	key                                      K
	value                                    int
	ttl, expires, created, updated, accessed time.Duration
	accesses, revision, fence                uint64
	lease                                    *refLease[K]   // nil = unlocked
	queue                                    []*refLease[K] // of those who wait
	leftOut                                  bool           // of the last snapshot, being dead
	notBefore                                time.Duration  // of accessed, where that is not precise; 0 = it is
}

// refLease is a lease, or a place in the queue for one.
type refLease[K comparable] struct {
	entry    *refEntry[K]
	d, until time.Duration // until 0 = waits still
	end      error         // nil = not over
}

func (r *reference[K]) deadline(e *refEntry[K]) time.Duration {
	if e.lease != nil {
		return e.expires
	}
	return min(e.expires, e.accessed+r.idle)
}

func (r *reference[K]) dead(e *refEntry[K]) bool { return r.now >= r.deadline(e) }

// unlocked returns the live entry for key, and why nobody can use it.
func (r *reference[K]) unlocked(key K) (*refEntry[K], error) {
	e := r.entries[key]
	switch {
	case e == nil || r.dead(e):
		return nil, store.ErrNotFound
	case e.lease != nil:
		return e, store.ErrLocked
	}
	return e, nil
}

func (r *reference[K]) use(e *refEntry[K], at time.Duration) {
	e.accessed, e.notBefore = at, 0
	r.order = append(slices.DeleteFunc(r.order, func(o *refEntry[K]) bool { return o == e }), e)
}

// write sets a value; e is nil for a new entry.
func (r *reference[K]) write(key K, e *refEntry[K], value int, ttl time.Duration) error {
	if !r.lighten(e, value) {
		return store.ErrFull
	}
	if e == nil {
		if len(r.entries) >= r.capacity && !r.evict(nil) {
			return store.ErrFull
		}
		e = &refEntry[K]{key: key, created: r.now}
		r.entries[key] = e
	} else {
		r.gone = append(r.gone, store.Removal[K, int]{Key: key, Value: e.value, Reason: store.ReasonReplaced})
	}
	e.value, e.ttl, e.expires, e.updated = value, ttl, r.now+ttl, r.now
	e.revision++
	r.use(e, r.now)
	delete(r.failed, key)
	return nil
}

// weigher is the Weigher of a store with a MaxWeight.
func weigher[K any](_ K, value int) uint32 { return uint32(value % 4) }

func (r *reference[K]) weigh(value int) int {
	if r.maxWeight == 0 {
		return 1
	}
	return int(weigher(struct{}{}, value))
}

// weight returns what entries weigh together.
func (r *reference[K]) weight(which func(*refEntry[K]) bool) (sum int) {
	for _, e := range r.order {
		if which(e) {
			sum += r.weigh(e.value)
		}
	}
	return sum
}

func locked[K comparable](e *refEntry[K]) bool { return e.lease != nil }

// tooHeavy reports whether a value in the place of that of e, nil for a new entry,
// makes those that are counted too heavy.
func (r *reference[K]) tooHeavy(e *refEntry[K], value int, which func(*refEntry[K]) bool) bool {
	others := r.weight(func(o *refEntry[K]) bool { return o != e && which(o) })
	return r.maxWeight > 0 && others+r.weigh(value) > r.maxWeight
}

// lighten makes room for a value's weight, and reports false if there is no way.
func (r *reference[K]) lighten(e *refEntry[K], value int) bool {
	if r.tooHeavy(e, value, locked[K]) {
		return false
	}
	for r.tooHeavy(e, value, always) {
		r.evict(e)
	}
	return true
}

// evict evicts the first that may go, but not e.
func (r *reference[K]) evict(but *refEntry[K]) bool {
	i := slices.IndexFunc(r.order, func(e *refEntry[K]) bool { return e.lease == nil && e != but })
	if i >= 0 {
		r.remove(r.order[i], store.ReasonEvicted)
	}
	return i >= 0
}

func (r *reference[K]) remove(e *refEntry[K], reason store.Reason) {
	r.gone = append(r.gone, store.Removal[K, int]{Key: e.key, Value: e.value, Reason: reason})
	r.order = slices.DeleteFunc(r.order, func(o *refEntry[K]) bool { return o == e })
	delete(r.entries, e.key)
	if reason == store.ReasonDeleted {
		delete(r.failed, e.key)
	}
	r.unlockAll(e)
}

// failure returns what is remembered of a load that has failed.
func (r *reference[K]) failure(key K) (f refFailure, found bool) {
	f, found = r.failed[key]
	return f, found && r.now < f.until
}

// lock puts a lease into the queue, and grants it if nobody has one.
func (r *reference[K]) lock(e *refEntry[K], d time.Duration) *refLease[K] {
	l := &refLease[K]{entry: e, d: d}
	e.queue = append(e.queue, l)
	if e.lease == nil {
		r.serve(e, r.now)
	}
	return l
}

func (r *reference[K]) serve(e *refEntry[K], at time.Duration) {
	e.lease, e.queue = e.queue[0], e.queue[1:]
	e.lease.until = at + e.lease.d
	delete(r.failed, e.key)
}

// unlock ends the lease on e in the way given; the next in the queue gets one.
func (r *reference[K]) unlock(e *refEntry[K], end error) {
	at := min(e.lease.until, r.now)
	e.lease.end, e.lease = end, nil
	r.use(e, at)
	if len(e.queue) > 0 {
		r.serve(e, at)
	}
}

func (r *reference[K]) unlockAll(e *refEntry[K]) {
	if e.lease != nil {
		e.lease.end, e.lease = store.ErrLeaseLost, nil
	}
	for _, l := range e.queue {
		l.end = store.ErrNotFound
	}
	e.queue = nil
}

// settle lets time pass: leases end in order, of themselves or with their entry.
func (r *reference[K]) settle(now time.Duration) {
	r.now = max(r.now, now)
	over := func(e *refEntry[K]) time.Duration {
		if e.lease == nil {
			return forever
		}
		return min(e.expires, e.lease.until)
	}
	for len(r.order) > 0 {
		e := slices.MinFunc(r.order, func(a, b *refEntry[K]) int { return int(over(a) - over(b)) })
		switch at := over(e); {
		case at > r.now:
			return
		case at == e.expires:
			r.unlockAll(e)
		default:
			r.unlock(e, store.ErrLeaseLost)
		}
	}
}
