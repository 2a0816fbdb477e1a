package storetest

import (
	"testing"

	"github.com/latchkey-go/latchkey/store"
)

// Everybody without the lease is refused, through whichever client, and changes
// nothing.
func conformLocked(tb testing.TB, e Engine) {
	t := e.try(tb, EngineOptions{})
	t.set("a", 1)
	l := t.lock("a", 0)
	before := t.look("a").Metadata
	for _, s := range []sharedClient{t.a, t.b} {
		for _, call := range keyCalls {
			if call.locked != errWaits {
				t.is(call.name+" of a locked entry", call.do(t.ctx, s, "a"), call.locked)
			}
		}
	}
	t.holds("refused", "a", 1)
	after := t.look("a").Metadata
	t.equal("Revision", after.Revision, before.Revision)
	t.equal("Accesses", after.Accesses, before.Accesses)
	t.equal("Fence", after.Fence, before.Fence)
	t.truth("Expires", after.Expires.Equal(before.Expires))
	t.truth("LockedUntil", after.LockedUntil.Equal(before.LockedUntil))
	t.length("a locked entry", 1)
	t.ok("Lease.Set", l.Set(t.ctx, Value{N: 2}))
	t.ok("Unlock", l.Unlock(t.ctx))
	for _, call := range keyCalls {
		if call.name != "CompareAndSet" && call.name != "Resume" {
			t.ok("Set", t.a.Set(t.ctx, call.name, Value{N: 1}))
			t.ok("Unlock", t.lock(call.name, 0).Unlock(t.ctx))
			t.ok(call.name+" after Unlock", call.do(t.ctx, t.b, call.name))
		}
	}
}

// The holder works through the lease, and all see what it does.
func conformHolder(tb testing.TB, e Engine) {
	t := e.try(tb, EngineOptions{})
	t.set("a", 1)
	l := t.lock("a", 0)
	t.equal("Key", l.Key(), "a")
	t.truth("a lease without a fence", l.Fence() > 0)
	value, err := l.Get(t.ctx)
	t.ok("Lease.Get", err)
	t.equal("Lease.Get", value.N, 1)
	if !e.LateReads {
		t.equal("Accesses after Lease.Get", t.look("a").Metadata.Accesses, uint64(1))
	}
	for n := 2; n < 5; n++ {
		t.ok("Lease.Set", l.Set(t.ctx, Value{N: n}))
		value, err = l.Get(t.ctx)
		t.ok("Lease.Get", err)
		t.equal("Lease.Get", value.N, n)
		t.holds("Lease.Set", "a", n)
		m := t.look("a").Metadata
		t.equal("Revision", m.Revision, uint64(n))
		t.equal("Status after Lease.Set", m.Status, store.Locked)
		t.equal("Fence after Lease.Set", m.Fence, l.Fence())
	}
	t.ok("Lease.Delete", l.Delete(t.ctx))
	t.gone("deleted by its holder", "a")
	t.ok("Unlock after Delete", l.Unlock(t.ctx))
	t.set("a", 9)
	t.is("Lease.Set after Delete", l.Set(t.ctx, Value{N: 1}), store.ErrLeaseLost)
	t.holds("set after Delete", "a", 9)
}

// ends are the ways in which a lease can end, other than by its holder's wish.
var ends = []struct {
	name string
	end  func(t *trial, key string) // after the lease's time
	gone bool                       // the entry too
}{
	{"deadline", func(*trial, string) {}, false},
	{"deadline, and another lease", func(t *trial, key string) { t.lock(key, 0) }, false},
	{"deadline, and another lease that is over", func(t *trial, key string) {
		t.ok("Unlock", t.lock(key, 0).Unlock(t.ctx))
	}, false},
	{"deadline, and Set", func(t *trial, key string) { t.set(key, 1) }, false},
	{"deadline, and Delete", func(t *trial, key string) { t.ok("Delete", t.b.Delete(t.ctx, key)) }, true},
	{"deadline, Delete and Set", func(t *trial, key string) {
		t.ok("Delete", t.b.Delete(t.ctx, key))
		t.set(key, 1)
	}, false},
	{"deadline, Delete, Set and another lease", func(t *trial, key string) {
		t.ok("Delete", t.b.Delete(t.ctx, key))
		t.set(key, 1)
		t.lock(key, 0)
	}, false},
	{"TTL", func(*trial, string) {}, true},
	{"TTL, and Set", func(t *trial, key string) { t.set(key, 1) }, false},
	{"TTL, Set and another lease", func(t *trial, key string) { t.set(key, 1); t.lock(key, 0) }, false},
	{"ForceUnlock", forceUnlock, false},
	{"ForceUnlock and another lease", func(t *trial, key string) { forceUnlock(t, key); t.lock(key, 0) }, false},
	{"ForceUnlock and Delete", func(t *trial, key string) {
		forceUnlock(t, key)
		t.ok("Delete", t.a.Delete(t.ctx, key))
	}, true},
}

func forceUnlock(t *trial, key string) {
	t.Helper()
	unlocked, err := t.b.ForceUnlock(t.ctx, key)
	t.ok("ForceUnlock", err)
	t.equal("ForceUnlock of a locked entry", unlocked, true)
}

