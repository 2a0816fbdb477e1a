package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/latchkey-go/latchkey/store"
)

// Done is closed when the lease is over, and not before.
func conformDone(tb testing.TB, e Engine) {
	t := e.try(tb, EngineOptions{})
	for _, key := range []string{"Unlock", "Delete", "ForceUnlock", "deadline", "extended"} {
		t.set(key, 1)
	}
	open := func(what string, l sharedLease) {
		t.Helper()
		select {
		case <-l.Done():
			t.Fatal("Done is closed " + what)
		default:
		}
	}
	unlock, del, force := t.lock("Unlock", 0), t.lock("Delete", 0), t.lock("ForceUnlock", 0)
	lapse, extended := t.lock("deadline", 6), t.lock("extended", 6)
	done := lapse.Done() // before it ends; of the others after
	for _, l := range []sharedLease{unlock, del, force, lapse, extended} {
		open("before the end", l)
	}
	t.ok("Extend", extended.Extend(t.ctx, t.units(30)))
	t.ok("Unlock", unlock.Unlock(t.ctx))
	soon(t, "Done after Unlock", unlock.Done())
	t.ok("Delete", del.Delete(t.ctx))
	soon(t, "Done after Delete", del.Done())
	forceUnlock(t, "ForceUnlock")
	_, err := force.Get(t.ctx)
	t.is("Get after ForceUnlock", err, store.ErrLeaseLost)
	soon(t, "Done after a call was ErrLeaseLost", force.Done())
	t.advance(7)
	soon(t, "Done past the deadline", done)
	open("past a deadline that was moved", extended)
	t.advance(25)
	soon(t, "Done past the deadline that was moved", extended.Done())
}

// Lock waits until the lease of somebody else ends, in whatever way.
func conformLockWaits(tb testing.TB, e Engine) {
	t := e.try(tb, EngineOptions{})
	for _, end := range []struct {
		name string
		end  func(l sharedLease)
	}{
		{"Unlock", func(l sharedLease) { t.ok("Unlock", l.Unlock(t.ctx)) }},
		{"ForceUnlock", func(sharedLease) { forceUnlock(t, "a") }},
		{"deadline", func(sharedLease) { t.advance(10) }},
	} {
		t.set("a", 1)
		l := t.lock("a", 10)
		first := t.startLock(t.ctx, t.a, "a", t.units(100))
		second := t.startLock(t.ctx, t.b, "a", t.units(100))
		short, cancel := context.WithTimeout(t.ctx, time.Millisecond)
		_, err := t.b.Lock(short, "a", 0)
		cancel()
		t.is("Lock while somebody else holds the lease", err, context.DeadlineExceeded)
		t.advance(1)
		t.ok("the holder, while others wait", l.Set(t.ctx, Value{N: 1}))
		end.end(l)
		next := second
		var winner locking
		select {
		case winner = <-first:
		case winner = <-second:
			next = first
		case <-time.After(patience):
			t.Fatal("nobody gets the lock after " + end.name)
		}
		t.ok("Lock", winner.err)
		t.truth("the fence of one who has waited", winner.lease.Fence() > l.Fence())
		t.is("the one before", l.Set(t.ctx, Value{N: 7}), store.ErrLeaseLost)
		t.ok("Lease.Set", winner.lease.Set(t.ctx, Value{N: 2}))
		t.about("the lease runs from when it is granted", winner.lease.Deadline(), t.look("a").Metadata.Updated.Add(t.units(100)))
		select {
		case <-next:
			t.Fatal("two hold the lock after " + end.name)
		default:
		}
		t.ok("Unlock", winner.lease.Unlock(t.ctx))
		last := soon(t, "Lock after two have waited", next)
		t.ok("Lock", last.err)
		t.truth("the fence of the last", last.lease.Fence() > winner.lease.Fence())
		t.holds("waited for", "a", 2)
		t.ok("Delete", last.lease.Delete(t.ctx))
	}
}

// One whose context ends waits no longer, and leaves no lease behind.
func conformLockEnds(tb testing.TB, e Engine) {
	t := e.try(tb, EngineOptions{})
	t.set("a", 1)
	l := t.lock("a", 0)
	canceled, cancel := context.WithCancel(t.ctx)
	short, cancelShort := context.WithTimeout(t.ctx, time.Millisecond)
	defer cancelShort()
	waiting := t.startLock(canceled, t.b, "a", 0)
	late := t.startLock(short, t.b, "a", 0)
	stays := t.startLock(t.ctx, t.b, "a", t.units(10))
	t.advance(1)
	cancel()
	t.is("Lock when its context is canceled", soon(t, "Lock when its context is canceled", waiting).err, context.Canceled)
	t.is("Lock past its context's deadline", soon(t, "Lock past its context's deadline", late).err, context.DeadlineExceeded)
	t.ok("the holder", l.Set(t.ctx, Value{N: 2}))
	t.ok("Unlock", l.Unlock(t.ctx))
	got := soon(t, "Lock of one who still waits", stays)
	t.ok("Lock", got.err)
	t.ok("Unlock", got.lease.Unlock(t.ctx))
	t.ok("Set after all that", t.a.Set(t.ctx, "a", Value{N: 3}))
}

