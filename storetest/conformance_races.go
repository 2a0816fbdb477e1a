package storetest

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"

	"github.com/latchkey-go/latchkey/store"
)

const (
	increments = 201 // so many that a lost one is not lost in some round number
	workers    = 6
)

// together has all workers do their parts at once, by turns through both clients,
// and returns their first error.
func (t *trial) together(do func(ctx context.Context, s sharedClient, worker int) error) error {
	errs := make([]error, workers)
	start := make(chan struct{})
	var all sync.WaitGroup
	for w := range workers {
		s := t.a
		if w%2 == 1 {
			s = t.b
		}
		all.Go(func() {
			<-start
			errs[w] = do(t.ctx, s, w)
		})
	}
	close(start)
	all.Wait()
	return errors.Join(errs...)
}

// incremented demands what increments have made of an entry that was set to 0.
func (t *trial) incremented() {
	t.Helper()
	t.holds("incremented by all", "a", increments)
	t.equal("Revision", t.look("a").Metadata.Revision, uint64(1+increments))
}

// No Update loses another one.
func conformConcurrentUpdates(tb testing.TB, e Engine) {
	t := e.try(tb, EngineOptions{})
	t.set("a", 0)
	add := func(old Value, _ bool) (Value, error) {
		runtime.Gosched() // others get in between
		return Value{N: old.N + 1}, nil
	}
	t.ok("Update", t.together(func(ctx context.Context, s sharedClient, worker int) error {
		for i := worker; i < increments; i += workers {
			_, err := s.Update(ctx, "a", add)
			for errors.Is(err, store.ErrConflict) { // others were always first
				_, err = s.Update(ctx, "a", add)
			}
			if err != nil {
				return err
			}
		}
		return nil
	}))
	t.incremented()
}

// Between Get and Set of a holder nobody gets in.
func conformConcurrentLeases(tb testing.TB, e Engine) {
	t := e.try(tb, EngineOptions{})
	t.set("a", 0)
	t.ok("a lease", t.together(func(ctx context.Context, s sharedClient, worker int) error {
		latest := uint64(0)
		for i := worker; i < increments; i += workers {
			l, err := s.Lock(ctx, "a", 0)
			if err != nil {
				return err
			}
			if l.Fence() <= latest {
				return fmt.Errorf("fence %d after %d", l.Fence(), latest)
			}
			latest = l.Fence()
			value, err := l.Get(ctx)
			runtime.Gosched() // others would get in between
			if err == nil {
				err = l.Set(ctx, Value{N: value.N + 1})
			}
			if err = errors.Join(err, l.Unlock(ctx)); err != nil {
				return err
			}
		}
		return nil
	}))
	t.incremented()
}

// Of several who want to be the first, one is.
func conformOneWinner(tb testing.TB, e Engine) {
	t := e.try(tb, EngineOptions{})
	const rounds = 20
	for _, race := range []struct {
		name string
		run  func(ctx context.Context, s sharedClient, key string, worker int) (won bool, err error)
	}{
		{"SetIfAbsent", func(ctx context.Context, s sharedClient, key string, worker int) (bool, error) {
			return s.SetIfAbsent(ctx, key, Value{N: worker})
		}},
		{"CompareAndSet", func(ctx context.Context, s sharedClient, key string, worker int) (bool, error) {
			err := s.CompareAndSet(ctx, key, 1, Value{N: worker})
			return err == nil, unless(err, store.ErrConflict)
		}},
		{"TryLock", func(ctx context.Context, s sharedClient, key string, _ int) (bool, error) {
			_, err := s.TryLock(ctx, key, 0)
			return err == nil, unless(err, store.ErrLocked)
		}},
	} {
		for round := range rounds {
			key := fmt.Sprint(race.name, round)
			if race.name != "SetIfAbsent" {
				t.set(key, -1)
			}
			var mu sync.Mutex // guards winners
			var winners []int
			t.ok(race.name, t.together(func(ctx context.Context, s sharedClient, worker int) error {
				won, err := race.run(ctx, s, key, worker)
				if won {
					mu.Lock()
					defer mu.Unlock()
					winners = append(winners, worker)
				}
				return err
			}))
			t.equal("winners of "+race.name, len(winners), 1)
			if race.name != "TryLock" {
				t.holds("the winner's value stays", key, winners[0])
			}
		}
	}
}

// unless returns err, unless it is a certain one.
func unless(err, expected error) error {
	if errors.Is(err, expected) {
		return nil
	}
	return err
}
