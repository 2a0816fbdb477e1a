package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// racer is an open cache that has turns: in this process, or in one of its own.
type racer interface {
	prepare(w workload) error // for what its turns are about from now on
	// run has a turn: it works for about that long with each of these numbers of goroutines,
	// after a leadIn that does not count.
	run(goroutines []int, about time.Duration) ([]outcome, error)
	close() error
}

// leadIn is how many times as long as in a column a racer works before its turn counts: what it
// uses was in the processor's cache, and others have been there since.
const leadIn = 2

// outcome is what came of a column in a turn.
type outcome struct {
	Ops, Hits int
	Took      time.Duration
}

// openRacer opens a contender, with all keys set.
func openRacer(name string, s setup) (racer, error) {
	if s.ints {
		return openLocal[int](name, s)
	}
	return openLocal[string](name, s)
}

// local is a racer in this process.
type local[K key] struct {
	cache cache[K]
	keys  []K
	todo  work[K]
	next  atomic.Int64 // the first operation not begun yet: no turn does one again
}

func openLocal[K key](name string, s setup) (racer, error) {
	found := named[K](name)
	if len(found) == 0 {
		return nil, fmt.Errorf("no cache %q", name)
	}
	opened, err := found[0].open(s.entries)
	if err != nil {
		return nil, err
	}
	l := &local[K]{cache: opened, keys: newKeys[K](s.entries, 3)}
	fill(l.cache, l.keys)
	return l, nil
}

// fill sets all keys, a few at a time for those that drop what is too much.
func fill[K key](c cache[K], keys []K) {
	for i, k := range keys {
		c.set(k, i)
		if i%1024 == 0 {
			c.settle()
		}
	}
	c.settle()
}

func (l *local[K]) prepare(w workload) error {
	l.todo = nil // makes room
	l.todo = newWork(w, l.keys, 1<<20)
	return nil
}

// batch is how many operations a goroutine does before it looks at the clock.
const batch = 256

func (l *local[K]) run(goroutines []int, about time.Duration) ([]outcome, error) {
	l.work(2, leadIn*about)
	var outcomes []outcome
	for _, n := range goroutines {
		outcomes = append(outcomes, l.work(n, about))
	}
	return outcomes, nil
}

// work does what there is to do for about that long. Each goroutine takes a batch of
// operations at a time, at least one, and none does what another has done.
func (l *local[K]) work(goroutines int, about time.Duration) outcome {
	counts := make([]struct {
		ops, hits int
		_         [112]byte // two cache lines: goroutines don't share one
	}, goroutines)
	var wg sync.WaitGroup
	start := time.Now()
	for g := range goroutines {
		wg.Go(func() {
			for done := false; !done; done = time.Since(start) >= about {
				first := int(l.next.Add(batch)) - batch
				counts[g].hits += l.todo.do(l.cache, first, batch)
				counts[g].ops += batch
			}
		})
	}
	wg.Wait()
	o := outcome{Took: time.Since(start)}
	for _, c := range counts {
		o.Ops += c.ops
		o.Hits += c.hits
	}
	l.cache.settle()
	return o
}

func (l *local[K]) close() error {
	l.cache.close()
	return nil
}

// remote is a racer in a process of its own, which does what it is told on its standard
// input, and answers each time.
type remote struct {
	child *childProcess
	in    *json.Encoder
	out   *json.Decoder
	ended bool
}

// order is to get ready for a workload, or else to have a turn.
type order struct {
	Workload   string
	Goroutines []int
	About      time.Duration
}

func openRemote(name string, s setup) (racer, error) {
	child, err := startChild("race", name, strconv.Itoa(s.entries), strconv.FormatBool(s.ints))
	if err != nil {
		return nil, err
	}
	r := &remote{child: child, in: json.NewEncoder(child.in), out: json.NewDecoder(child.out)}
	if _, err := r.answer(); err != nil { // once it is open
		return nil, err
	}
	return r, nil
}

func (r *remote) prepare(w workload) error {
	_, err := r.do(order{Workload: w.name})
	return err
}

func (r *remote) run(goroutines []int, about time.Duration) ([]outcome, error) {
	return r.do(order{Goroutines: goroutines, About: about})
}

func (r *remote) do(o order) ([]outcome, error) {
	if err := r.in.Encode(o); err != nil {
		return nil, errors.Join(err, r.close())
	}
	return r.answer()
}

func (r *remote) answer() (outcomes []outcome, err error) {
	if err := r.out.Decode(&outcomes); err != nil {
		return nil, errors.Join(err, r.close()) // it says why
	}
	return outcomes, nil
}

func (r *remote) close() error {
	if r.ended {
		return nil
	}
	r.ended = true
	return errors.Join(r.child.in.Close(), r.child.wait(nil))
}

// raceFor is the other end of a remote.
func raceFor(args []string) error {
	entries, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	r, err := openRacer(args[0], setup{entries: entries, ints: args[2] == "true"})
	if err != nil {
		return err
	}
	in, out := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	for done := []outcome(nil); ; {
		rest()
		if err := out.Encode(done); err != nil {
			return err
		}
		var o order
		if err := in.Decode(&o); err == io.EOF {
			return r.close()
		} else if err != nil {
			return err
		}
		if o.Workload != "" {
			done, err = nil, prepareFor(r, o.Workload)
		} else {
			done, err = r.run(o.Goroutines, o.About)
		}
		if err != nil {
			return err
		}
	}
}

func prepareFor(r racer, name string) error {
	for _, w := range workloads {
		if w.name == name {
			defer warmHeap()
			return r.prepare(w)
		}
	}
	return fmt.Errorf("no workload %q", name)
}

// warmHeap takes as much memory as there is in use, and gives it back: so large the heap
// is going to be before the collector runs.
func warmHeap() {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	const piece = 1 << 16
	all := make([][]byte, m.HeapAlloc/piece+1)
	for i := range all {
		all[i] = make([]byte, piece)
		for at := 0; at < piece; at += os.Getpagesize() {
			all[i][at] = 1
		}
	}
	runtime.KeepAlive(all)
	all = nil
	runtime.GC()
}

// restPause is some ticks of the system's clock, by which it counts what processes do.
const restPause = 5 * time.Millisecond

// rest returns when this process does next to nothing any more: collections of garbage, and
// what a cache does by itself, go on after a turn, and the next one is another's.
func rest() { restBy(cpuTime, func() { time.Sleep(restPause) }) }

func restBy(used func() time.Duration, pause func()) {
	for last := used(); ; {
		pause()
		now := used()
		if now-last < restPause/4 {
			return
		}
		last = now
	}
}

// cpuTime returns how long the processors have worked for this process.
func cpuTime() time.Duration {
	var used syscall.Rusage
	must(syscall.Getrusage(syscall.RUSAGE_SELF, &used))
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
