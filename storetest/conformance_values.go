package storetest

import (
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/latchkey-go/latchkey/store"
)

// What one client writes, all read at once.
func conformValues(tb testing.TB, e Engine) {
	t := e.try(tb, EngineOptions{})
	t.gone("before anything", "a")
	t.set("a", 1)
	t.holds("set", "a", 1)
	value, err := t.b.Get(t.ctx, "a")
	t.ok("Get", err)
	t.equal("Get", value, Value{N: 1})
	t.ok("Set", t.b.Set(t.ctx, "a", Value{2, "two"}))
	for _, s := range []sharedClient{t.a, t.b} {
		found, err := s.Entry(t.ctx, "a")
		t.ok("Entry", err)
		t.equal("Entry's key", found.Key, "a")
		t.equal("Entry's value", found.Value, Value{2, "two"})
	}
	t.ok("Set", t.a.Set(t.ctx, "zero", Value{}))
	value, err = t.b.Get(t.ctx, "zero")
	t.ok("Get of a zero value", err)
	t.equal("Get of a zero value", value, Value{})
	t.ok("Touch", t.a.Touch(t.ctx, "a"))
	t.length("two keys", 2)
	t.ok("Delete", t.b.Delete(t.ctx, "a"))
	t.gone("deleted", "a")
	t.length("one deleted", 1)
	t.ok("Delete of what is not there", t.a.Delete(t.ctx, "a"))
	t.set("a", 3)
	t.holds("set again", "a", 3)
}

// What was never there, was deleted or has died is missing in the same way.
func conformMissing(tb testing.TB, e Engine) {
	t := e.try(tb, EngineOptions{})
	const never, deleted, dead = "never ", "deleted ", "dead "
	for _, call := range keyCalls {
		t.set(deleted+call.name, 1)
		t.ok("Delete", t.a.Delete(t.ctx, deleted+call.name))
		t.ok("SetWithTTL", t.a.SetWithTTL(t.ctx, dead+call.name, Value{N: 1}, t.units(6)))
	}
	for _, call := range keyCalls { // a client that keeps what it reads has something to forget
		_, err := t.b.Get(t.ctx, dead+call.name)
		t.ok("Get", err)
	}
	t.advance(7)
	t.length("nothing live", 0)
	for _, call := range keyCalls {
		for _, how := range []string{never, deleted, dead} {
			err := call.do(t.ctx, t.b, how+call.name)
			t.is(call.name+" of what is not there: "+how, err, call.missing)
			_, err = t.a.Peek(t.ctx, how+call.name)
			if wrote := strings.HasPrefix(call.name, "Set") || call.name == "Update"; wrote {
				t.ok(call.name+" adds", err)
				t.equal("the revision of a new entry", t.look(how+call.name).Metadata.Revision, uint64(1))
			} else {
				t.is(call.name+" leaves nothing behind", err, store.ErrNotFound)
			}
		}
	}
	unlocked, err := t.a.ForceUnlock(t.ctx, "never")
	t.ok("ForceUnlock", err)
	t.equal("ForceUnlock of what is not there", unlocked, false)
}

func conformSetIfAbsent(tb testing.TB, e Engine) {
	t := e.try(tb, EngineOptions{})
	stored, err := t.a.SetIfAbsent(t.ctx, "a", Value{N: 1})
	t.ok("SetIfAbsent", err)
	t.equal("SetIfAbsent of a new key", stored, true)
	stored, err = t.b.SetIfAbsent(t.ctx, "a", Value{N: 2})
	t.ok("SetIfAbsent", err)
	t.equal("SetIfAbsent of a key that is there", stored, false)
	t.holds("the first stays", "a", 1)
	t.equal("revision", t.look("a").Metadata.Revision, uint64(1))
	t.ok("Delete", t.a.Delete(t.ctx, "a"))
	stored, err = t.b.SetIfAbsent(t.ctx, "a", Value{N: 3})
	t.ok("SetIfAbsent", err)
	t.equal("SetIfAbsent of a deleted key", stored, true)
	t.holds("set again", "a", 3)
}

