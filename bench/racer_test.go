package main

import (
	"flag"
	"log"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/latchkey-go/latchkey/internal/testenv"
)

// TestMain lets the program of the tests be its own child, as that of the tables is.
func TestMain(m *testing.M) {
	if child := flag.String("child", "", "what to do for the process that has started this one"); len(os.Args) > 2 && os.Args[1] == "-child" {
		flag.Parse()
		if err := beChild(*child, flag.Args()); err != nil {
			log.Fatal(err)
		}
		return
	}
	os.Exit(m.Run())
}

// sieve keeps nothing, and notes what it is asked for.
type sieve[K key] struct {
	mu    sync.Mutex // guards the field below
	asked map[K]int
}

func (c *sieve[K]) get(key K) (int, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked[key]++
	return 0, false
}

func (c *sieve[K]) set(K, int) {}
func (c *sieve[K]) settle()    {}
func (c *sieve[K]) close()     {}

// No key of inserts comes twice to a cache, in whichever turn, and from whichever goroutine.
func TestInsertsComeOnce(t *testing.T) {
	t.Run("strings", testInsertsComeOnce[string])
	t.Run("ints", testInsertsComeOnce[int])
}

func testInsertsComeOnce[K key](t *testing.T) {
	c := &sieve[K]{asked: make(map[K]int)}
	l := &local[K]{cache: c, todo: newWork[K](insertion(t), nil, 1<<14)} // some come from places that were used
	ops, least := 0, 0
	for range 5 {
		for _, goroutines := range columns {
			o := l.work(goroutines, time.Millisecond)
			if o.Hits != 0 || o.Took < time.Millisecond {
				t.Fatalf("%+v", o)
			}
			ops += o.Ops
			least += goroutines * batch
		}
	}
	if ops < least || len(c.asked) != ops {
		t.Errorf("%d operations, want at least %d; it was asked for %d keys", ops, least, len(c.asked))
	}
}

// A turn has an outcome for each number of goroutines, in their order, and works before.
func TestRun(t *testing.T) {
	c := &sieve[int]{asked: make(map[int]int)}
	l := &local[int]{cache: c, todo: newWork[int](insertion(t), nil, 0)}
	outcomes, err := l.run([]int{16, 1}, 0) // a batch each
	if err != nil || len(outcomes) != 2 || outcomes[0].Ops != 16*batch || outcomes[1].Ops != batch {
		t.Errorf("%+v, %v", outcomes, err)
	}
	if want := (2 + 16 + 1) * batch; len(c.asked) != want {
		t.Errorf("%d operations, want %d", len(c.asked), want)
	}
}

// A racer in a process of its own does what one in this process does, and its process ends.
func TestRemote(t *testing.T) {
	if testenv.Race {
		t.Skip("what races in other caches is theirs")
	}
	for _, s := range []setup{{entries: 1000}, {entries: 1000, ints: true}} {
		r, err := openRemote("otter", s)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range []workload{workloads[0], insertion(t)} {
			if err := r.prepare(w); err != nil {
				t.Fatal(err)
			}
			outcomes, err := r.run([]int{1, 2}, time.Millisecond)
			if err != nil || len(outcomes) != 2 {
				t.Fatalf("%v, %s: %v, %v", s, w.name, outcomes, err)
			}
			for _, o := range outcomes {
				if o.Ops == 0 || o.Ops%batch != 0 || o.Took < time.Millisecond || w.inserts != (o.Hits == 0) || !w.inserts && o.Hits != o.Ops {
					t.Errorf("%v, %s: %+v", s, w.name, o)
				}
			}
		}
		for range 2 {
			if err := r.close(); err != nil {
				t.Error(err)
			}
		}
		if state := r.(*remote).child.cmd.ProcessState; state == nil || !state.Success() {
			t.Errorf("its process: %v", state)
		}
	}
}

// What goes wrong there is told here, and the process is gone.
func TestRemoteFails(t *testing.T) {
	if _, err := openRemote("nobody's", setups[0]); err == nil || !strings.Contains(err.Error(), `no cache "nobody's"`) {
		t.Errorf("got %v", err)
	}
	r, err := openRemote("latchkey LRU", setup{entries: 10})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.prepare(workload{name: "sleep"}); err == nil || !strings.Contains(err.Error(), `no workload "sleep"`) {
		t.Errorf("got %v", err)
	}
	if r.(*remote).child.cmd.ProcessState == nil {
		t.Error("its process was left alone")
	}
}

// A process is at rest when it has worked for less than a quarter of a pause.
func TestRest(t *testing.T) {
	pauses := 0
	work := []time.Duration{restPause, restPause, restPause / 3, restPause / 5, restPause}
	used := time.Second
	restBy(func() time.Duration { return used }, func() {
		used += work[pauses]
		pauses++
	})
	if pauses != 4 {
		t.Errorf("it is said to be at rest after %d pauses, want 4", pauses)
	}
}

// What a process works counts at once, or soon.
func TestCPUTime(t *testing.T) {
	for start, before := time.Now(), cpuTime(); cpuTime()-before < restPause; {
		if time.Since(start) > 10*time.Second {
			t.Fatal("ten seconds of work don't count")
		}
	}
}
