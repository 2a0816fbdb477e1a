package main

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/latchkey-go/latchkey/internal/testenv"
)

// sieve keeps nothing but one key, and notes what it is asked for.
type sieve[K key] struct {
	kept  K
	mu    sync.Mutex // guards the field below
	asked map[K]int
}

func (c *sieve[K]) get(key K) (int, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked[key]++
	return 0, key == c.kept
}

func (c *sieve[K]) set(K, int) {}
func (c *sieve[K]) settle()    {}
func (c *sieve[K]) close()     {}

// insertion is the workload of that name.
func insertion(t *testing.T) workload {
	for _, w := range workloads {
		if w.inserts {
			return w
		}
	}
	t.Fatal("no workload inserts")
	return workload{}
}

// No key of inserts comes twice to a cache, in whichever round or column, and from
// whichever goroutine.
func TestInsertsComeOnce(t *testing.T) {
	t.Run("strings", testInsertsComeOnce[string])
	t.Run("ints", testInsertsComeOnce[int])
}

func testInsertsComeOnce[K key](t *testing.T) {
	b := &bench{rounds: 2, round: time.Millisecond}
	w := insertion(t)
	todo := newWork[K](w, nil, 1<<14) // some come from places that were used
	c := &sieve[K]{asked: make(map[K]int)}
	r := &rival[K]{cache: c}
	for range 2 { // races, too
		if err := race(b, []*rival[K]{r}, w, todo); err != nil {
			t.Fatal(err)
		}
	}
	if least := 2 * 2 * 256 * (1 + 2 + 16); len(c.asked) < least {
		t.Errorf("it was asked for %d keys, want at least %d", len(c.asked), least)
	}
	for k, n := range c.asked {
		if n != 1 {
			t.Fatalf("it was asked for %v %d times", k, n)
		}
	}
}

// Inserts of which more than one in a hundred finds its key are no result; reads may.
func TestHitsAreRefused(t *testing.T) {
	b := &bench{rounds: 1, round: time.Millisecond}
	for _, test := range []struct {
		share   float64 // of operations whose key was there, in percent
		w       workload
		refused bool
	}{{0.5, insertion(t), false}, {2, insertion(t), true}, {2, workload{name: "reads"}, false}} {
		r := &rival[int]{contender: contender[int]{name: "peer"}, cache: &sieve[int]{asked: make(map[int]int), kept: -1}}
		again := inserts[int]{newKey: func(i int) int {
			if i%int(100/test.share) == 0 {
				return r.cache.(*sieve[int]).kept
			}
			return i
		}}
		err := race(b, []*rival[int]{r}, test.w, again)
		if refused := err != nil && strings.Contains(err.Error(), "peer"); refused != test.refused {
			t.Errorf("%s, %v %% hits: %v", test.w.name, test.share, err)
		}
	}
}

// Inserts find their key in none of the caches.
func TestContendersMissInserts(t *testing.T) {
	if testenv.Race {
		t.Skip("what races in other caches is theirs")
	}
	t.Run("strings", testContendersMissInserts[string])
	t.Run("ints", testContendersMissInserts[int])
}

func testContendersMissInserts[K key](t *testing.T) {
	keys := newKeys[K](1000, 3)
	rivals, err := openAll(contenders[K](), keys)
	if err != nil {
		t.Fatal(err)
	}
	w := insertion(t)
	if err := race(&bench{rounds: 1, round: time.Millisecond}, rivals, w, newWork(w, keys, 1<<20)); err != nil {
		t.Error(err)
	}
	for _, r := range rivals {
		r.cache.close()
	}
}
