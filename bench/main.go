// Command bench measures the store beside golang-lru in one run and prints
// Markdown tables: speed of the operations, the longest waits while a sweep and
// a snapshot are under way, and memory per entry.
//
// Rounds of all contestants are interleaved, so that a machine that slows down
// slows all of them; medians and ratios are what to read.
package main

import (
	"flag"
	"fmt"
	"log"
	"os"
	"runtime"
	"strings"
	"time"
)

func main() {
	quick := flag.Bool("quick", false, "fewer and shorter rounds, smaller stores")
	only := flag.String("only", "speed,memory,sweep,snapshot", "the tables to make, by comma")
	flag.Parse()
	log.SetFlags(0)

	size := sizes{entries: 100_000, rounds: 9, round: 300 * time.Millisecond, large: 1_000_000, repeats: 5}
	if *quick {
		size = sizes{entries: 100_000, rounds: 3, round: 100 * time.Millisecond, large: 100_000, repeats: 3}
	}
	fmt.Printf("%s, %d processors, %s/%s\n", processor(), runtime.GOMAXPROCS(0), runtime.GOOS, runtime.GOARCH)
	fmt.Printf("%s, %s\n", runtime.Version(), strings.Join(append([]string{"bench"}, os.Args[1:]...), " "))
	tables := map[string]func(sizes) error{
		"speed": speed, "memory": memory, "sweep": sweep, "snapshot": snapshot,
	}
	for name := range strings.SplitSeq(*only, ",") {
		table, ok := tables[name]
		if !ok {
			log.Fatalf("bench: no table %q", name)
		}
		if err := table(size); err != nil {
			log.Fatalf("bench: %s: %v", name, err)
		}
		runtime.GC()
	}
}

// sizes says how much to measure.
type sizes struct {
	entries int           // in the tables of speed
	rounds  int           // per contestant
	round   time.Duration // about how long one is
	large   int           // entries, where the time of a sweep or snapshot counts
	repeats int           // of that
}

// processor returns the name of the machine's processor, where Linux tells it.
func processor() string {
	info, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(info)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}
