package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

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

// Each rival gets ready and has a turn that does not count, before all others; then there
// are rounds, in which each has its turns.
func TestRace(t *testing.T) {
	const rounds = 3
	var had []string // "a 16" for a turn of a's with 16 goroutines
	var rivals []*rival
	for _, name := range []string{"a", "b", "c"} {
		rivals = append(rivals, &rival{name: name, racer: &puppet{ops: 1000, had: func(goroutines int) {
			had = append(had, fmt.Sprint(name, " ", goroutines))
		}}})
	}
	w := workloads[0]
	if err := race(&bench{rounds: rounds}, rivals, w); err != nil {
		t.Fatal(err)
	}
	const inRound = 3 * 3
	if len(had) != 3+rounds*inRound {
		t.Fatalf("%d turns, want 3 and %d times %d: %q", len(had), rounds, inRound, had)
	}
	if before, want := had[:3], []string{"a 16", "b 16", "c 16"}; !slices.Equal(before, want) {
		t.Errorf("those that don't count are %q, want %q", before, want)
	}
	for round := range slices.Chunk(had[3:], inRound) {
		slices.Sort(round)
		want := []string{"a 1", "a 16", "a 2", "b 1", "b 16", "b 2", "c 1", "c 16", "c 2"}
		if diff := cmp.Diff(want, round); diff != "" {
			t.Error(diff)
		}
	}
	for _, r := range rivals {
		if got := r.racer.(*puppet).prepared; !slices.Equal(got, []string{w.name}) {
			t.Errorf("%s got ready for %q", r.name, got)
		}
		for column := range columns {
			if len(r.rates[column]) != rounds || r.rate(column) != 0.001 { // of a million, in a second
				t.Errorf("%s, column %d: %v; want %d", r.name, column, r.rates[column], rounds)
			}
		}
	}
}

// puppet does next to nothing, in a second each turn.
type puppet struct {
	ops, hits int
	err       error
	had       func(goroutines int) // called with each turn; nil = not asked for
	prepared  []string
	closed    bool
}

func (p *puppet) prepare(w workload) error {
	p.prepared = append(p.prepared, w.name)
	return nil
}

func (p *puppet) run(goroutines int, _ time.Duration) (outcome, error) {
	if p.had != nil {
		p.had(goroutines)
	}
	return outcome{Ops: p.ops, Hits: p.hits, Took: time.Second}, p.err
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
