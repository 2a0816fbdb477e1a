package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/latchkey-go/latchkey/internal/testenv"
)

// sieve keeps nothing but one key, and notes what it is asked for.
type sieve[K key] struct {
	kept  K
	ended func()     // called with each turn's end; nil = not asked for
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
func (c *sieve[K]) close()     {}

// settle is called at the end of a turn.
func (c *sieve[K]) settle() {
	if c.ended != nil {
		c.ended()
	}
}

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

// A round has each rival once in each column, one after the other; whose turn it is and in
// which column first is not the same each time.
func TestTurns(t *testing.T) {
	const rivals = 4
	random := rand.New(rand.NewPCG(1, 2))
	first := make(map[turn]bool)
	for range 100 {
		round := turns(random, rivals)
		seen := make(map[turn]bool)
		for i, now := range round {
			seen[now] = true
			if before := round[i/len(columns)*len(columns)]; now.rival != before.rival {
				t.Fatalf("%v are between those of another: %v", now, round)
			}
		}
		if len(seen) != rivals*len(columns) || len(round) != len(seen) {
			t.Fatalf("%d turns, %d of them different; want %d", len(round), len(seen), rivals*len(columns))
		}
		first[round[0]] = true
	}
	if len(first) != rivals*len(columns) {
		t.Errorf("in a hundred rounds the first turn is one of %v", first)
	}
}

// Each rival has a turn that does not count, before all others; then there are rounds, in
// which each has its turns.
func TestRace(t *testing.T) {
	const rounds = 3
	var ended []string // "a 16" for a turn of a's with 16 goroutines
	var rivals []*rival[int]
	for _, name := range []string{"a", "b", "c"} {
		c := &sieve[int]{asked: make(map[int]int)}
		before := 0
		c.ended = func() {
			ended = append(ended, fmt.Sprint(name, " ", (len(c.asked)-before)/batch))
			before = len(c.asked)
		}
		rivals = append(rivals, &rival[int]{cache: c})
	}
	w := insertion(t)
	if err := race(&bench{rounds: rounds}, rivals, w, newWork[int](w, nil, 0)); err != nil { // rounds of a batch
		t.Fatal(err)
	}
	const inRound = 3 * 3
	if len(ended) != 3+rounds*inRound {
		t.Fatalf("%d turns, want 3 and %d times %d: %q", len(ended), rounds, inRound, ended)
	}
	if before, want := ended[:3], []string{"a 16", "b 16", "c 16"}; !slices.Equal(before, want) {
		t.Errorf("those that don't count are %q, want %q", before, want)
	}
	for round := range slices.Chunk(ended[3:], inRound) {
		slices.Sort(round)
		want := []string{"a 1", "a 16", "a 2", "b 1", "b 16", "b 2", "c 1", "c 16", "c 2"}
		if diff := cmp.Diff(want, round); diff != "" {
			t.Error(diff)
		}
	}
	for i, r := range rivals {
		if len(r.rates) != len(columns) {
			t.Fatalf("%d columns, want %d", len(r.rates), len(columns))
		}
		for column, rates := range r.rates {
			if len(rates) != rounds || slices.Min(rates) <= 0 {
				t.Errorf("rival %d in column %d: %v million a second, want %d figures", i, column, rates, rounds)
			}
		}
	}
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
	if least := 2 * batch * (16 + 2*(1+2+16)); len(c.asked) < least {
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
