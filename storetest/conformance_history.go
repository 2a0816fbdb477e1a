package storetest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	// The one library that this package brings along. It is small and needs the
	// standard library alone, and whoever imports package store does not compile
	// it: this package is for tests. To have the suite where porcupine is another
	// package's would split it in two.
	"github.com/anishathalye/porcupine"
)

const (
	historyKeys   = 3
	historyPhases = 3
	phaseUnits    = 8 // how long leases, and TTLs that end, are in histories
	callsAPhase   = 10
)

// historian is one of those who use the engine at the same time.
type historian struct {
	s         sharedClient
	id        int
	phase     time.Duration // of a lease, and of a TTL that ends
	order     *atomic.Int64 // of the beginnings and the ends of calls
	random    *rand.Rand
	leases    [historyKeys]sharedLease // held, or lost
	revisions [historyKeys]uint64      // last seen
	calls     int
	history   []porcupine.Operation
}

func (c called) name() string { return fmt.Sprint("key-", c.key) }

// drop forgets a lease, which the client is about to give up.
func (c *historian) drop(key int) sharedLease {
	l := c.leases[key]
	c.leases[key] = nil
	return l
}

// choose decides what the client does next.
func (c *historian) choose() called {
	c.calls++
	in := called{
		op:    mixture[c.random.IntN(len(mixture))],
		key:   c.random.IntN(historyKeys),
		value: c.calls*workers + c.id + 1,
	}
	switch l := c.leases[in.key]; {
	case in.op.lease && l == nil:
		in.op = opTryLock
	case in.op.lease:
		in.fence = l.Fence()
	}
	in.revision = c.revisions[in.key]
	return in
}

// run makes some calls, and notes them. One with an unknown outcome may be carried
// out at any time until the end.
func (c *historian) run(ctx context.Context) {
	for range callsAPhase {
		in := c.choose()
		o := porcupine.Operation{ClientId: c.id, Input: in, Call: c.order.Add(1)}
		out := in.op.do(ctx, c, in)
		o.Output, o.Return = out, c.order.Add(1)
		if out.err == errUnknown {
			o.Return = 1 << 60
		}
		c.history = append(c.history, o)
	}
}

var historyModel = porcupine.Model{
	Partition: splitHistory,
	Init:      func() any { return register{} },
	Step: func(state, input, output any) (bool, any) {
		return step(state.(register), input.(called), output.(told))
	},
	DescribeOperation: func(input, output any) string { return fmt.Sprintf("%v -> %v", input, output) },
}

// splitHistory splits a history by key. The phases are in every part.
func splitHistory(history []porcupine.Operation) [][]porcupine.Operation {
	parts := make([][]porcupine.Operation, historyKeys)
	for _, o := range history {
		in := o.Input.(called)
		for key := range parts {
			if in.op == opNextPhase || in.key == key {
				parts[key] = append(parts[key], o)
			}
		}
	}
	return parts
}

// Whatever several clients do at once, each sees what it would see if they had
// done one thing after the other, in an order that real time allows.
func conformHistories(tb testing.TB, e Engine) {
	e.asked = nil // being late is no excuse: it is seen to
	for seed := range uint64(e.Histories) {
		history := recordHistory(tb, e, seed)
		if porcupine.CheckOperationsTimeout(historyModel, history, time.Minute) != porcupine.Ok {
			tb.Fatalf("history %d has no explanation\n%s", seed, explain(history))
		}
	}
}

// recordHistory returns what clients do in phases. In between, what can end by
// time does. If a phase took so long that something may have ended in the middle,
// it is another try's turn, with more time.
func recordHistory(tb testing.TB, e Engine, seed uint64) []porcupine.Operation {
	tb.Helper()
	const tries = 10
	for try := range uint64(tries) {
		t := e.try(tb, EngineOptions{})
		if history, ok := t.phases(seed + try<<32); ok {
			return history
		}
		e.Unit += e.Unit / 2
	}
	tb.Fatalf("%d calls never take less than %d Units of %v", workers*callsAPhase, phaseUnits/2, e.Unit)
	return nil
}

func (t *trial) phases(seed uint64) (history []porcupine.Operation, ok bool) {
	var order atomic.Int64
	all := make([]*historian, workers)
	for id := range all {
		s := t.a
		if id%2 == 1 {
			s = t.b
		}
		all[id] = &historian{
			s: s, id: id, phase: t.units(phaseUnits), order: &order,
			random: rand.New(rand.NewPCG(seed, uint64(id))),
		}
	}
	for phase := range historyPhases {
		if phase > 0 {
			o := porcupine.Operation{ClientId: workers, Input: called{op: opNextPhase}, Output: told{}, Call: order.Add(1)}
			t.advance(phaseUnits + 1)
			o.Return = order.Add(1)
			history = append(history, o)
		}
		began := time.Now()
		runAll(t.ctx, all)
		if time.Since(began) > t.units(phaseUnits/2) {
			return nil, false
		}
	}
	for _, c := range all {
		history = append(history, c.history...)
	}
	return history, true
}

func runAll(ctx context.Context, all []*historian) {
	start := make(chan struct{})
	var done sync.WaitGroup
	for _, c := range all {
		done.Go(func() {
			<-start
			c.run(ctx)
		})
	}
	close(start)
	done.Wait()
}

// explain shows the part of a history that has no explanation.
func explain(history []porcupine.Operation) string {
	var text strings.Builder
	for key, part := range splitHistory(history) {
		if porcupine.CheckOperationsTimeout(historyModel, part, time.Minute) == porcupine.Ok {
			continue
		}
		slices.SortFunc(part, func(a, b porcupine.Operation) int { return int(a.Call - b.Call) })
		fmt.Fprintf(&text, "key %d:\n", key)
		for _, o := range part {
			fmt.Fprintf(&text, "%5d-%-5d client %d: %s\n", o.Call, o.Return, o.ClientId, historyModel.DescribeOperation(o.Input, o.Output))
		}
	}
	return text.String()
}
