// Command bench measures the store in one run and prints Markdown tables: beside
// golang-lru the speed of the operations, the longest waits while a sweep and a
// snapshot are under way, and memory per entry; with -only durability what its
// promises about the disk cost, beside bbolt, Redis and files.
//
// Rounds of all contestants are interleaved, so that a machine that slows down
// slows all of them; medians and ratios are what to read.
package main

import (
	"errors"
	"flag"
	"fmt"
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
	quick := flag.Bool("quick", false, "fewer and shorter rounds, smaller stores")
	only := flag.String("only", "speed,memory,sweep,snapshot",
		`the tables to make, by comma; "durability" stands for `+strings.Join(durabilityNames(), ","))
	dir := flag.String("dir", "", "where the tables of durability have their files while they are made (default $TMPDIR, else the current folder)")
	profile := flag.String("cpuprofile", "", "a file for a profile of the processor's time in all tables, less what other processes do")
	child := flag.String("child", "", "what to do for the process that has started this one")
	flag.Parse()
	if *child != "" {
		return beChild(*child, flag.Args())
	}

	size := sizes{entries: 100_000, rounds: 9, round: 300 * time.Millisecond, slow: time.Second, large: 1_000_000, repeats: 5}
	if *quick {
		size = sizes{entries: 100_000, rounds: 3, round: 100 * time.Millisecond, slow: 250 * time.Millisecond, large: 100_000, repeats: 3}
	}
	fmt.Printf("%s, %d processors, %s/%s\n", processor(), runtime.GOMAXPROCS(0), runtime.GOOS, runtime.GOARCH)
	fmt.Printf("%s, %s\n", runtime.Version(), strings.Join(append([]string{"go run ./bench"}, os.Args[1:]...), " "))
	if *profile != "" {
		return profiled(*profile, func() error { return makeTables(size, *only, *dir) })
	}
	return makeTables(size, *only, *dir)
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

// makeTables makes the tables named, by comma.
func makeTables(size sizes, names, dir string) (err error) {
	tables := map[string]func() error{
		"speed":    func() error { return speed(size) },
		"memory":   func() error { return memory(size) },
		"sweep":    func() error { return sweep(size) },
		"snapshot": func() error { return snapshot(size) },
	}
	d := &durable{sizes: size, parent: dir}
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
	return nil
}

// sizes says how much to measure.
type sizes struct {
	entries int           // in the tables of speed
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
