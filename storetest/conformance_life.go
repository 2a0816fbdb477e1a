package storetest

import (
	"testing"
	"time"

	"github.com/latchkey-go/latchkey/store"
)

// An entry's TTL runs from its last write, whatever that is.
func conformTTL(tb testing.TB, e Engine) {
	t := e.try(tb, EngineOptions{TTL: 9 * e.Unit})
	writes := map[string]func(key string) error{
		"Set":           func(key string) error { return t.b.Set(t.ctx, key, Value{N: 2}) },
		"CompareAndSet": func(key string) error { return t.b.CompareAndSet(t.ctx, key, 1, Value{N: 2}) },
		"Update": func(key string) error {
			_, err := t.b.Update(t.ctx, key, func(Value, bool) (Value, error) { return Value{N: 2}, nil })
			return err
		},
		"Lease.Set": func(key string) error {
			l := t.lock(key, 0)
			if err := l.Set(t.ctx, Value{N: 2}); err != nil {
				return err
			}
			return l.Unlock(t.ctx)
		},
	}
	reads := map[string]func(key string) error{
		"nothing": func(string) error { return nil },
		"Get":     func(key string) error { _, err := t.b.Get(t.ctx, key); return err },
		"Touch":   func(key string) error { return t.b.Touch(t.ctx, key) },
		"Lock":    func(key string) error { return t.lock(key, 0).Unlock(t.ctx) },
		"Extend":  func(key string) error { return t.lock(key, 1).Extend(t.ctx, 0) },
	}
	for _, calls := range []map[string]func(string) error{writes, reads} {
		for name := range calls {
			t.set(name, 1)
		}
	}
	t.advance(6)
	for _, calls := range []map[string]func(string) error{writes, reads} {
		for name, call := range calls {
			t.ok(name, call(name))
		}
	}
	t.advance(4)
	for name := range reads {
		t.gone("past the TTL, with a "+name+" in between", name)
	}
	for name := range writes {
		t.holds("written again by "+name, name, 2)
	}
	t.length("what was written", len(writes))
	t.advance(6)
	t.length("past the TTL", 0)
	for name := range writes {
		t.gone("past the TTL since "+name, name)
	}
}

// SetWithTTL gives an entry a TTL of its own, which stays until Set.
func conformOwnTTL(tb testing.TB, e Engine) {
	t := e.try(tb, EngineOptions{TTL: 4 * e.Unit})
	own := func(key string, ttl time.Duration) {
		t.Helper()
		t.ok("SetWithTTL", t.a.SetWithTTL(t.ctx, key, Value{N: 1}, ttl))
	}
	for _, key := range []string{"left", "Update", "CompareAndSet", "Lease.Set", "Set", "shorter"} {
		own(key, t.units(12))
	}
	own("for ever", store.NoExpiry)
	t.truth("an entry without deadline expires at no time", t.look("for ever").Metadata.Expires.IsZero())
	t.set("the client's", 1)
	t.advance(6)
	t.gone("past the client's TTL", "the client's")
	t.holds("before its own TTL", "left", 1)
	t.ok("Set", t.a.Set(t.ctx, "Set", Value{N: 2}))
	t.ok("CompareAndSet", t.a.CompareAndSet(t.ctx, "CompareAndSet", 1, Value{N: 2}))
	_, err := t.a.Update(t.ctx, "Update", func(Value, bool) (Value, error) { return Value{N: 2}, nil })
	t.ok("Update", err)
	l := t.lock("Lease.Set", 0)
	t.ok("Lease.Set", l.Set(t.ctx, Value{N: 2}))
	another := t.lock("left", 0)
	for _, ttl := range []time.Duration{0, -1, store.MaxDuration + 1} {
		t.refused("Lease.SetWithTTL", another.SetWithTTL(t.ctx, Value{N: 2}, ttl))
	}
	own("another", t.units(2))
	another = t.lock("another", 0)
	t.ok("Lease.SetWithTTL", another.SetWithTTL(t.ctx, Value{N: 2}, t.units(12)))
	t.ok("Lease.Set", another.Set(t.ctx, Value{N: 3}))
	own("shorter", t.units(2))
	t.advance(7)
	t.gone("past its own TTL", "left")
	t.gone("set anew, past the client's TTL", "Set")
	t.gone("past a shorter TTL", "shorter")
	for _, key := range []string{"Update", "CompareAndSet", "Lease.Set"} {
		t.holds("its own TTL, anew", key, 2)
	}
	t.holds("another TTL by the holder, anew", "another", 3)
	t.holds("for ever", "for ever", 1)
	t.advance(6)
	t.length("but for the one without deadline", 1)
	t.is("a lease on an entry past its TTL", l.Set(t.ctx, Value{N: 3}), store.ErrLeaseLost)
	t.set("for ever", 4)
	t.truth("Set goes back to the client's TTL", !t.look("for ever").Metadata.Expires.IsZero())
}

