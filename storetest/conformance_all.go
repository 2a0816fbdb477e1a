package storetest

import (
	"fmt"
	"testing"

	"github.com/latchkey-go/latchkey/store"
)

// All yields what is live, locked or not, once each.
func conformAll(tb testing.TB, e Engine) {
	t := e.try(tb, EngineOptions{})
	t.length("nothing", 0)
	const many = 300
	for i := range many {
		t.set(fmt.Sprint("key-", i), i)
	}
	t.ok("SetWithTTL", t.a.SetWithTTL(t.ctx, "dead", Value{N: 1}, t.units(2)))
	l := t.lock("key-7", 0)
	t.advance(3)
	seen := map[string]bool{}
	for found, err := range t.b.All(t.ctx) {
		t.ok("All", err)
		t.truth("All yields a key twice", !seen[found.Key])
		seen[found.Key] = true
		t.equal("All: key of the value", found.Key, fmt.Sprint("key-", found.Value.N))
		t.equal("All: Revision", found.Metadata.Revision, uint64(1))
		t.equal("All: Accesses, as it leaves no trace", found.Metadata.Accesses, uint64(0))
		status := store.Active
		if found.Key == l.Key() {
			status = store.Locked
		}
		t.equal("All: Status", found.Metadata.Status, status)
	}
	t.equal("keys that All yields", len(seen), many)
	t.length("all of them", many)
	n := 0
	for _, err := range t.a.All(t.ctx) {
		t.ok("All", err)
		if n++; n == 3 {
			break
		}
	}
	t.equal("a loop over All that breaks", n, 3)
}

// The loop may write, and what is there all the while comes exactly once.
func conformAllWhileWriting(tb testing.TB, e Engine) {
	t := e.try(tb, EngineOptions{})
	const many = 200
	for i := range many {
		t.set(fmt.Sprint("old-", i), i)
		t.set(fmt.Sprint("gone-", i), i)
	}
	seen := map[string]int{}
	n := 0
	for found, err := range t.a.All(t.ctx) {
		t.ok("All", err)
		seen[found.Key]++
		if n < many {
			t.set(fmt.Sprint("new-", n), n)
			t.set(fmt.Sprint("old-", n), n)
			t.ok("Delete", t.b.Delete(t.ctx, fmt.Sprint("gone-", n)))
		}
		n++
	}
	for i := range many {
		t.equal("how often All yields what is there all the while", seen[fmt.Sprint("old-", i)], 1)
		t.truth("All yields twice what is deleted meanwhile", seen[fmt.Sprint("gone-", i)] <= 1)
	}
	for i := range min(n, many) {
		t.holds("set within the loop", fmt.Sprint("new-", i), i)
	}
}
