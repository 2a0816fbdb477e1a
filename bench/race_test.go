package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/latchkey-go/latchkey/internal/testenv"
)

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

// A round has each rival once, and it each column; whose turn it is and in which column first
// is not the same each time.
func TestTurns(t *testing.T) {
	const rivals = 4
	random := rand.New(rand.NewPCG(1, 2))
	first := make(map[string]bool)
	for range 100 {
		round := turns(random, rivals)
		var seen []int
		for _, now := range round {
			seen = append(seen, now.rival)
			if sorted := slices.Sorted(slices.Values(now.columns)); !slices.Equal(sorted, []int{0, 1, 2}) {
				t.Fatalf("a turn has the columns %v", now.columns)
			}
		}
		slices.Sort(seen)
		if !slices.Equal(seen, []int{0, 1, 2, 3}) {
			t.Fatalf("turns are those of %v", seen)
		}
		first[fmt.Sprint(round[0].rival, round[0].columns[0])] = true
	}
	if len(first) != rivals*len(columns) {
		t.Errorf("in a hundred rounds the first turn is one of %v", first)
	}
}

// Each rival gets ready; then there are rounds, in which each has a turn, and its throughput
// goes to the column that it was measured in.
func TestRace(t *testing.T) {
	const rounds = 3
	var had []string
	var rivals []*rival
	for _, name := range []string{"a", "b", "c"} {
		rivals = append(rivals, &rival{name: name, racer: &puppet{ops: 1000, had: func() { had = append(had, name) }}})
	}
	w := workloads[0]
	if err := race(&bench{rounds: rounds}, rivals, w); err != nil {
		t.Fatal(err)
	}
	for round := range slices.Chunk(had, len(rivals)) {
		if slices.Sort(round); !slices.Equal(round, []string{"a", "b", "c"}) {
			t.Errorf("a round has the turns of %q", round)
		}
	}
	for _, r := range rivals {
		if got := r.racer.(*puppet).prepared; !slices.Equal(got, []string{w.name}) {
			t.Errorf("%s got ready for %q", r.name, got)
		}
		for column, goroutines := range columns { // thousands of operations, in a second
			want := slices.Repeat([]float64{float64(goroutines) / 1e3}, rounds)
			if !slices.Equal(r.rates[column], want) {
				t.Errorf("%s, column %d: %v; want %v", r.name, column, r.rates[column], want)
			}
		}
	}
}

// puppet says that each goroutine did so much in a second.
type puppet struct {
	ops, hits int
	err       error
	had       func() // called with each turn; nil = not asked for
	prepared  []string
	closed    bool
}

func (p *puppet) prepare(w workload) error {
	p.prepared = append(p.prepared, w.name)
	return nil
}

func (p *puppet) run(goroutines []int, _ time.Duration) (outcomes []outcome, err error) {
	if p.had != nil {
		p.had()
	}
	for _, n := range goroutines {
		outcomes = append(outcomes, outcome{Ops: n * p.ops, Hits: n * p.hits, Took: time.Second})
	}
	return outcomes, p.err
}

func (p *puppet) close() error {
	p.closed = true
	return nil
}

// Inserts of which more than one in a hundred finds its key are no result; reads may.
func TestHitsAreRefused(t *testing.T) {
	b := &bench{rounds: 1}
	for _, test := range []struct {
		hits    int // of a thousand operations
		w       workload
		refused bool
	}{{5, insertion(t), false}, {20, insertion(t), true}, {20, workloads[0], false}} {
		err := race(b, []*rival{{name: "peer", racer: &puppet{ops: 1000, hits: test.hits}}}, test.w)
		if refused := err != nil && strings.Contains(err.Error(), "peer"); refused != test.refused {
			t.Errorf("%s, %d hits of 1000: %v", test.w.name, test.hits, err)
		}
	}
}

// Who fails is named, and all that were opened are closed.
func TestRacersThatFail(t *testing.T) {
	failing := errors.New("failing")
	err := race(&bench{rounds: 1}, []*rival{{name: "a", racer: &puppet{}}, {name: "b", racer: &puppet{err: failing}}}, workloads[0])
	if !errors.Is(err, failing) || !strings.HasPrefix(err.Error(), "b: ") {
		t.Errorf("got %v", err)
	}
	rivals, err := openAll(setups[0], func(name string, _ setup) (racer, error) {
		if name == "otter" {
			return nil, failing
		}
		return &puppet{}, nil
	})
	if !errors.Is(err, failing) || !strings.HasPrefix(err.Error(), "otter: ") {
		t.Errorf("got %v", err)
	}
	if err := closeAll(rivals); err != nil {
		t.Error(err)
	}
	for _, r := range rivals {
		if p, ok := r.racer.(*puppet); ok != (r.name != "otter") || ok && !p.closed {
			t.Errorf("%s is left open, or was never opened", r.name)
		}
	}
}

// Inserts find their key in none of the caches.
func TestContendersMissInserts(t *testing.T) {
	if testenv.Race {
		t.Skip("what races in other caches is theirs")
	}
	for _, s := range []setup{{entries: 1000}, {entries: 1000, ints: true}} {
		t.Run(s.String(), func(t *testing.T) {
			rivals, err := openAll(s, openRacer)
			if err != nil {
				t.Fatal(err)
			}
			if err := race(&bench{rounds: 1, round: time.Millisecond}, rivals, insertion(t)); err != nil {
				t.Error(err)
			}
			if err := closeAll(rivals); err != nil {
				t.Error(err)
			}
		})
	}
}
