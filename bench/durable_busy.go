package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/latchkey-go/latchkey/persist"
	"github.com/latchkey-go/latchkey/store"
)

// busy measures the waits of single Sets, and of Gets beside them, while another
// process keeps the disk busy.
func busy(d *durable) (err error) {
	memory, err := newBusyStore(d, persist.Config{})
	if err != nil {
		return err
	}
	journal, err := newBusyStore(d, persist.Config{Dir: d.path("busy"), Codec: rawCodec{}, Sync: persist.EverySecond})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, journal.store.Close()) }()
	fmt.Printf("\n## Sync EverySecond on a disk that another process keeps busy: waits of single calls\n\n%d entries, 16-byte keys, %d-byte values.\n", d.entries, valueSize)
	for _, every := range []time.Duration{50 * time.Microsecond, 0} {
		rows := []*busyRow{
			{store: memory, name: "memory only, disk busy", busy: true},
			{store: journal, name: "EverySecond, disk at rest"},
			{store: journal, name: "EverySecond, disk busy", busy: true},
		}
		written := 0.0
		for range d.repeats {
			for _, r := range rows {
				rate, err := r.round(d, every)
				if err != nil {
					return fmt.Errorf("%s: %w", r.name, err)
				}
				written = max(written, rate)
			}
		}
		if every > 0 {
			fmt.Printf("\nOne goroutine calls Set and one calls Get, each %d times a second:\n\n", time.Second/every)
		} else {
			fmt.Print("\nThe same as fast as they can:\n\n")
		}
		fmt.Print("| | calls a round |" + quantileNames() + " longest of all | p99.99 at most 10 ms |\n|---|--:|" + strings.Repeat("--:|", len(shown)) + "---|\n")
		for _, r := range rows {
			r.print()
		}
		fmt.Printf("\nMedians of %d rounds of %v each; the other process wrote up to %.0f MB/s and synced 8 MB at a time.\n", d.repeats, 2*d.slow, written/1e6)
	}
	return errors.Join(memory.check(), journal.check())
}

// busyRow is a situation, with what was measured in it.
type busyRow struct {
	store      *busyStore
	name       string
	busy       bool
	sets, gets []quantiles
}

// round returns what the other process has written a second.
func (r *busyRow) round(d *durable, every time.Duration) (rate float64, err error) {
	var other *childProcess
	if r.busy {
		if other, err = d.startChild("busy", d.path("other")); err != nil {
			return 0, err
		}
		if _, err := other.out.ReadString('\n'); err != nil { // once it is under way
			return 0, errors.Join(err, other.wait(nil))
		}
	}
	var gets quantiles
	s := r.store
	sets := pacedWaits(s.set, every, func() {
		gets = pacedWaits(s.get, every, func() { time.Sleep(2 * d.slow) })
	})
	r.sets, r.gets = append(r.sets, sets), append(r.gets, gets)
	if other != nil {
		err = errors.Join(other.in.Close(), other.wait(&rate), os.Remove(d.path("other")))
	}
	return rate, errors.Join(err, s.err())
}

func (r *busyRow) print() {
	for _, of := range []struct {
		name   string
		rounds []quantiles
	}{{"Set", r.sets}, {"Get", r.gets}} {
		fmt.Printf("| %s, %s | %d |", of.name, r.name, median(of.rounds, func(q quantiles) int { return q.n }))
		longest := time.Duration(0)
		for i, s := range shown {
			at := median(of.rounds, func(q quantiles) time.Duration { return q.at[i] })
			if s.q < 1 {
				fmt.Printf(" %v |", round3(at))
			}
		}
		for _, q := range of.rounds {
			longest = max(longest, q.at[len(shown)-1])
		}
		target := ""
		if r.store.store.Stats().Journal.Records > 0 {
			target = metOrMissed(median(of.rounds, func(q quantiles) time.Duration { return q.at[len(shown)-2] }) <= 10*time.Millisecond)
		}
		fmt.Printf(" %v | %s |\n", round3(longest), target)
	}
}

// quantileNames is the head of a table, but for the longest.
func quantileNames() string {
	var b strings.Builder
	for _, s := range shown {
		if s.q < 1 {
			b.WriteString(" " + s.name + " |")
		}
	}
	return b.String()
}

// round3 leaves three digits of a duration.
func round3(d time.Duration) time.Duration {
	unit := time.Duration(1)
	for d/unit >= 1000 {
		unit *= 10
	}
	return d.Round(unit)
}

// busyStore is a store for which single calls are measured.
type busyStore struct {
	store  *store.Store[string, []byte]
	keys   []string
	value  []byte
	sets   uint64 // done
	failed [2]atomic.Pointer[error]
}

func newBusyStore(d *durable, config persist.Config) (*busyStore, error) {
	s, err := store.New(store.Options[string, []byte]{Capacity: d.entries, TTL: time.Hour, IdleTimeout: time.Hour, Persist: config})
	if err != nil {
		return nil, err
	}
	b := &busyStore{store: s, keys: shortKeys(d.entries), value: make([]byte, valueSize)}
	for i := range b.keys {
		b.set(i)
	}
	return b, b.err()
}

func (b *busyStore) set(i int) {
	b.sets++
	if err := b.store.Set(b.keys[i*7919%len(b.keys)], b.value); err != nil {
		b.failed[0].Store(&err)
	}
}

func (b *busyStore) get(i int) {
	if value, err := b.store.Get(b.keys[i*7907%len(b.keys)]); err != nil || len(value) != valueSize {
		err = fmt.Errorf("a Get of %d bytes: %w", len(value), err)
		b.failed[1].Store(&err)
	}
}

// err returns what has failed.
func (b *busyStore) err() error {
	for i := range b.failed {
		if err := b.failed[i].Load(); err != nil {
			return *err
		}
	}
	return nil
}

func (b *busyStore) check() error {
	if st := b.store.Stats(); st.Sets != b.sets || st.Entries != len(b.keys) {
		return fmt.Errorf("%d Sets counted, %d done, %d entries", b.sets, st.Sets, st.Entries)
	}
	return nil
}