// A late holder is refused whatever has happened since, and nothing is written.
func conformLate(tb testing.TB, e Engine) {
	t := e.try(tb, EngineOptions{})
	leases := map[string]sharedLease{}
	for _, end := range ends {
		for _, call := range leaseCalls {
			leases[end.name+" "+call.name] = t.lockToEnd(end.name, end.name+" "+call.name)
		}
	}
	t.advance(10)
	for _, end := range ends {
		for _, call := range leaseCalls {
			key := end.name + " " + call.name
			end.end(t, key)
			if end.gone {
				t.is(call.name+", late after "+end.name, call.do(t.ctx, leases[key]), store.ErrLeaseLost)
				t.gone(call.name+", late after "+end.name, key)
				continue
			}
			before := t.look(key)
			t.is(call.name+", late after "+end.name, call.do(t.ctx, leases[key]), store.ErrLeaseLost)
			t.equal(call.name+", late after "+end.name, t.look(key).Value.N, 1)
			after := t.look(key).Metadata
			t.equal("Revision", after.Revision, before.Metadata.Revision)
			t.equal("Status", after.Status, before.Metadata.Status)
			t.truth("LockedUntil", after.LockedUntil.Equal(before.Metadata.LockedUntil))
		}
	}
}

// lockToEnd makes an entry with a lease on it that is over, or will be, in the
// way named.
func (t *trial) lockToEnd(end, key string) sharedLease {
	t.Helper()
	switch end[:3] {
	case "TTL":
		t.ok("SetWithTTL", t.a.SetWithTTL(t.ctx, key, Value{N: 1}, t.units(9)))
		return t.lock(key, 0)
	case "dea":
		t.set(key, 1)
		return t.lock(key, 9)
	}
	t.set(key, 1)
	return t.lock(key, 0)
}

// Fences rise over all leases on a key, whatever happens to its entry and through
// whichever client they are.
func conformFences(tb testing.TB, e Engine) {
	t := e.try(tb, EngineOptions{})
	latest := uint64(0)
	rises := func(what string, s sharedClient, d int) sharedLease {
		t.Helper()
		l, err := s.TryLock(t.ctx, "a", t.units(d))
		t.ok("TryLock", err)
		t.truth("the fence does not rise "+what, l.Fence() > latest)
		latest = l.Fence()
		return l
	}
	t.set("a", 1)
	for range 20 {
		t.ok("Unlock", rises("after Unlock", t.a, 0).Unlock(t.ctx))
		l := rises("through another client", t.b, 0)
		forceUnlock(t, "a")
		t.ok("Delete", t.b.Delete(t.ctx, "a"))
		t.set("a", 1)
		t.ok("Lease.Delete", rises("over Delete and Set", t.a, 0).Delete(t.ctx))
		t.set("a", 1)
		t.ok("Unlock", rises("over Lease.Delete and Set", t.b, 0).Unlock(t.ctx))
		t.is("a lease from before", l.Unlock(t.ctx), store.ErrLeaseLost)
	}
	t.ok("SetWithTTL", t.a.SetWithTTL(t.ctx, "a", Value{N: 1}, t.units(2)))
	rises("before its entry dies", t.a, 0)
	t.advance(3)
	t.set("a", 1)
	rises("over the end of an entry by TTL", t.b, 2)
	t.advance(3)
	rises("over the end of a lease by time", t.a, 0)
}

// Resume takes a lease up by its fence, through any client, while it lives.
func conformResume(tb testing.TB, e Engine) {
	t := e.try(tb, EngineOptions{})
	t.set("a", 1)
	l := t.lock("a", 9)
	again, err := t.b.Resume(t.ctx, "a", l.Fence())
	t.ok("Resume", err)
	t.equal("Fence", again.Fence(), l.Fence())
	t.equal("Key", again.Key(), "a")
	t.about("Deadline", again.Deadline(), l.Deadline())
	t.ok("Set through a resumed lease", again.Set(t.ctx, Value{N: 2}))
	value, err := l.Get(t.ctx)
	t.ok("Lease.Get", err)
	t.equal("what was set through the resumed lease", value.N, 2)
	for _, fence := range []uint64{0, l.Fence() + 1, l.Fence() - 1} {
		_, err = t.b.Resume(t.ctx, "a", fence)
		t.is("Resume with another fence", err, store.ErrLeaseLost)
	}
	t.ok("Extend of a resumed lease", again.Extend(t.ctx, t.units(19)))
	t.advance(11)
	t.ok("Lease.Set past the old deadline", l.Set(t.ctx, Value{N: 3}))
	t.advance(10)
	_, err = t.b.Resume(t.ctx, "a", l.Fence())
	t.is("Resume past the deadline", err, store.ErrLeaseLost)
	for _, late := range []sharedLease{l, again} {
		t.is("Lease.Set past the deadline", late.Set(t.ctx, Value{N: 4}), store.ErrLeaseLost)
	}
	l = t.lock("a", 0)
	again, err = t.b.Resume(t.ctx, "a", l.Fence())
	t.ok("Resume", err)
	t.ok("Unlock of a resumed lease", again.Unlock(t.ctx))
	t.is("Lease.Set after that", again.Set(t.ctx, Value{N: 4}), store.ErrLeaseLost)
	_, err = t.a.Resume(t.ctx, "a", l.Fence())
	t.is("Resume after Unlock", err, store.ErrLeaseLost)
	t.ok("Delete", t.a.Delete(t.ctx, "a"))
	_, err = t.a.Resume(t.ctx, "a", l.Fence())
	t.is("Resume after Delete", err, store.ErrNotFound)
}

