package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
)

// durability is the tables about the disk, in order.
var durability = []struct {
	name  string
	table func(*durable) error
}{
	{"always", always},
	{"alone", alone},
	{"everysecond", everySecond},
	{"busy", busy},
	{"restore", restore},
	{"written", written},
	{"compaction", compaction},
}

func durabilityNames() (names []string) {
	for _, t := range durability {
		names = append(names, t.name)
	}
	return names
}

// durable is a run of these tables. Its files are in a folder that goes when the
// run ends, however it does.
type durable struct {
	sizes
	parent string // "" = $TMPDIR, else the current folder
	dir    string // "" = not made yet

	unwatch func() // ends the watch for signals

	mu   sync.Mutex // guards the fields below
	ends []func() error
}

// makeTable makes one table, with a folder of its own.
func (d *durable) makeTable(table func(*durable) error) error {
	if d.dir == "" {
		if err := d.open(); err != nil {
			return err
		}
	}
	if err := table(d); err != nil {
		return err
	}
	entries, err := os.ReadDir(d.dir)
	for _, e := range entries {
		err = errors.Join(err, os.RemoveAll(filepath.Join(d.dir, e.Name())))
	}
	return err
}

// open makes the folder and says what it is in.
func (d *durable) open() (err error) {
	if d.parent == "" {
		d.parent = os.Getenv("TMPDIR")
	}
	if d.parent == "" {
		d.parent = "."
	}
	if d.parent, err = filepath.Abs(d.parent); err != nil {
		return err
	}
	if d.dir, err = os.MkdirTemp(d.parent, "latchkey-bench-"); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	forget := context.AfterFunc(ctx, func() {
		_ = d.clear()
		os.Exit(1)
	})
	d.unwatch = func() { forget(); stop() }
	fmt.Printf("Files: %s\n", describeFileSystem(d.dir))
	if load, err := os.ReadFile("/proc/loadavg"); err == nil {
		fmt.Printf("Load of the machine before: %s\n", strings.Join(strings.Fields(string(load))[:3], ", "))
	}
	return nil
}

// close removes the folder, and ends what uses it.
func (d *durable) close() error {
	if d.dir == "" {
		return nil
	}
	d.unwatch()
	return d.clear()
}

func (d *durable) clear() (err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, end := range slices.Backward(d.ends) {
		err = errors.Join(err, end())
	}
	return errors.Join(err, os.RemoveAll(d.dir))
}

// atEnd has f called once: by what it returns, or when the run ends.
func (d *durable) atEnd(f func() error) (end func() error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	end = sync.OnceValue(f)
	d.ends = append(d.ends, end)
	return end
}

func (d *durable) path(name string) string { return filepath.Join(d.dir, name) }

// contestant is measured in rounds. What a round returns is up to its table.
type contestant struct {
	name  string
	round func() (float64, error)
}

// interleave measures all contestants in turn, round by round, and returns their
// medians.
func interleave(rounds int, all []contestant) ([]float64, error) {
	results := make([][]float64, len(all))
	for range rounds {
		for i, c := range all {
			runtime.GC() // what another one left must not count here
			result, err := c.round()
			if err != nil {
				return nil, fmt.Errorf("%s: %w", c.name, err)
			}
			results[i] = append(results[i], result)
		}
	}
	medians := make([]float64, len(all))
	for i, r := range results {
		medians[i] = median(r, same)
	}
	return medians, nil
}

// atMost says whether a figure is what was aimed at.
func atMost(figure, target float64) string {
	return verdict(fmt.Sprintf("at most %v", target), figure <= target)
}

// atLeast is atMost for what should be high.
func atLeast(figure, target float64) string {
	return verdict(fmt.Sprintf("at least %v", target), figure >= target)
}

func verdict(target string, met bool) string { return target + ": " + metOrMissed(met) }

func metOrMissed(met bool) string {
	if met {
		return "met"
	}
	return "**missed**"
}