func conformCompareAndSet(tb testing.TB, e Engine) {
	t := e.try(tb, EngineOptions{})
	t.is("CompareAndSet of no entry", t.a.CompareAndSet(t.ctx, "a", 1, Value{N: 1}), store.ErrConflict)
	t.gone("refused", "a")
	t.ok("CompareAndSet at 0", t.a.CompareAndSet(t.ctx, "a", 0, Value{N: 1}))
	t.is("CompareAndSet at 0 of an entry", t.b.CompareAndSet(t.ctx, "a", 0, Value{N: 2}), store.ErrConflict)
	t.ok("CompareAndSet at 1", t.b.CompareAndSet(t.ctx, "a", 1, Value{N: 2}))
	for _, s := range []sharedClient{t.a, t.b} {
		t.is("CompareAndSet at 1 again", s.CompareAndSet(t.ctx, "a", 1, Value{N: 3}), store.ErrConflict)
		t.is("CompareAndSet ahead", s.CompareAndSet(t.ctx, "a", 3, Value{N: 3}), store.ErrConflict)
	}
	t.holds("refused", "a", 2)
	found, err := t.a.Entry(t.ctx, "a")
	t.ok("Entry", err)
	t.equal("revision", found.Metadata.Revision, uint64(2))
	l := t.lock("a", 0)
	t.ok("Lease.Set", l.Set(t.ctx, Value{N: 4}))
	t.is("CompareAndSet of a locked entry", t.a.CompareAndSet(t.ctx, "a", 3, Value{N: 5}), store.ErrLocked)
	t.ok("Unlock", l.Unlock(t.ctx))
	t.is("CompareAndSet at the revision before the lease", t.b.CompareAndSet(t.ctx, "a", 2, Value{N: 5}), store.ErrConflict)
	t.ok("CompareAndSet at 3", t.b.CompareAndSet(t.ctx, "a", 3, Value{N: 5}))
	t.holds("swapped", "a", 5)
}

func conformUpdate(tb testing.TB, e Engine) {
	t := e.try(tb, EngineOptions{})
	add := func(n int, wantFound bool) func(Value, bool) (Value, error) {
		return func(old Value, found bool) (Value, error) {
			t.equal("Update: found", found, wantFound)
			return Value{N: old.N + n}, nil
		}
	}
	value, err := t.a.Update(t.ctx, "a", add(5, false))
	t.ok("Update of no entry", err)
	t.equal("Update", value.N, 5)
	value, err = t.b.Update(t.ctx, "a", add(2, true))
	t.ok("Update", err)
	t.equal("Update", value.N, 7)
	t.holds("updated", "a", 7)
	t.equal("revision", t.look("a").Metadata.Revision, uint64(2))

	refuses := errors.New("no")
	_, err = t.a.Update(t.ctx, "a", func(Value, bool) (Value, error) { return Value{N: 1}, refuses })
	t.is("Update with an f that fails", err, refuses)
	t.holds("f has failed", "a", 7)
	t.equal("revision", t.look("a").Metadata.Revision, uint64(2))
	conformUpdatePanics(t)
	conformUpdateRuns(t)
}

// A panic of f is the caller's, or an error; nothing is changed and nothing stays
// locked.
func conformUpdatePanics(t *trial) {
	t.Helper()
	err := errors.New("panic")
	func() {
		defer func() { _ = recover() }()
		_, err = t.a.Update(t.ctx, "a", func(Value, bool) (Value, error) { panic("f") })
	}()
	t.truth("Update with an f that panics: no error and no panic", err != nil)
	t.holds("f has panicked", "a", 7)
	t.ok("Set", t.b.Set(t.ctx, "a", Value{N: 7}))
}

// Who writes while f runs is not overwritten.
func conformUpdateRuns(t *trial) {
	t.Helper()
	runs := 0
	value, err := t.a.Update(t.ctx, "a", func(old Value, _ bool) (Value, error) {
		runs++
		if runs == 1 {
			t.ok("Set from within f", t.b.Set(t.ctx, "a", Value{N: 100}))
		}
		return Value{N: old.N + 1}, nil
	})
	t.ok("Update", err)
	t.equal("Update while somebody else writes", value.N, 101)
	t.equal("runs of f", runs, 2)
	t.holds("updated", "a", 101)
	// The entry is another one by then, at the same revision.
	t.set("b", 1)
	runs = 0
	_, err = t.a.Update(t.ctx, "b", func(old Value, _ bool) (Value, error) {
		runs++
		if runs == 1 {
			t.ok("Delete from within f", t.b.Delete(t.ctx, "b"))
			t.ok("Set from within f", t.b.Set(t.ctx, "b", Value{N: 50}))
		}
		return Value{N: old.N + 1}, nil
	})
	t.ok("Update", err)
	t.holds("updated while the entry was replaced by another at the same revision", "b", 51)
}

