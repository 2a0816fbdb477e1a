package main

import (
	"fmt"
	"iter"
	"log"
	"math"
	"os"
	"runtime"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/latchkey-go/latchkey/internal/recorded"
	"github.com/latchkey-go/latchkey/store"
)

// hitRivals are those of the recorded hit ratios that are shown, as the reference
// names them.
var hitRivals = []string{"opt", "otter", "theine", "s3fifo", "ristretto", "2q", "arc", "sieve"}

// ratios sums hit ratios by name.
type ratios struct {
	rows int
	sum  map[string]float64
}

func (r *ratios) add(of map[string]float64) {
	if r.sum == nil {
		r.sum = make(map[string]float64)
	}
	for name, ratio := range of {
		r.sum[name] += ratio
	}
	r.rows++
}

func (r *ratios) mean(name string) float64 { return r.sum[name] / float64(r.rows) }

// hits prints hit ratios on recorded traces beside those of others.
func (b *bench) hits() error {
	data := os.Getenv("LATCHKEY_DATA")
	b.section("Hit ratios on recorded traces, in percent", `A store is asked for each key, which is set when it is not there. Means over several
capacities of each trace; the others' ratios were recorded with the traces, in the
same way, and "opt" is the most there can be.`)
	if b.quick {
		b.printf("With -quick, only those of lirs and weblog are here.\n")
	}
	if data == "" {
		b.printf("\nLeft out: LATCHKEY_DATA is not set; it names the folder with recorded traces.\n")
		return nil
	}
	reference, err := recorded.HitRatios(data)
	if err != nil {
		return err
	}
	var order []string
	all, byTrace := new(ratios), make(map[string]*ratios)
	equal := 0
	for rows := range byItsTrace(reference) {
		trace := rows[0].Trace
		if b.quick && !strings.HasPrefix(trace, "lirs_") && !strings.HasPrefix(trace, "weblog_") {
			continue
		}
		log.Print("hits: ", trace)
		keys, err := recorded.Trace(data, trace)
		if err != nil {
			return err
		}
		if err := replay(rows, keys); err != nil {
			return err
		}
		order = append(order, trace)
		byTrace[trace] = new(ratios)
		for _, r := range rows {
			if math.Abs(r.Of["LRU"]-r.Of["lru"]) < 0.006 { // the reference has two digits
				equal++
			}
			all.add(r.Of)
			byTrace[trace].add(r.Of)
		}
	}
	b.printf("\n%s\nLRU has the hits of golang-lru in %d of %d rows.\n", hitTable(order, byTrace, all), equal, all.rows)
	bars := panel{title: fmt.Sprintf("Hit ratio in percent, mean of %d rows of traces and capacities", all.rows), columns: []string{""}}
	bars.add("the most there can be", false, all.mean("opt"))
	bars.add("latchkey TinyLFU", true, all.mean("TinyLFU"))
	bars.add("latchkey LRU", true, all.mean("LRU"))
	for _, name := range hitRivals[1:] {
		bars.add(name, false, all.mean(name))
	}
	return b.plot("hits", bars)
}

// byItsTrace goes through the rows of one trace after the other.
func byItsTrace(rows []recorded.Row) iter.Seq[[]recorded.Row] {
	return func(yield func([]recorded.Row) bool) {
		for len(rows) > 0 {
			n := 1
			for n < len(rows) && rows[n].Trace == rows[0].Trace {
				n++
			}
			if !yield(rows[:n]) {
				return
			}
			rows = rows[n:]
		}
	}
}

// replay adds our hit ratios to the rows of a trace, with as many stores at a time as there
// are processors.
func replay(rows []recorded.Row, keys []int64) error {
	policies := []store.Policy{store.LRU, store.TinyLFU}
	ratios := make([]float64, len(rows)*len(policies))
	var work errgroup.Group
	work.SetLimit(runtime.GOMAXPROCS(0))
	for i := range ratios {
		work.Go(func() (err error) {
			ratios[i], err = hitRatio(policies[i%len(policies)], rows[i/len(policies)].Size, keys)
			return err
		})
	}
	err := work.Wait()
	for i, ratio := range ratios {
		rows[i/len(policies)].Of[policies[i%len(policies)].String()] = ratio
	}
	return err
}

// hitRatio replays a trace and returns its hit ratio in percent.
func hitRatio(policy store.Policy, capacity int, keys []int64) (float64, error) {
	c, err := newStore[int](policy, nil)(capacity)
	if err != nil {
		return 0, err
	}
	defer c.close()
	hits := 0
	for _, k := range keys {
		if _, found := c.get(int(k)); found {
			hits++
		} else {
			c.set(int(k), 0)
		}
	}
	return 100 * float64(hits) / float64(len(keys)), nil
}

// hitTable has a row for each trace, and the means of all.
func hitTable(order []string, byTrace map[string]*ratios, all *ratios) table {
	names := append([]string{"TinyLFU", "LRU"}, hitRivals...)
	t := table{head: append([]string{"trace", "capacities"}, names...)}
	row := func(title string, r *ratios) {
		cells := []string{title, fmt.Sprint(r.rows)}
		for _, name := range names {
			cells = append(cells, fmt.Sprintf("%.2f", r.mean(name)))
		}
		t.rows = append(t.rows, cells)
	}
	for _, trace := range order {
		row(trace, byTrace[trace])
	}
	row("**all**", all)
	return t
}
