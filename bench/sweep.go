package main

import (
	"fmt"
	"log"
	"math/rand/v2"
	"runtime"
	"time"

	"github.com/latchkey-go/latchkey/store"
	"github.com/maypok86/otter/v2"
)

// mortal is a cache in which each entry has its own TTL.
type mortal struct {
	name  string
	get   func(key int)
	set   func(key int, ttl time.Duration)
	swept func(n int) bool // reports whether so many have expired and were taken out
	done  func() error
}

// sweep prints the waits of single operations while very many entries expire, each
// at another time.
func (b *bench) sweep() error {
	b.section("Waits while entries expire", fmt.Sprintf(`%s entries with TTLs of their own, at random, expire one after the other;
one goroutine gets (9 of 10) and overwrites, and each operation is measured, the
garbage collector's work included. So it is where no entry expires, but the store is as large;
where nothing is done, an operation takes half a microsecond.`, thousands(b.dying)))
	t := waitTable("operations")
	t.head = append(t.head, "longer than 1 ms")
	n := b.dying
	span := time.Duration(n) * 5 * time.Microsecond // of the TTLs: 50 s for ten million entries
	r := rand.New(rand.NewPCG(1, 2))
	someTTL := func() time.Duration { return span/5 + time.Duration(r.Int64N(int64(span))) }
	for _, open := range []func(n int, span time.Duration) (mortal, error){
		mortalStore(store.LRU), immortalStore, mortalOtter, noMortal,
	} {
		m, err := open(n, span)
		if err != nil {
			return err
		}
		log.Print("sweep: ", m.name)
		for i := range n {
			m.set(i, someTTL())
		}
		runtime.GC()
		q := pacedWaits(func(i int) {
			if i%10 == 0 {
				m.set(i/10*7919%n, someTTL())
			} else {
				m.get(i * 7919 % n)
			}
		}, 0, func() {
			for start := time.Now(); time.Since(start) < span/5 || !m.swept(n/20); {
				time.Sleep(span / 100)
			}
		})
		if err := m.done(); err != nil {
			return err
		}
		row := append([]string{m.name, thousands(q.n)}, waitRow(m.name, []quantiles{q})[1:]...)
		t.rows = append(t.rows, append(row, thousands(q.slow)))
	}
	b.printf("\n%s", t)
	return nil
}

func mortalStore(policy store.Policy) func(int, time.Duration) (mortal, error) {
	return func(n int, span time.Duration) (mortal, error) {
		s, err := store.New(store.Options[int, int]{Capacity: n, Policy: policy, SweepInterval: span / 8})
		return mortal{
			name:  "latchkey " + policy.String(),
			get:   func(key int) { _, _ = s.Get(key) },
			set:   func(key int, ttl time.Duration) { must(s.SetWithTTL(key, key, ttl)) },
			swept: func(n int) bool { return s.Stats().Expired >= uint64(n) },
			done:  s.Close,
		}, err
	}
}

// immortalStore is a store in which nothing expires while it is measured: what waits there
// are, the sweep has no part in.
func immortalStore(n int, span time.Duration) (mortal, error) {
	m, err := mortalStore(store.LRU)(n, span)
	m.name += ", no entry expires"
	set := m.set
	m.set = func(key int, _ time.Duration) { set(key, ttl) }
	m.swept = func(int) bool { return true }
	return m, err
}

func mortalOtter(n int, _ time.Duration) (mortal, error) {
	c, err := otter.New(&otter.Options[int, int]{
		MaximumSize:      n,
		ExpiryCalculator: otter.ExpiryWritingFunc(func(e otter.Entry[int, int]) time.Duration { return time.Duration(e.Value) }),
	})
	return mortal{
		name:  "otter",
		get:   func(key int) { c.GetIfPresent(key) },
		set:   func(key int, ttl time.Duration) { c.Set(key, int(ttl)) },
		swept: func(int) bool { return true },
		done:  func() error { c.StopAllGoroutines(); return nil },
	}, err
}

// noMortal does nothing, for half a microsecond: what the machine makes of that.
func noMortal(int, time.Duration) (mortal, error) {
	idle := func() {
		for start := time.Now(); time.Since(start) < 500*time.Nanosecond; {
		}
	}
	return mortal{
		name:  "nothing is done",
		get:   func(int) { idle() },
		set:   func(int, time.Duration) { idle() },
		swept: func(int) bool { return true },
		done:  func() error { return nil },
	}, nil
}