// An entry idles out unless something is an access.
func conformIdleTimeout(tb testing.TB, e Engine) {
	t := e.try(tb, EngineOptions{IdleTimeout: 12 * e.Unit})
	none := map[string]bool{"Peek": true, "Resume": true, "ForceUnlock": true, "nothing": true}
	calls := map[string]func(key string) error{
		"nothing":   func(string) error { return nil },
		"Lease.Get": func(key string) error { _, err := t.lock(key, 1).Get(t.ctx); return err },
		"Unlock":    func(key string) error { return t.lock(key, 0).Unlock(t.ctx) },
		"lapse":     func(key string) error { _, err := t.b.TryLock(t.ctx, key, t.units(1)); return err },
		"CompareAndSet": func(key string) error {
			return t.b.CompareAndSet(t.ctx, key, 1, Value{N: 2})
		},
	}
	for _, call := range keyCalls {
		switch call.name {
		case "SetIfAbsent", "CompareAndSet", "Delete", "TryLock", "Lock": // none, or above
		default:
			calls[call.name] = func(key string) error {
				if err := call.do(t.ctx, t.b, key); err != store.ErrLeaseLost {
					return err
				}
				return nil // Resume
			}
		}
	}
	for name := range calls {
		t.set(name, 1)
	}
	t.advance(7)
	for name, call := range calls {
		t.ok(name, call(name))
	}
	t.length("all are live", len(calls))
	t.advance(7)
	for name := range calls {
		if none[name] {
			t.gone("idle, as this is no access: "+name, name)
		} else {
			_, err := t.b.Peek(t.ctx, name)
			t.ok("not idle, as this is an access: "+name, err)
		}
	}
	t.advance(8)
	t.length("all have idled out", 0)
}

// An entry does not idle out while it is locked. Its TTL ends it all the same.
func conformIdleWhileLocked(tb testing.TB, e Engine) {
	t := e.try(tb, EngineOptions{IdleTimeout: 8 * e.Unit})
	t.set("unlocked", 1)
	t.set("lapsed", 1)
	t.set("forced", 1)
	t.ok("SetWithTTL", t.a.SetWithTTL(t.ctx, "TTL", Value{N: 1}, t.units(14)))
	unlocked, ttl := t.lock("unlocked", 0), t.lock("TTL", 0)
	t.lock("lapsed", 12)
	t.lock("forced", 0)
	t.advance(11)
	for _, key := range []string{"unlocked", "lapsed", "forced", "TTL"} {
		t.holds("locked for longer than the idle timeout", key, 1)
	}
	t.ok("Unlock", unlocked.Unlock(t.ctx))
	_, err := t.b.ForceUnlock(t.ctx, "forced")
	t.ok("ForceUnlock", err)
	t.advance(5)
	t.gone("locked, past its TTL", "TTL")
	t.is("its lease", ttl.Set(t.ctx, Value{N: 2}), store.ErrLeaseLost)
	for _, key := range []string{"unlocked", "lapsed", "forced"} {
		t.holds("the end of its lease was an access", key, 1)
	}
	t.advance(9)
	t.length("idle since their leases ended", 0)
}

