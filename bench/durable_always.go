package main

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/latchkey-go/latchkey/persist"
	"github.com/latchkey-go/latchkey/store"
)

const (
	manyWriters = 64
	valueSize   = 256
)

// always compares writes that are durable when they return, from many goroutines.
func always(d *durable) (err error) {
	ours, err := newAlways(d)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, ours.close()) }()
	asItIs, err := newBolt(d, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, asItIs.close()) }()
	tuned, err := newBolt(d, manyWriters)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, tuned.close()) }()
	all := []contestant{
		{"latchkey", func() (float64, error) { return ours.round(manyWriters, d.slow) }},
		{"bbolt, DB.Batch", func() (float64, error) { return asItIs.round(d.slow) }},
		{fmt.Sprintf("bbolt, DB.Batch with MaxBatchSize = %d", manyWriters), func() (float64, error) { return tuned.round(d.slow) }},
	}
	redis, err := startRedis(d)
	switch {
	case errors.Is(err, errNoRedis):
	case err != nil:
		return err
	default:
		defer func() { err = errors.Join(err, redis.stop()) }()
		all = append(all, contestant{redis.version + ", appendfsync always", redis.round})
	}
	medians, err := interleave(d.rounds, all)
	if err != nil {
		return err
	}
	if err := ours.check(); err != nil {
		return err
	}
	fmt.Printf("\n## Sync Always: Sets per second from %d goroutines, %d-byte keys, %d-byte values, %d keys\n\n", manyWriters, len(ours.keys[0]), valueSize, d.entries)
	fmt.Print("| | Sets per second | latchkey does so many times that | target |\n|---|--:|--:|---|\n")
	targets := []func(float64) string{
		nil,
		func(x float64) string { return atLeast(x, 10) },
		nil,
		func(x float64) string { return atLeast(x, 1) },
	}
	for i, c := range all {
		ratio, target := medians[0]/medians[i], ""
		if targets[i] != nil {
			target = targets[i](ratio)
		}
		fmt.Printf("| %s | %.0f | %.2f | %s |\n", c.name, medians[i], ratio, target)
	}
	if redis == nil {
		fmt.Printf("| redis-server | - | - | at least 1: not measured, %v |\n", errNoRedis)
	}
	j := ours.store.Stats().Journal
	fmt.Printf("\nMedians of %d rounds. One fsync served %.1f Sets of latchkey.\n", d.rounds, float64(j.Records)/float64(j.Syncs))
	if redis != nil {
		fmt.Printf("Redis is measured by redis-benchmark %s.\n", redis.args())
	}
	return nil
}

// alwaysStore is a store with Sync Always that is full.
type alwaysStore struct {
	store *store.Store[string, []byte]
	keys  []string
	order []int
	value []byte
	sets  uint64 // done since it was opened
}

func newAlways(d *durable) (*alwaysStore, error) {
	a := &alwaysStore{keys: shortKeys(d.entries), value: bytes.Repeat([]byte{'v'}, valueSize)}
	a.order = rand.New(rand.NewPCG(1, 2)).Perm(len(a.keys))
	options := store.Options[string, []byte]{
		Capacity: d.entries, TTL: time.Hour,
		Persist: persist.Config{Dir: d.path("always"), Codec: rawCodec{}, Sync: persist.OnSnapshot},
	}
	full, err := store.New(options) // filled in another way, for time
	if err != nil {
		return nil, err
	}
	for _, key := range a.keys {
		err = errors.Join(err, full.Set(key, a.value))
	}
	if err := errors.Join(err, full.Close()); err != nil {
		return nil, err
	}
	options.Persist.Sync = persist.Always
	a.store, err = store.New(options)
	return a, err
}

func (a *alwaysStore) set(i int) error { return a.store.Set(a.keys[a.order[i%len(a.order)]], a.value) }

func (a *alwaysStore) round(goroutines int, about time.Duration) (float64, error) {
	perSecond, n, err := hammer(goroutines, 1, about, a.set)
	a.sets += uint64(n)
	return perSecond, err
}

// check makes sure that all that was counted has been done.
func (a *alwaysStore) check() error {
	st := a.store.Stats()
	switch {
	case st.Sets != a.sets || st.Journal.Records != a.sets:
		return fmt.Errorf("%d Sets counted, %d done and %d in the journal", a.sets, st.Sets, st.Journal.Records)
	case st.Entries != len(a.keys) || len(a.keys[0]) != 16 || len(a.value) != valueSize:
		return fmt.Errorf("%d entries of %d + %d bytes", st.Entries, len(a.keys[0]), len(a.value))
	}
	return nil
}

func (a *alwaysStore) close() error { return a.store.Close() }
