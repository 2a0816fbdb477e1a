// Locking shows what leases are for: two workers that change one entry at the
// same time lose nothing, and a holder who comes too late changes nothing, be
// it in the store or outside.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/latchkey-go/latchkey/store"
	"github.com/latchkey-go/latchkey/storetest"
)

func main() {
	if err := errors.Join(twoWorkers(), lateHolder()); err != nil {
		log.Fatal(err)
	}
}

// twoWorkers has two goroutines raise one counter 1000 times each.
func twoWorkers() error {
	counters, err := store.New(store.Options[string, int]{})
	if err != nil {
		return err
	}
	if err := counters.Set("sold", 0); err != nil {
		return err
	}
	done := make(chan error)
	for range 2 {
		go func() { done <- work(counters, 1000) }()
	}
	if err := errors.Join(<-done, <-done); err != nil {
		return err
	}
	sold, err := counters.Get("sold")
	fmt.Println("sold by two workers:", sold)
	return errors.Join(err, counters.Close())
}

func work(counters *store.Store[string, int], times int) error {
	for range times {
		if err := sell(counters); err != nil {
			return err
		}
	}
	return nil
}

// sell reads, computes and writes; between the two nobody else gets in.
func sell(counters *store.Store[string, int]) (err error) {
	lease, err := counters.Lock(context.Background(), "sold", time.Second) // waits for its turn
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lease.Unlock()) }()
	n, err := lease.Get()
	if err != nil {
		return err
	}
	return lease.Set(n + 1)
}

// lateHolder has a holder sleep past its deadline and then try to write. The
// clock is a fake one, so that it need not really sleep.
func lateHolder() error {
	clock := new(storetest.Clock)
	reports, err := store.New(store.Options[string, string]{Clock: clock})
	if err != nil {
		return err
	}
	if err := reports.Set("today", "empty"); err != nil {
		return err
	}
	var printer printer

	late, err := reports.TryLock("today", 10*time.Second)
	if err != nil {
		return err
	}
	clock.Advance(10 * time.Second) // the deadline
	quick, err := reports.TryLock("today", 10*time.Second)
	if err != nil {
		return err
	}
	fmt.Println("quick writes:  ", quick.Set("by quick"))
	fmt.Println("quick prints:  ", printer.print(quick.Fence(), "by quick"))
	fmt.Println("late writes:   ", late.Set("by late"))
	fmt.Println("late prints:   ", printer.print(late.Fence(), "by late"))
	if err := quick.Unlock(); err != nil {
		return err
	}
	report, err := reports.Get("today")
	fmt.Println("in the store:  ", report)
	fmt.Println("on the printer:", printer.paper)
	return errors.Join(err, reports.Close())
}