func conformForceUnlock(tb testing.TB, e Engine) {
	t := e.try(tb, EngineOptions{})
	t.set("a", 1)
	unlocked, err := t.b.ForceUnlock(t.ctx, "a")
	t.ok("ForceUnlock", err)
	t.equal("ForceUnlock of an unlocked entry", unlocked, false)
	l := t.lock("a", 0)
	forceUnlock(t, "a")
	t.is("Lease.Set after ForceUnlock", l.Set(t.ctx, Value{N: 2}), store.ErrLeaseLost)
	t.ok("Set after ForceUnlock", t.b.Set(t.ctx, "a", Value{N: 3}))
	unlocked, err = t.a.ForceUnlock(t.ctx, "a")
	t.ok("ForceUnlock", err)
	t.equal("ForceUnlock twice", unlocked, false)
	t.is("Unlock after ForceUnlock", l.Unlock(t.ctx), store.ErrLeaseLost)
	t.holds("a late holder", "a", 3)
	t.lock("a", 2)
	t.advance(3)
	unlocked, err = t.a.ForceUnlock(t.ctx, "a")
	t.ok("ForceUnlock", err)
	t.equal("ForceUnlock past the deadline", unlocked, false)
}

// Extend moves the deadline both ways.
func conformExtend(tb testing.TB, e Engine) {
	t := e.try(tb, EngineOptions{MaxLease: 20 * e.Unit})
	for _, key := range []string{"longer", "shorter", "longest", "left"} {
		t.set(key, 1)
	}
	longer, shorter, longest, left := t.lock("longer", 6), t.lock("shorter", 0), t.lock("longest", 1), t.lock("left", 6)
	t.ok("Extend", longest.Extend(t.ctx, 0))
	before := longer.Deadline()
	t.advance(2)
	t.ok("Extend", longer.Extend(t.ctx, t.units(12)))
	t.ok("Extend", shorter.Extend(t.ctx, t.units(2)))
	t.about("Deadline", longer.Deadline(), before.Add(t.units(8)))
	t.advance(5)
	t.is("Set past the old deadline", t.b.Set(t.ctx, "longer", Value{N: 2}), store.ErrLocked)
	t.ok("Lease.Set past the old deadline", longer.Set(t.ctx, Value{N: 3}))
	t.ok("Lease.Set of a lease extended to MaxLease", longest.Set(t.ctx, Value{N: 3}))
	t.is("Lease.Set past a deadline that was moved forward", shorter.Set(t.ctx, Value{N: 2}), store.ErrLeaseLost)
	t.is("Extend past the deadline", left.Extend(t.ctx, 0), store.ErrLeaseLost)
	t.ok("Set past the deadline", t.b.Set(t.ctx, "left", Value{N: 4}))
	t.advance(8)
	t.ok("Set past the new deadline", t.b.Set(t.ctx, "longer", Value{N: 5}))
	t.is("Lease.Set past the new deadline", longer.Set(t.ctx, Value{N: 6}), store.ErrLeaseLost)
	t.holds("extended", "longer", 5)
}

// Unlock can be deferred: after the holder's own it does nothing.
func conformUnlock(tb testing.TB, e Engine) {
	t := e.try(tb, EngineOptions{})
	t.set("a", 1)
	l := t.lock("a", 0)
	t.ok("Unlock", l.Unlock(t.ctx))
	t.ok("Unlock twice", l.Unlock(t.ctx))
	next := t.lock("a", 0)
	t.ok("Unlock twice, while another holds a lease", l.Unlock(t.ctx))
	t.is("Set", t.b.Set(t.ctx, "a", Value{N: 2}), store.ErrLocked)
	for _, call := range leaseCalls {
		if call.name != "Lease.Unlock" {
			t.is(call.name+" after Unlock", call.do(t.ctx, l), store.ErrLeaseLost)
		}
	}
	t.ok("Lease.Set", next.Set(t.ctx, Value{N: 3}))
	t.ok("Unlock", next.Unlock(t.ctx))
	t.holds("unlocked", "a", 3)
	t.equal("Key after Unlock", l.Key(), "a")
	t.truth("Fence after Unlock", l.Fence() > 0 && l.Fence() < next.Fence())
	// A default lease ends too.
	short := e.try(tb, EngineOptions{MaxLease: 4 * e.Unit})
	short.set("a", 1)
	short.lock("a", 0)
	short.advance(5)
	short.ok("Set past MaxLease", short.b.Set(short.ctx, "a", Value{N: 2}))
}