// Who waits for an entry that is removed is told that there is none.
func conformLockRemoved(tb testing.TB, e Engine) {
	t := e.try(tb, EngineOptions{})
	t.set("deleted", 1)
	t.ok("SetWithTTL", t.a.SetWithTTL(t.ctx, "dead", Value{N: 1}, t.units(6)))
	l := t.lock("deleted", 0)
	t.lock("dead", 0)
	var deleted, dead []<-chan locking
	for _, s := range []sharedClient{t.a, t.b, t.b} {
		deleted = append(deleted, t.startLock(t.ctx, s, "deleted", 0))
		dead = append(dead, t.startLock(t.ctx, s, "dead", 0))
	}
	t.advance(1)
	t.ok("Lease.Delete", l.Delete(t.ctx))
	for _, c := range deleted {
		t.is("Lock of what was deleted", soon(t, "Lock of what was deleted", c).err, store.ErrNotFound)
	}
	t.advance(6)
	for _, c := range dead {
		t.is("Lock of what has died", soon(t, "Lock of what has died", c).err, store.ErrNotFound)
	}
	t.length("removed", 0)
}

// allCalls are those for no key in particular.
func allCalls(s sharedClient) map[string]func(ctx context.Context) error {
	return map[string]func(ctx context.Context) error{
		"Len": func(ctx context.Context) error { _, err := s.Len(ctx); return err },
		"All": func(ctx context.Context) error {
			var last error
			for _, err := range s.All(ctx) {
				last = err
			}
			return last
		},
	}
}

// A call whose context has ended does nothing.
func conformContext(tb testing.TB, e Engine) {
	t := e.try(tb, EngineOptions{})
	t.set("a", 1)
	t.set("locked", 1)
	l := t.lock("locked", 0)
	until := l.Deadline()
	canceled, cancel := context.WithCancel(t.ctx)
	cancel()
	past, cancel := context.WithTimeout(t.ctx, -time.Second)
	defer cancel()
	for ctx, want := range map[context.Context]error{canceled: context.Canceled, past: context.DeadlineExceeded} {
		for _, call := range keyCalls {
			for _, key := range []string{"a", "locked", "missing"} {
				t.is(call.name+" when its context has ended", call.do(ctx, t.b, key), want)
			}
		}
		for _, call := range leaseCalls {
			t.is(call.name+" when its context has ended", call.do(ctx, l), want)
		}
		for name, call := range allCalls(t.b) {
			t.is(name+" when its context has ended", call(ctx), want)
		}
	}
	t.length("nothing was done", 2)
	t.equal("Revision", t.look("a").Metadata.Revision, uint64(1))
	t.truth("Deadline", l.Deadline().Equal(until))
	t.ok("Lease.Set", l.Set(t.ctx, Value{N: 2}))
	t.ok("Unlock", l.Unlock(t.ctx))
}

// A client that is closed says so, to those who wait too.
func conformClose(tb testing.TB, e Engine) {
	t := e.try(tb, EngineOptions{})
	t.set("a", 1)
	l := t.lock("a", 0)
	done := l.Done()
	waiting := t.startLock(t.ctx, t.a, "a", 0)
	t.advance(1)
	err := t.a.Close()
	t.ok("Close", err)
	t.is("Close again", t.a.Close(), err)
	t.is("Lock when its client is closed", soon(t, "Lock when its client is closed", waiting).err, store.ErrClosed)
	soon(t, "Done when the client is closed", done)
	for _, call := range keyCalls {
		t.is(call.name+" after Close", call.do(t.ctx, t.a, "a"), store.ErrClosed)
	}
	for _, call := range leaseCalls {
		t.is(call.name+" after Close", call.do(t.ctx, l), store.ErrClosed)
	}
	for name, call := range allCalls(t.a) {
		t.is(name+" after Close", call(t.ctx), store.ErrClosed)
	}
	t.equal("Key after Close", l.Key(), "a")
	if t.a != t.b {
		_, err := t.b.Peek(t.ctx, "a")
		t.ok("Peek through another client", err)
	}
}
