package main

import (
	"cmp"
	"errors"
	"fmt"
	"log"
	"slices"
	"strings"
)

// speed prints a table for each kind of store and workload.
func (b *bench) speed() error {
	b.section("Speed: million operations a second, all goroutines together",
		fmt.Sprintf(`TTL, idle timeout and metadata on for latchkey; a TTL for all others that have one.
A coarse clock is exact to %v. ristretto drops what is set while it has too much to do.
Columns are the number of goroutines; medians of %d rounds. In a round, all caches have a
turn, in random order: %v in each column, in random order as well, and before that twice as
long for nothing, in which what it uses comes into the processor's cache again.
Each cache is in a process of its own, and a turn begins when all others are at rest: so
what is collected is its own garbage, and what it does in the background its own work.
"16 ÷ 1" is the median of the rounds' ratios: throughput with 16 goroutines divided by
that with one. The last columns are such medians too: our throughput divided by theirs,
for 1 / 2 / 16 goroutines. **Above 1, latchkey is faster**; a ratio below 1 is where it loses.
The heap has been as large before as it becomes: what the system asks for new memory is
paid once in a process, and by whoever makes the most garbage.
What is set beyond a capacity needs one, so caches without are not in those tables.`, resolution, b.rounds, b.round))
	var plotted []panel
	for _, s := range setups {
		if b.quick && !s.main {
			continue
		}
		panels, err := b.speedOf(s)
		if err != nil {
			return err
		}
		if s.main {
			plotted = panels
		}
	}
	return b.plot("speed", plotted...)
}

// speedOf measures all workloads with one kind of store.
func (b *bench) speedOf(s setup) (plotted []panel, err error) {
	var selected []workload
	for _, w := range workloads {
		if (s.main || !w.mainly) && strings.Contains(strings.ToLower(w.name), strings.ToLower(b.workload)) {
			selected = append(selected, w)
		}
	}
	if len(selected) == 0 {
		return nil, nil
	}
	open := openRemote
	if b.together {
		open = openRacer
	}
	all, err := openAll(s, open)
	defer func() { err = errors.Join(err, closeAll(all)) }()
	if err != nil {
		return nil, err
	}
	for _, w := range selected {
		log.Printf("speed: %v: %s", s, w.name)
		var rivals []*rival
		for _, r := range all {
			if !w.inserts || !r.endless {
				rivals = append(rivals, r)
			}
		}
		if err := race(b, rivals, w); err != nil {
			return nil, err
		}
		b.printf("\n### %s: %v\n\n%s", w.name, s, speedTable(rivals))
		if w.plot {
			plotted = append(plotted, speedPanel(w, rivals))
		}
	}
	return plotted, nil
}

// speedPanel has the bars of one workload.
func speedPanel(w workload, rivals []*rival) panel {
	p := panel{title: strings.ToUpper(w.name[:1]) + w.name[1:] + ": million operations a second", columns: []string{"1 goroutine", "2 goroutines", "16 goroutines"}}
	for _, r := range rivals {
		var values []float64
		for column := range columns {
			values = append(values, r.rate(column))
		}
		p.add(r.name, r.ours, values...)
	}
	return p
}

// speedTable has a row for each rival: its throughput, what more goroutines make of it, and
// a column of ratios for each of ours.
func speedTable(rivals []*rival) string {
	t := table{head: []string{"", "1", "2", "16", "16 ÷ 1"}}
	for _, ours := range rivals {
		if ours.ours {
			t.head = append(t.head, strings.TrimPrefix(ours.name, "latchkey ")+" ÷ it")
		}
	}
	for _, r := range rivals {
		row := []string{r.name}
		for column := range columns {
			row = append(row, fmt.Sprintf("%.2f", r.rate(column)))
		}
		row = append(row, fmt.Sprintf("%.2f", r.speedup()))
		for _, ours := range rivals {
			if !ours.ours {
				continue
			}
			var ratios []string
			for column := range columns {
				ratios = append(ratios, fmt.Sprintf("%.2f", ours.ratio(r, column)))
			}
			row = append(row, strings.Join(ratios, " / "))
		}
		t.rows = append(t.rows, row)
	}
	return t.String()
}

// median returns the median of what value makes of the items.
func median[T any, N cmp.Ordered](items []T, value func(T) N) N {
	var values []N
	for _, item := range items {
		values = append(values, value(item))
	}
	slices.Sort(values)
	return values[len(values)/2]
}

func same(x float64) float64 { return x }
