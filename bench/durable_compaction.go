package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/latchkey-go/latchkey/persist"
	"github.com/latchkey-go/latchkey/store"
)

// compaction measures the waits of a Get while the journal of a large store is
// replaced by a snapshot.
func compaction(d *durable) (err error) {
	s, err := store.New(store.Options[string, webSession]{
		Capacity: d.large, TTL: time.Hour, IdleTimeout: time.Hour,
		Persist: persist.Config{Dir: d.path("compaction"), Sync: persist.EverySecond},
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	keys := sessionKeys(d.large)
	for i, key := range keys {
		if err := s.Set(key, webSessionOf(i)); err != nil {
			return err
		}
	}
	if err := s.Snapshot(context.Background()); err != nil { // so that none is due
		return err
	}
	fmt.Printf("\n## Compaction of a store of %d sessions: waits of a concurrent Get\n", d.large)
	for _, setEvery := range []time.Duration{0, 200 * time.Microsecond} {
		if err := compactRounds(d, s, keys, setEvery); err != nil {
			return err
		}
	}
	return nil
}

// compactRounds makes a table. With setEvery, entries are overwritten meanwhile.
func compactRounds(d *durable, s *store.Store[string, webSession], keys []string, setEvery time.Duration) error {
	var failed error
	l := latencies{get: func(i int) {
		if _, err := s.Get(keys[i*7919%len(keys)]); err != nil {
			failed = err
		}
	}}
	before := s.Stats()
	for range d.repeats {
		end, err := setter(s, keys, setEvery)
		l.compute(d.slow)
		l.round(func() error { return s.Snapshot(context.Background()) })
		end()
		if err := errors.Join(failed, *err); err != nil {
			return err
		}
	}
	st := s.Stats()
	if n := st.Snapshots - before.Snapshots; n != uint64(d.repeats) || st.SnapshotErrors > 0 {
		return fmt.Errorf("%d snapshots in %d rounds, %d have failed", n, d.repeats, st.SnapshotErrors)
	}
	if setEvery > 0 {
		fmt.Printf("\nThe same with %d Sets a second beside:\n", time.Second/setEvery)
	}
	fmt.Println()
	if err := l.print("compacting"); err != nil {
		return err
	}
	i := slices.IndexFunc(shown, func(q shownQuantile) bool { return q.q == 0.999 })
	ratio := l.at(l.busy, i).Seconds() / l.at(l.idle, i).Seconds()
	fmt.Printf("p99.9 while compacting is %.2f times that of idle (target: %s).\n", ratio, atMost(ratio, 2))
	return nil
}

// setter has a goroutine overwrite an entry every so often until end is called; 0 =
// never. err is good after that.
func setter(s *store.Store[string, webSession], keys []string, every time.Duration) (end func(), err *error) {
	err = new(error)
	if every == 0 {
		return func() {}, err
	}
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		pacedWaits(func(i int) {
			if e := s.Set(keys[i*7907%len(keys)], webSessionOf(i)); e != nil {
				*err = e
			}
		}, every, func() { <-stop })
	}()
	return func() { close(stop); <-done }, err
}
