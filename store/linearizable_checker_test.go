package store_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/store"
	"github.com/latchkey-go/latchkey/storetest"
)

// step is a call in a made-up history, and what came of it.
type step struct {
	in  call
	out result
}

func took(op *operation, in call, out result) step {
	in.op = op
	return step{in, out}
}

// sequence is a history in which each step ends before the next begins.
func sequence(steps ...step) (history []porcupine.Operation) {
	for i, s := range steps {
		history = append(history, porcupine.Operation{Input: s.in, Output: s.out, Call: int64(2 * i), Return: int64(2*i + 1)})
	}
	return history
}

// together is a history in which the last two steps of a sequence overlap.
func together(steps ...step) []porcupine.Operation {
	history := sequence(steps...)
	last := &history[len(history)-1]
	last.Call = history[len(history)-2].Call
	return history
}

// The checker of TestLinearizable sees what it is there to see. Each wrong
// history is one step away from a right one.
func TestCheckerRefusesWrongHistories(t *testing.T) {
	var ok result
	var (
		set1    = took(opSet, call{value: 1}, ok)
		set2    = took(opSet, call{value: 2}, ok)
		brief1  = took(opSetWithTTL, call{value: 1, ttl: 1}, ok)
		advance = took(opAdvance, call{}, ok)
		lock1   = took(opTryLock, call{d: 1}, result{fence: 1, until: 1})
		unlock1 = took(opUnlock, call{fence: 1}, ok)
	)
	get := func(value int) step { return took(opGet, call{}, result{value: value}) }
	getFails := func(err error) step { return took(opGet, call{}, told(err)) }
	swap := func(revision uint64, err error) step {
		return took(opCompareAndSet, call{revision: revision, value: 3}, told(err))
	}
	update := func(saw int) step { return took(opUpdate, call{value: 10 + saw}, result{value: saw, found: true}) }
	late := func(op *operation, err error) step { return took(op, call{fence: 1, value: 3}, told(err)) }
	lock := func(fence uint64, until int) step {
		return took(opTryLock, call{d: 1}, result{fence: fence, until: until})
	}
	lockFails := func(err error) step { return took(opTryLock, call{d: 1}, told(err)) }

	for _, c := range []struct {
		name         string
		right, wrong []porcupine.Operation
	}{
		{"a stale read", sequence(set1, set2, get(2)), sequence(set1, set2, get(1))},
		{"a read of what was never written", sequence(set1, get(1)), sequence(set1, get(3))},
		{"a read beside a write", together(set1, set2, get(1)), together(set1, set2, get(3))},
		{"a read of an entry past its TTL", sequence(brief1, advance, getFails(store.ErrNotFound)), sequence(brief1, advance, get(1))},
		{"a read of an idle entry", sequence(set1, advance, advance, advance, getFails(store.ErrNotFound)), sequence(set1, advance, advance, advance, get(1))},
		{"an entry that dies too early", sequence(set1, advance, advance, get(1)), sequence(set1, advance, advance, getFails(store.ErrNotFound))},
		{"two holders at once", sequence(set1, lock1, lockFails(store.ErrLocked)), sequence(set1, lock1, lock(2, 1))},
		{"a fence that comes twice", sequence(set1, lock1, unlock1, lock(2, 1)), sequence(set1, lock1, unlock1, lock(1, 1))},
		{"a lease of the wrong length", sequence(set1, advance, lock(1, 2)), sequence(set1, advance, lock(1, 1))},
		{"a late holder's write", sequence(set1, lock1, advance, late(opLeaseSet, store.ErrLeaseLost)), sequence(set1, lock1, advance, late(opLeaseSet, nil))},
		{"a late holder's delete", sequence(set1, lock1, advance, late(opLeaseDelete, store.ErrLeaseLost)), sequence(set1, lock1, advance, late(opLeaseDelete, nil))},
		{"a late holder's extension", sequence(set1, lock1, advance, late(opExtend, store.ErrLeaseLost)), sequence(set1, lock1, advance, late(opExtend, nil))},
		{"a lease lost before its time", sequence(set1, lock1, late(opLeaseSet, nil)), sequence(set1, lock1, late(opLeaseSet, store.ErrLeaseLost))},
		{"a write past a lock", sequence(set1, lock1, took(opSet, call{value: 2}, told(store.ErrLocked))), sequence(set1, lock1, set2)},
		{"a lock that outlives its lease", sequence(set1, lock1, advance, get(1)), sequence(set1, lock1, advance, getFails(store.ErrLocked))},
		{"two swaps of one revision", sequence(set1, swap(1, nil), swap(1, store.ErrConflict)), sequence(set1, swap(1, nil), swap(1, nil))},
		{"a lost update", together(set1, update(1), update(11)), together(set1, update(1), update(1))},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.True(t, porcupine.CheckOperations(linearizable, c.right), "the right one")
			require.False(t, porcupine.CheckOperations(linearizable, c.wrong), "the wrong one")
		})
	}
}

// gatedClock holds up who reads it first once it is closed.
type gatedClock struct {
	*storetest.Clock
	closed        atomic.Bool
	reached, open chan struct{}
}

func (c *gatedClock) Now() time.Time {
	now := c.Clock.Now()
	if c.closed.CompareAndSwap(true, false) {
		close(c.reached)
		<-c.open
	}
	return now
}

// A write that is on its way since earlier, and comes after a miss, is not back
// in the time before it.
func TestMissMovesTime(t *testing.T) {
	clock := &gatedClock{Clock: storetest.NewClock(t), reached: make(chan struct{}), open: make(chan struct{})}
	s := open(t, store.Options[string, int]{TTL: 2 * time.Second, Clock: clock})
	clock.closed.Store(true)
	done := make(chan error)
	go func() { done <- s.Set("a", 1) }()
	<-clock.reached // it knows the time, and no more
	clock.Advance(time.Second)
	_, err := s.Get("a")
	require.Equal(t, store.ErrNotFound, err, "a second later there is nothing")
	close(clock.open)
	require.NoError(t, <-done)
	clock.Advance(time.Second)
	require.Equal(t, []string{"a"}, has(s, "a"), "so it was written then, to live for two seconds")
}
