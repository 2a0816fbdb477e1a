package store

import (
	"fmt"
	"math"
	"time"
)

// Status tells the state of an entry.
type Status int

// The states of an entry.
const (
	Active  Status = 1 // live, and nobody holds a lease on it
	Locked  Status = 2 // live, and somebody holds a lease on it
	Expired Status = 3 // dead by time, its memory not yet freed
)

// String returns the name of the constant.
func (s Status) String() string {
	switch s {
	case Active:
		return "Active"
	case Locked:
		return "Locked"
	case Expired:
		return "Expired"
	}
	return fmt.Sprintf("Status(%d)", int(s))
}

// Metadata is what a store knows of an entry besides its value.
type Metadata struct {
	Status   Status
	Created  time.Time // when the key was first set; survives overwriting
	Updated  time.Time // last write
	Accessed time.Time // last access; the end of a lease counts as one
	Accesses uint64    // how often it was read: Get, Entry, Lease.Get
	Revision uint64    // 1 when created, one more with every write
	Fence    uint64    // of the latest lease on it; 0 = none yet
	// Expires is when it dies if nobody touches it: the earlier of TTL and
	// idle timeout. The zero time = never.
	Expires time.Time
	// LockedUntil is the lease's deadline. The zero time = not locked.
	LockedUntil time.Time
	Weight      uint32 // as its value was weighed; 1 without a Weigher
}

// Entry is an entry as it was at one instant.
type Entry[K comparable, V any] struct {
	Key      K
	Value    V
	Metadata Metadata
}

// instant is a time in nanoseconds since the store was made, by its clock's
// monotonic readings where it has them.
type instant int64

const never instant = math.MaxInt64

// lastInstant is where a clock that shows something absurd is stopped, so that
// no deadline overflows: 180 years on, which is the year 2150 at the earliest,
// and as far back.
const lastInstant = instant(180 * 365 * 24 * time.Hour)

// after returns the instant d after i; NoExpiry after anything is never.
func (i instant) after(d time.Duration) instant {
	if d == NoExpiry {
		return never
	}
	return i + instant(d)
}

// entry is what the store keeps for a key, from its first write until it is gone.
// The store's mu guards it; what can be read without is its version.
type entry[K comparable, V any] struct {
	v        *version[K, V] // the present one
	lease    *Lease[K, V]   // nil = not locked
	accesses uint64         // those of v not among them, unless it is frozen

	data             *encoded     // the key and the value as encoded; nil without a folder
	pending          *batch[K, V] // has a change of e that is to be made; nil = none
	noted            int64        // last access that the journal knows of, an instant; readers load it atomically
	created, updated instant
	ttl              time.Duration
	revision, fence  uint64
	born             uint64 // position when it was created
	listed           uint64 // v.used when the policy listed it
	late             int32  // in lru.late; -1 = not there
	slot             int32  // in table.slots; -1 once removed
	index            int32  // in table.expiry; -1 = not there
	cut              uint32 // id of the last cut that has seen it
	weight           uint32
	packed           bool // the value has not been decoded from data yet; see packed.go
}

// deadline returns when e dies: the one rule for it. The idle timeout does not
// run while e is locked.
func (e *entry[K, V]) deadline(idle time.Duration) instant {
	if e.lease != nil {
		return e.v.expires
	}
	return min(e.v.expires, e.v.lastAccess().after(idle))
}

// isDead reports whether e is dead, and sees to it that no reader revives it who
// has looked at the clock just before.
func (e *entry[K, V]) isDead(now instant, idle time.Duration) bool {
	if !dead(now, e.deadline(idle)) {
		return false
	}
	if !e.v.isFrozen() {
		e.freeze()
		if !dead(now, e.deadline(idle)) {
			e.thaw()
			return false
		}
	}
	return true
}

// prepare makes v ready to take the place of the present version: used at that place
// in the order and that instant, unless readers have left later marks, which are final
// from now on.
func (e *entry[K, V]) prepare(v *version[K, V], place uint64, at, expires instant) {
	e.freeze()
	old := e.v
	v.e, v.key, v.slot, v.expires = e, old.key, old.slot, expires
	v.used.Store(max(old.used.Load(), 2*place))
	v.accessed.Store(int64(max(old.lastAccess(), at)))
	if e.lease != nil {
		v.freeze()
	}
}

// freeze sends the readers of e to mu.
func (e *entry[K, V]) freeze() {
	if !e.v.isFrozen() {
		e.accesses += e.v.freeze()
	}
}

// thaw lets readers at e again, unless there is a reason not to.
func (e *entry[K, V]) thaw() {
	if e.lease == nil && !e.packed {
		e.v.reads.Store(0)
	}
}

// count returns how often e was read.
func (e *entry[K, V]) count() uint64 {
	if n := e.v.reads.Load(); n&frozen == 0 {
		return e.accesses + n
	}
	return e.accesses
}

// revisionOrZero returns the revision of e, 0 for no entry.
func (e *entry[K, V]) revisionOrZero() uint64 {
	if e == nil {
		return 0
	}
	return e.revision
}

// dead reports whether a deadline has passed: the one rule for entries and
// leases.
func dead(now, deadline instant) bool { return now >= deadline }

func (e *entry[K, V]) status(now instant, idle time.Duration) Status {
	switch {
	case dead(now, e.deadline(idle)):
		return Expired
	case e.lease != nil:
		return Locked
	}
	return Active
}

func (s *Store[K, V]) metadataLocked(e *entry[K, V], now instant) Metadata {
	m := Metadata{
		Status:   e.status(now, s.o.IdleTimeout),
		Created:  s.time(e.created),
		Updated:  s.time(e.updated),
		Accessed: s.time(e.v.lastAccess()),
		Accesses: e.count(),
		Revision: e.revision,
		Fence:    e.fence,
		Weight:   e.weight,
		Expires:  s.time(e.deadline(s.o.IdleTimeout)),
	}
	if e.lease != nil {
		m.LockedUntil = s.time(e.lease.until)
	}
	return m
}

// time returns the time of an instant; never is the zero time.
func (s *Store[K, V]) time(i instant) time.Time {
	if i == never {
		return time.Time{}
	}
	return s.base.Add(time.Duration(i))
}
