package store

import (
	"sync/atomic"
	"unsafe"
)

// Whoever uses an entry without mu leaves a note of it, if the policy has to know, as
// TinyLFU has: each goroutine in a part of its own, as a rule. After every 64th use the
// policy is told, if mu is free.

// tellEvery is after how many uses that is: so many that it does not show, and so few that
// it takes some tens of microseconds at most.
const tellEvery = 64

// goroutine returns a number that is another for most other goroutines: where its
// stack is.
func goroutine() uint64 {
	var here byte
	return uint64(uintptr(unsafe.Pointer(&here)) >> 12) // stacks of any depth are that large
}

// tally returns the part of the tallies that the goroutine counts in, and its number.
func (s *Store[K, V]) tally() (t *tally, part uint64) {
	part = partOf(goroutine())
	return &s.tallies[part], part
}

// usedQuick notes a use of v, the nth in a part of the tallies.
func (s *Store[K, V]) usedQuick(v *version[K, V], part, n uint64) {
	if s.uses == nil || !s.uses[part].note(n, v.slot, v.hash) {
		return
	}
	if n%tellEvery == 0 && s.mu.TryLock() {
		s.passUsesLocked(part)
		s.leaveOutLocked(part)
		s.mu.Unlock()
	}
}

// uses are those that TinyLFU has still to be told of, the last few of a part of the
// tallies. Some get lost, and some come twice, to no harm.
type uses struct {
	last  [tellEvery]atomic.Uint64 // slot and hash of each
	after atomic.Uint64            // those up to this one are left out
	told  uint64                   // how many there were when the policy was told; mu guards it
	_     [48]byte                 // to the end of a cache line
}

// note notes the nth use, and reports false if it is left out.
func (u *uses) note(n uint64, slot, hash uint32) bool {
	if n <= u.after.Load() {
		return false
	}
	u.last[n%tellEvery].Store(uint64(slot)<<32 | uint64(hash))
	return true
}

// passUsesLocked tells the policy of those in one part.
func (s *Store[K, V]) passUsesLocked(part uint64) {
	u := &s.uses[part]
	upTo := s.tallies[part].uses()
	if upTo == u.told {
		return // as a rule, before an insert
	}
	some := s.noted[:0]
	for n := max(u.told+1, u.after.Load()+1, upTo-min(upTo, tellEvery-1)); n <= upTo; n++ {
		noted := u.last[n%tellEvery].Load()
		some = append(some, use{Slot: uint32(noted >> 32), Hash: uint64(uint32(noted))})
	}
	s.table.unlocked.useAll(some)
	s.noted = some
	s.quietFor += upTo - u.told
	u.told = upTo
}

// quietUses is how many uses without an insert, beyond the store's capacity, make a long
// time.
const quietUses = 1024

// leaveOutLocked leaves out the next uses of a part if nothing came into the store for
// long: then nothing is evicted either, and a sample tells the policy what is used most:
// one in 4 of them, in 8 after twice that time, in 16 after four times, at last in 64.
func (s *Store[K, V]) leaveOutLocked(part uint64) {
	u, long := &s.uses[part], uint64(s.capacity)+quietUses
	switch quiet := s.quietFor; {
	case quiet > 16*long:
		u.after.Store(u.told + 63*tellEvery)
	case quiet > 4*long:
		u.after.Store(u.told + 15*tellEvery)
	case quiet > 2*long:
		u.after.Store(u.told + 7*tellEvery)
	case quiet > long:
		u.after.Store(u.told + 3*tellEvery)
	}
}

// passOwnUsesLocked tells the policy of the uses of the goroutine that it runs in,
// before one of its inserts, and leaves none out for now. It read from a little higher
// or lower in its stack.
func (s *Store[K, V]) passOwnUsesLocked() {
	if s.uses == nil {
		return
	}
	here := goroutine()
	for _, at := range [...]uint64{here - 1, here, here + 1} {
		s.passUsesLocked(partOf(at))
		if u := &s.uses[partOf(at)]; u.after.Load() != 0 {
			u.after.Store(0)
		}
	}
}
