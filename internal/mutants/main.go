// Command mutants proves the tests: it takes one safeguard at a time out of a copy
// of the module, an fsync or a check, and shows that a test turns red. It exits
// with 1 if no test does.
//
// Every call that syncs, and every condition under which damage is told, is found
// in the source: a new one is taken out too, without anybody listing it. The rest
// is in list.go.
//
//	go run ./internal/mutants [-j N] [-only TEXT] [-list]
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"time"
)

func main() {
	jobs := flag.Int("j", runtime.NumCPU(), "how many mutants to try at once")
	only := flag.String("only", "", "try only the mutants whose name contains this")
	list := flag.Bool("list", false, "list the mutants and try none")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *jobs, *only, *list); err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, jobs int, only string, list bool) error {
	source, err := readModule(".")
	if err != nil {
		return err
	}
	all, err := source.mutants()
	if err != nil {
		return err
	}
	mutants := pick(all, only)
	if len(mutants) == 0 {
		return fmt.Errorf("no mutant has %q in its name; -list shows them", only)
	}
	if list {
		for _, m := range mutants {
			fmt.Printf("%s\t%s\n", m.place, m.name)
		}
		return nil
	}
	return try(ctx, source, mutants, jobs)
}

func pick(all []mutant, only string) (some []mutant) {
	for _, m := range all {
		if strings.Contains(m.name, only) {
			some = append(some, m)
		}
	}
	return some
}

// try tries mutants and prints what becomes of each. An error says how many live on.
func try(ctx context.Context, source *source, mutants []mutant, jobs int) error {
	begun := time.Now()
	lab, err := newLab(ctx, source)
	if err != nil {
		return err
	}
	defer lab.close()
	fmt.Println("| mutant | place | red | seconds |")
	fmt.Println("|---|---|---|---|")
	bad := 0
	// The tests must be green on the source as it is, or else red means nothing.
	asItIs := mutant{name: "the source as it is", dir: "persist", redundant: "all tests must be green"}
	for r := range lab.all(ctx, append([]mutant{asItIs}, mutants...), jobs) {
		if r.bad {
			bad++
		}
		fmt.Println(r)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	fmt.Printf("\n%d mutants, %d not as they should be, in %v\n", len(mutants), bad, time.Since(begun).Round(time.Second))
	if bad > 0 {
		return fmt.Errorf("%d of %d mutants are not as they should be: write the test that is missing, or put the list right", bad, len(mutants))
	}
	return nil
}
