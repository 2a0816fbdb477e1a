package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/latchkey-go/latchkey/persist"
	"github.com/latchkey-go/latchkey/store"
)

// everySecond compares writes that a kill does not undo to writes to memory.
func everySecond(d *durable) error {
	fmt.Printf("\n## Sync EverySecond: ns per Set that overwrites, %d entries, %d-byte string keys, TTL and idle timeout on\n\n", d.entries, len(sessionKeys(1)[0]))
	fmt.Print("| value | goroutines | memory only | EverySecond | ratio | target | ratio without compaction | encoding alone |\n|---|--:|--:|--:|--:|---|--:|--:|\n")
	session := func(i int) webSession { return webSessionOf(i) }
	for _, table := range []func() error{
		func() error { return overwriting(d, "int, JSON", persist.JSON{}, func(i int) int { return i }) },
		func() error {
			return overwriting(d, "200 bytes, raw", rawCodec{}, func(i int) []byte { return bytes.Repeat([]byte{byte(i)}, 200) })
		},
		func() error { return overwriting(d, "session, JSON", persist.JSON{}, session) },
		func() error { return overwriting(d, "session, Gob", persist.Gob{}, session) },
	} {
		if err := table(); err != nil {
			return err
		}
	}
	fmt.Printf("\nMedians of %d rounds. At this rate the journal outgrows the last snapshot several times a second, "+
		"and is compacted each time, except in the last but one column. "+
		"Encoding alone is what the codec takes for a value: with sessions, that is most of it.\n", d.repeats)
	return nil
}

// overwriting makes the rows for one kind of values.
func overwriting[V any](d *durable, name string, codec persist.Codec, value func(i int) V) (err error) {
	memory, err := newOverwriter(d, persist.Config{}, value)
	if err != nil {
		return err
	}
	config := persist.Config{Dir: d.path(name), Codec: codec, Sync: persist.EverySecond}
	journal, err := newOverwriter(d, config, value)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, journal.store.Close()) }()
	config.Dir, config.MinJournal = d.path(name+" without compaction"), 1<<50
	alone, err := newOverwriter(d, config, value)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, alone.store.Close()) }()
	encode, err := encoder(codec, memory.values[0])
	if err != nil {
		return err
	}
	for _, goroutines := range []int{1, 16} {
		medians, err := interleave(d.repeats, []contestant{
			{"memory only", func() (float64, error) { return memory.round(goroutines, d.round) }},
			{"EverySecond", func() (float64, error) { return journal.roundAndRest(goroutines, 2*d.round) }},
			{"without compaction", func() (float64, error) { return alone.roundAndRest(goroutines, 2*d.round) }},
			{"encoding", func() (float64, error) {
				perSecond, _, err := hammer(goroutines, overwriteBatch, d.round/3, func(i int) error {
					_, err := encode.Marshal(memory.values[i%len(memory.values)])
					return err
				})
				return 1e9 / perSecond, err
			}},
		})
		if err != nil {
			return err
		}
		ratio := medians[1] / medians[0]
		fmt.Printf("| %s | %d | %.0f | %.0f | %.2f | %s | %.2f | %.0f |\n",
			name, goroutines, medians[0], medians[1], ratio, atMost(ratio, 2), medians[2]/medians[0], medians[3])
	}
	return errors.Join(memory.check(), journal.check(), alone.check())
}

const overwriteBatch = 100

// overwriter is a store whose entries are overwritten.
type overwriter[V any] struct {
	store  *store.Store[string, V]
	keys   []string
	order  []int
	values []V
	sets   uint64 // done
}

func newOverwriter[V any](d *durable, config persist.Config, value func(i int) V) (*overwriter[V], error) {
	s, err := store.New(store.Options[string, V]{Capacity: d.entries, TTL: time.Hour, IdleTimeout: time.Hour, Persist: config})
	if err != nil {
		return nil, err
	}
	o := &overwriter[V]{store: s, keys: sessionKeys(d.entries), order: rand.New(rand.NewPCG(1, 2)).Perm(d.entries)}
	for i := range 1 << 10 {
		o.values = append(o.values, value(i))
	}
	for i := range o.keys {
		if err := o.set(i); err != nil {
			return nil, err
		}
	}
	o.sets = uint64(len(o.keys))
	return o, nil
}

func (o *overwriter[V]) set(i int) error {
	return o.store.Set(o.keys[o.order[i%len(o.order)]], o.values[i%len(o.values)])
}

// round returns the nanoseconds per Set.
func (o *overwriter[V]) round(goroutines int, about time.Duration) (float64, error) {
	perSecond, n, err := hammer(goroutines, overwriteBatch, about, o.set)
	o.sets += uint64(n)
	return 1e9 / perSecond, err
}

// roundAndRest is round, and then has done what is left to be done: it must not
// count for others.
func (o *overwriter[V]) roundAndRest(goroutines int, about time.Duration) (float64, error) {
	ns, err := o.round(goroutines, about)
	return ns, errors.Join(err, o.store.Snapshot(context.Background()))
}

// check makes sure that all that was counted has been done.
func (o *overwriter[V]) check() error {
	st := o.store.Stats()
	if st.Sets != o.sets || st.Entries != len(o.keys) || st.Replaced != o.sets-uint64(len(o.keys)) {
		return fmt.Errorf("%d Sets counted, %d done, %d of them over another value, %d entries", o.sets, st.Sets, st.Replaced, st.Entries)
	}
	if records := st.Journal.Records; records != 0 && records != o.sets {
		return fmt.Errorf("%d Sets, %d records in the journal", o.sets, records)
	}
	return nil
}
