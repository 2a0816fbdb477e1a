// Command bench measures the store in one run and prints Markdown tables, and plots
// if it is asked to: beside other caches the speed of the operations, memory, the
// garbage collector's work, the longest waits and hit ratios; with -only durability
// what its promises about the disk cost, beside bbolt, Redis and files. For one of
// the workloads, quickly:
//
//	go run ./bench -quick -only speed -workload 'zipf 1.01'
//
// Rounds of all contenders are interleaved, so that a machine that slows down
// slows all of them; medians and ratios are what to read.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"runtime"
	"runtime/pprof"
	"strings"
	"time"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("bench: ")
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	b := &bench{out: os.Stdout, rounds: 5, round: 40 * time.Millisecond, entries: 1_000_000, many: 5_000_000, dying: 10_000_000, repeats: 3}
	flag.BoolVar(&b.quick, "quick", false, "fewer and shorter rounds, smaller stores, and only the main kind of store")
	flag.StringVar(&b.workload, "workload", "", "the part of a workload's name for which to make tables of speed (default all)")
	flag.StringVar(&b.plots, "plots", "", "the folder for plots in SVG (default none)")
	only := flag.String("only", strings.Join(tableNames(), ","),
		`the tables to make, by comma; "durability" stands for `+strings.Join(durabilityNames(), ","))
	dir := flag.String("dir", "", "where the tables of durability have their files while they are made (default $TMPDIR, else the current folder)")
	profile := flag.String("cpuprofile", "", "a file for a profile of the processor's time in all tables, less what other processes do; caches that are raced then share this one, and its garbage")
	child := flag.String("child", "", "what to do for the process that has started this one")
	flag.Parse()
	if *child != "" {
		return beChild(*child, flag.Args())
	}

	b.sizes = sizes{entries: 100_000, rounds: 9, round: 300 * time.Millisecond, slow: time.Second, large: 1_000_000, repeats: 5}
	if b.quick {
		b.rounds, b.round, b.entries, b.many, b.dying, b.repeats = 3, 40*time.Millisecond, 200_000, 500_000, 500_000, 1
		b.sizes = sizes{entries: 100_000, rounds: 3, round: 100 * time.Millisecond, slow: 250 * time.Millisecond, large: 100_000, repeats: 3}
	}
	fmt.Print("# What was measured\n\n")
	fmt.Printf("%s, %d processors, %s/%s\n", processor(), runtime.GOMAXPROCS(0), runtime.GOOS, runtime.GOARCH)
	fmt.Printf("%s, `%s`\n", runtime.Version(), strings.Join(append([]string{"go run ./bench"}, os.Args[1:]...), " "))
	if *profile != "" {
		b.together = true
		return profiled(*profile, func() error { return makeTables(b, *only, *dir) })
	}
	return makeTables(b, *only, *dir)
}

// bench is a run of the tables about what is in memory.
type bench struct {
	out      io.Writer
	quick    bool
	together bool   // caches that are raced are in this process
	workload string // the part of a name; "" = all
	plots    string // the folder for them; "" = none

	rounds  int           // per contender
	round   time.Duration // about how long one is
	entries int           // in a large store
	many    int           // where the garbage collector is looked at
	dying   int           // where a sweep is
	repeats int           // of what takes long

	sizes sizes // where the disk comes in
}

// memoryTables is these tables, in order.
var memoryTables = []struct {
	name  string
	table func(*bench) error
}{
	{"speed", (*bench).speed},
	{"memory", (*bench).memory},
	{"collector", (*bench).collector},
	{"inserts", (*bench).inserts},
	{"sweep", (*bench).sweep},
	{"locks", (*bench).locks},
	{"hits", (*bench).hits},
	{"snapshot", func(b *bench) error { return snapshot(b.sizes) }},
}

func tableNames() (names []string) {
	for _, t := range memoryTables {
		names = append(names, t.name)
	}
	return names
}

// section prints a heading and what is to be known of the tables under it.
func (b *bench) section(title, about string) {
	b.printf("\n## %s\n\n%s\n", title, about)
}

// profiled writes a profile of f to a file.
func profiled(name string, f func() error) (err error) {
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if err := pprof.StartCPUProfile(file); err != nil {
		return err
	}
	defer pprof.StopCPUProfile()
	return f()
}

func (b *bench) printf(format string, args ...any) {
	_, err := fmt.Fprintf(b.out, format, args...)
	must(err)
}

// makeTables makes the tables named, by comma, and says how long that took.
func makeTables(b *bench, names, dir string) (err error) {
	start := time.Now()
	tables := make(map[string]func() error)
	for _, t := range memoryTables {
		tables[t.name] = func() error { return t.table(b) }
	}
	d := &durable{sizes: b.sizes, parent: dir}
	defer func() { err = errors.Join(err, d.close()) }()
	for _, t := range durability {
		tables[t.name] = func() error { return d.makeTable(t.table) }
	}
	for name := range strings.SplitSeq(strings.ReplaceAll(names, "durability", strings.Join(durabilityNames(), ",")), ",") {
		table, ok := tables[name]
		if !ok {
			return fmt.Errorf("no table %q", name)
		}
		if err := table(); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		runtime.GC()
	}
	b.printf("\nThe run took %s.\n", minutes(time.Since(start)))
	return nil
}

// sizes says how much to measure where the disk comes in.
type sizes struct {
	entries int           // in most tables
	rounds  int           // per contestant
	round   time.Duration // about how long one is
	slow    time.Duration // the same where the disk is waited for
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