// The metadata tell what has happened to an entry.
func conformMetadata(tb testing.TB, e Engine) {
	t := e.try(tb, EngineOptions{TTL: 40 * e.Unit})
	t.set("a", 1)
	first := t.look("a").Metadata
	t.equal("Weight, as nothing weighs it", first.Weight, uint32(1))
	t.equal("Revision", first.Revision, uint64(1))
	t.equal("Status", first.Status, store.Active)
	t.equal("Accesses", first.Accesses, uint64(0))
	t.equal("Fence", first.Fence, uint64(0))
	t.truth("LockedUntil", first.LockedUntil.IsZero())
	t.about("Updated", first.Updated, first.Created)
	t.about("Accessed", first.Accessed, first.Created)
	t.about("Expires", first.Expires, first.Created.Add(t.units(40)))

	t.advance(3)
	t.ok("Set", t.b.Set(t.ctx, "a", Value{N: 2}))
	second := t.look("a").Metadata
	t.equal("Revision", second.Revision, uint64(2))
	t.truth("Created survives overwriting", second.Created.Equal(first.Created))
	t.truth("Updated rises", second.Updated.Sub(first.Updated) > t.units(2))
	t.about("Expires", second.Expires, second.Updated.Add(t.units(40)))

	t.advance(3)
	found, err := t.b.Entry(t.ctx, "a")
	t.ok("Entry", err)
	_, err = t.a.Get(t.ctx, "a")
	t.ok("Get", err)
	t.ok("Touch", t.a.Touch(t.ctx, "a"))
	third := t.look("a").Metadata
	t.truth("Updated is not moved by a read", third.Updated.Equal(second.Updated))
	t.equal("Revision after reads", third.Revision, uint64(2))
	if !e.LateReads {
		t.equal("Accesses in what Entry returns", found.Metadata.Accesses, uint64(1))
		t.equal("Accesses after Entry and Get", third.Accesses, uint64(2))
		t.truth("Accessed rises", third.Accessed.Sub(second.Accessed) > t.units(2))
	}
	conformMetadataLocked(t, third)
}

func conformMetadataLocked(t *trial, before store.Metadata) {
	t.Helper()
	l := t.lock("a", 30)
	locked := t.look("a").Metadata
	t.equal("Status", locked.Status, store.Locked)
	t.equal("Fence", locked.Fence, l.Fence())
	t.about("LockedUntil", locked.LockedUntil, l.Deadline())
	t.about("LockedUntil", locked.LockedUntil, before.Updated.Add(t.units(33)))
	t.ok("Extend", l.Extend(t.ctx, t.units(10)))
	t.about("LockedUntil", t.look("a").Metadata.LockedUntil, l.Deadline())
	t.ok("Unlock", l.Unlock(t.ctx))
	unlocked := t.look("a").Metadata
	t.equal("Status", unlocked.Status, store.Active)
	t.equal("Fence", unlocked.Fence, l.Fence())
	t.truth("LockedUntil", unlocked.LockedUntil.IsZero())
	t.equal("Revision", unlocked.Revision, before.Revision)

	t.ok("Delete", t.a.Delete(t.ctx, "a"))
	t.set("a", 1)
	anew := t.look("a").Metadata
	t.equal("Revision of a new entry", anew.Revision, uint64(1))
	t.equal("Accesses of a new entry", anew.Accesses, uint64(0))
	t.truth("Created of a new entry", anew.Created.Sub(before.Created) > t.units(4))
}

// about demands that two times are the same but for a few calls in between.
func (t *trial) about(what string, got, want time.Time) {
	t.Helper()
	if d := got.Sub(want).Abs(); d > 2*t.engine.Unit {
		t.Fatalf("%s: got %v, which is %v off", what, got, d)
	}
}