// What makes no sense is refused by an error of its own and changes nothing.
func conformBadDurations(tb testing.TB, e Engine) {
	t := e.try(tb, EngineOptions{MaxLease: 20 * e.Unit})
	t.set("a", 1)
	for _, ttl := range []time.Duration{0, -1, -time.Hour, store.MaxDuration + 1} {
		t.refused("SetWithTTL", t.a.SetWithTTL(t.ctx, "a", Value{N: 2}, ttl))
		t.refused("SetWithTTL of a new key", t.a.SetWithTTL(t.ctx, "b", Value{N: 2}, ttl))
	}
	t.ok("SetWithTTL", t.a.SetWithTTL(t.ctx, "longest", Value{N: 1}, store.MaxDuration))
	for _, d := range []time.Duration{-1, -time.Hour, t.units(20) + 1, store.NoExpiry} {
		_, err := t.a.TryLock(t.ctx, "a", d)
		t.refused("TryLock", err)
		_, err = t.b.Lock(t.ctx, "a", d)
		t.refused("Lock", err)
	}
	t.holds("refused", "a", 1)
	t.gone("refused", "b")
	l := t.lock("a", 20)
	until := l.Deadline()
	for _, d := range []time.Duration{-1, t.units(20) + 1} {
		t.refused("Extend", l.Extend(t.ctx, d))
	}
	t.truth("a refused Extend leaves the deadline", l.Deadline().Equal(until))
	t.ok("Unlock", l.Unlock(t.ctx))
}

// refused demands an error that is none of those that tell of an entry.
func (t *trial) refused(what string, err error) {
	t.Helper()
	t.truth(what+" with a duration that makes no sense: no error", err != nil)
	for _, sentinel := range sentinels {
		t.truth(what+" with a duration that makes no sense: "+err.Error(), !errors.Is(err, sentinel))
	}
}

var sentinels = []error{
	store.ErrNotFound, store.ErrLocked, store.ErrLeaseLost, store.ErrConflict,
	store.ErrFull, store.ErrReadOnly, store.ErrClosed, store.ErrInvalidKey,
}

// oddKeys have what separates, marks or ends keys somewhere.
var oddKeys = []string{
	"", " ", "  ", "a", "A", " a", "a ", "a\x00", "\x00", "\n", "a\r\nb", "\t", "'", `"`, `\`, `a"b\c`,
	"{", "}", "{}", "{a}", "{a}b", "{b}a", "{{a}}", "}a{", "*", "?", "[a]", "a*", "a:b", "a:", ":a", "/", "../a", "%00", "$1",
	"é", "e\u0301", "\u202e", "日本", "😀", "0", "00", "1e3", "null", "<a&b>",
	strings.Repeat("k", 10_000), strings.Repeat("k", 10_001), strings.Repeat("{", 5000),
	"\xff", "\xfe", "a\xff", "\xff\xfe\x00{\x80}", "\xed\xa0\x80",
}

// No key is taken for another, or for a pattern. One that is not UTF-8 may be
// refused as invalid, if a codec of the engine can't keep it.
func conformKeys(tb testing.TB, e Engine) {
	t := e.try(tb, EngineOptions{})
	want := map[string]int{}
	for i, key := range oddKeys {
		err := t.a.Set(t.ctx, key, Value{N: i})
		if errors.Is(err, store.ErrInvalidKey) && !utf8.ValidString(key) {
			_, err = t.a.Get(t.ctx, key)
			t.truth("Get of a key that was refused finds something", err != nil)
			continue
		}
		t.ok("Set of an odd key", err)
		want[key] = i
	}
	t.length("odd keys", len(want))
	for found, err := range t.b.All(t.ctx) {
		t.ok("All", err)
		n, ok := want[found.Key]
		t.truth("All yields a key that was not set", ok)
		t.equal("what All yields for an odd key", found.Value.N, n)
	}
	for key, n := range want {
		t.holds("an odd key", key, n)
		l := t.lock(key, 0)
		t.equal("the key of a lease", l.Key(), key)
		t.equal("Status", t.look(key).Metadata.Status, store.Locked)
		t.ok("Lease.Delete", l.Delete(t.ctx))
		t.gone("deleted", key)
		delete(want, key)
		n, err := t.b.Len(t.ctx)
		t.ok("Len", err)
		t.equal("Len", n, len(want))
	}
}

func conformLargeValues(tb testing.TB, e Engine) {
	t := e.try(tb, EngineOptions{})
	const large = 1 << 20
	text := strings.Repeat("0123456789abcde\n", large/16)
	t.ok("Set of a large value", t.a.Set(t.ctx, "a", Value{1, text}))
	value, err := t.b.Get(t.ctx, "a")
	t.ok("Get of a large value", err)
	t.truth("a large value comes back as another", value == Value{1, text})
	value, err = t.b.Update(t.ctx, "a", func(old Value, _ bool) (Value, error) { return Value{2, old.Text[1:]}, nil })
	t.ok("Update of a large value", err)
	t.truth("Update of a large value", value == Value{2, text[1:]})
	l := t.lock("a", 0)
	t.ok("Lease.Set of a large value", l.Set(t.ctx, Value{3, text}))
	value, err = l.Get(t.ctx)
	t.ok("Lease.Get of a large value", err)
	t.truth("Lease.Get of a large value", value == Value{3, text})
	t.equal("what All yields", t.look("a").Value == Value{3, text}, true)
	t.ok("Unlock", l.Unlock(t.ctx))
	t.set("a", 4)
	t.holds("small again", "a", 4)
}
