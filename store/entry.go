package store

import (
	"fmt"
	"math"
	"runtime"
	"sync/atomic"
	"time"
	"unsafe"
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
// The store's mu guards it; what can be read without mu is the version. What a write
// changes in both belongs to whoever has frozen the version under mu, or else claimed it.
type entry[K comparable, V any] struct {
	v atomic.Pointer[version[K, V]] // the present one
	*details[K, V]
	created  instant
	born     uint64 // position when it was created; gone = it has been removed
	revision uint64
	updated  instant
	reads    uint64       // those of v not among them while that is open
	accessed atomic.Int64 // last access, if v.used does not tell it; an instant
}

// details is what a store need not know of each entry if it has neither a folder nor a
// Weigher: there, all that have never been locked share one.
type details[K comparable, V any] struct {
	lease   *Lease[K, V]  // nil = not locked
	fence   uint64        // of its latest lease
	data    *encoded      // the key and the value as encoded; nil without a folder
	pending *batch[K, V]  // has a change of the entry that is to be made; nil = none
	noted   int64         // last access that the journal knows of, an instant; readers load it atomically
	ttl     time.Duration // as restored, until the next write; 0 = what entry.ttl makes of the deadline
	weight  uint32
	packed  bool // the value has not been decoded from data yet; see packed.go
	shared  bool // by all new entries: nobody writes to it
}

const gone = math.MaxUint64

// detailed returns an entry with details of its own.
func detailed[K comparable, V any]() *entry[K, V] {
	both := new(struct {
		e entry[K, V]
		d details[K, V]
	})
	both.e.details = &both.d
	return &both.e
}

// blankEntry returns one that nobody has seen.
func (s *Store[K, V]) blankEntry() *entry[K, V] {
	switch {
	case s.plain == nil:
		return detailed[K, V]()
	case liesApart[K, V]():
		return &(&larger[K, V]{e: entry[K, V]{details: s.plain}}).e
	}
	return &entry[K, V]{details: s.plain}
}

// larger is an entry of another size class than that of a version of 49 to 64 bytes.
type larger[K comparable, V any] struct {
	e entry[K, V]
	_ [8]byte
}

// liesApart reports whether entries are to be larger than they have to: Go puts objects of a
// size class side by side. Among entries, versions would be on twice as many pages, and
// reading them takes up to a half longer, as the processor has to look up more of these.
func liesApart[K comparable, V any]() bool {
	return (unsafe.Sizeof(version[K, V]{})+15)/16 == unsafe.Sizeof(entry[K, V]{})/16
}

// own gives e details of its own, if it shares them. It has to be frozen.
func (e *entry[K, V]) own() {
	if e.shared {
		d := *e.details
		d.shared = false
		e.details = &d
	}
}

// key returns its key, the same in all versions.
func (e *entry[K, V]) key() K { return e.v.Load().key }

// mark returns the mark of its last use.
func (e *entry[K, V]) mark() instant { return instant(e.v.Load().used.Load()) }

// slot returns its place in table.slots, until it is removed.
func (e *entry[K, V]) slot() int32 { return int32(e.v.Load().slot) }

// ttl returns the TTL of the present version, for a caller who may look at both.
func (e *entry[K, V]) ttl() time.Duration {
	switch v := e.v.Load(); {
	case v.expires == never:
		return NoExpiry
	case e.details.ttl != 0:
		return e.details.ttl
	default:
		return time.Duration(v.expires - e.updated)
	}
}

// wrote notes a write at the instant given.
func (e *entry[K, V]) wrote(now instant, revision uint64) {
	e.updated, e.revision = now, revision
	if e.details.ttl != 0 { // nobody writes to those that all share
		e.details.ttl = 0
	}
}

func (e *entry[K, V]) hash() uint32 { return e.v.Load().hash }

// version returns the present version. Unless that is frozen, there may be another one
// right afterwards.
func (e *entry[K, V]) version() *version[K, V] {
	for tries := 0; ; tries++ {
		v := e.v.Load()
		if !v.isOver() {
			return v
		}
		pause(tries)
	}
}

// freeze sends those who have no mu to it, and reports whether they weren't yet. From
// now on e is the caller's.
func (e *entry[K, V]) freeze() (wasOpen bool) {
	for tries := 0; ; tries++ {
		v := e.v.Load()
		switch reads := v.reads.Or(frozen); {
		case reads&claimed != 0:
			pause(tries)
		case reads&frozen != 0:
			return false
		default:
			e.reads += reads
			return true
		}
	}
}

// thaw lets them at e again, unless there is a reason not to.
func (e *entry[K, V]) thaw() {
	if e.lease == nil && !e.packed {
		e.v.Load().reads.Store(0)
	}
}

// pause lets some time go by for a writer who has claimed a version. That has a few
// instructions to go, but may have lost its processor.
func pause(tries int) {
	if tries > 30 {
		runtime.Gosched()
	}
}

// count counts a read under mu.
func (e *entry[K, V]) count() {
	for {
		v := e.version()
		switch reads := v.reads.Load(); {
		case reads&claimed != 0: // not this one, then
		case reads&frozen != 0:
			e.reads++
			return
		case v.reads.Add(1)&frozen == 0:
			return
		}
	}
}

// total returns how often e was read.
func (e *entry[K, V]) total() uint64 {
	wasOpen := e.freeze()
	n := e.reads
	if wasOpen {
		e.thaw()
	}
	return n
}

// deadline returns when e dies: the one rule for it. The idle timeout does not
// run while e is locked.
func (e *entry[K, V]) deadline(idle time.Duration) instant {
	if e.lease != nil {
		return e.version().expires
	}
	return e.version().deadline(idle)
}

// isDead reports whether e is dead, which it is for good then.
func (e *entry[K, V]) isDead(now instant, idle time.Duration) bool {
	if !dead(now, e.deadline(idle)) {
		return false
	}
	wasOpen := e.freeze()
	if e.lapses(now, idle) {
		return true
	}
	if wasOpen {
		e.thaw()
	}
	return false
}

// lapses is isDead for an entry that is frozen. Somebody without mu who has looked at the
// clock in time may be about to leave a mark: that is too late.
func (e *entry[K, V]) lapses(now instant, idle time.Duration) bool {
	v := e.v.Load()
	e.accessed.Store(int64(v.lastAccess()))
	v.reads.Or(settled)
	if dead(now, e.deadline(idle)) {
		return true
	}
	v.reads.And(^uint64(settled))
	return false
}

// prepare makes v ready to take the place of the present version: used at that place
// in the order and that instant, unless others have left later marks, which are final
// from now on.
func (e *entry[K, V]) prepare(v *version[K, V], place uint64, at, expires instant) {
	e.freeze()
	old := e.v.Load()
	v.e, v.key, v.slot, v.expires = e, old.key, old.slot, expires
	e.accessed.Store(int64(max(old.lastAccess(), at)))
	v.used.Store(max(old.used.Load(), 2*place))
	if e.lease != nil {
		v.reads.Store(frozen)
	}
}

// giveWay puts next in the place of v, which the caller has claimed, with so many reads.
func (v *version[K, V]) giveWay(next *version[K, V], reads uint64, now, expires instant) {
	e, used := v.e, v.used.Load()
	if mark := markOf(now); used < mark {
		used = mark
	} else if used&1 == 0 {
		e.accessed.Store(int64(max(v.lastAccess(), now)))
	}
	next.e, next.slot, next.expires = e, v.slot, expires
	next.key = v.key // the caller's may be part of something larger, and is not at hand
	next.used.Store(used)
	e.reads += reads
	e.wrote(now, e.revision+1)
	e.v.Store(next)
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

// statusBy returns the status of e, whose deadline is the one given.
func (e *entry[K, V]) statusBy(deadline, now instant) Status {
	switch {
	case dead(now, deadline):
		return Expired
	case e.lease != nil:
		return Locked
	}
	return Active
}

// describeLocked returns e as it is.
func (s *Store[K, V]) describeLocked(e *entry[K, V], now instant) Entry[K, V] {
	wasOpen := e.freeze()
	lapsed := e.lapses(now, s.o.IdleTimeout)
	v := e.v.Load()
	deadline := e.deadline(s.o.IdleTimeout)
	m := Metadata{
		Status:   e.statusBy(deadline, now),
		Created:  s.time(e.created),
		Updated:  s.time(e.updated),
		Accessed: s.time(v.lastAccess()),
		Accesses: e.reads,
		Revision: e.revision,
		Fence:    e.fence,
		Weight:   e.weight,
		Expires:  s.time(deadline),
	}
	if e.lease != nil {
		m.LockedUntil = s.time(e.lease.until)
	}
	if wasOpen && !lapsed {
		e.thaw()
	}
	return Entry[K, V]{v.key, v.value, m}
}

// time returns the time of an instant; never is the zero time.
func (s *Store[K, V]) time(i instant) time.Time {
	if i == never {
		return time.Time{}
	}
	return s.base.Add(time.Duration(i))
}
