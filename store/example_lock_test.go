package store_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/latchkey-go/latchkey/store"
	"github.com/latchkey-go/latchkey/storetest"
)

// Between the holder's read and its write nobody else gets in.
func ExampleStore_TryLock() {
	s, err := store.New(store.Options[string, int]{})
	check(err)
	defer s.Close()
	check(s.Set("a", 1))

	lease, err := s.TryLock("a", 10*time.Second)
	check(err)
	_, err = s.TryLock("a", 10*time.Second)
	fmt.Println("another holder:", err)
	fmt.Println("another writer:", s.Set("a", 7))

	n, err := lease.Get()
	check(err)
	check(lease.Set(n + 1))
	check(lease.Unlock())
	n, err = s.Get("a")
	fmt.Println(n, err)
	// Output:
	// another holder: store: locked
	// another writer: store: locked
	// 2 <nil>
}

// Lock waits for its turn: first come, first served.
func ExampleStore_Lock() {
	s, err := store.New(store.Options[string, int]{})
	check(err)
	defer s.Close()
	check(s.Set("a", 1))
	first, err := s.TryLock("a", 10*time.Second)
	check(err)

	done := make(chan error)
	go func() {
		second, err := s.Lock(context.Background(), "a", 10*time.Second)
		if err == nil {
			err = errors.Join(second.Set(3), second.Unlock())
		}
		done <- err
	}()
	check(first.Set(2))
	check(first.Unlock())
	check(<-done)
	n, err := s.Get("a")
	fmt.Println(n, err)
	// Output: 3 <nil>
}

// Whoever does not want to wait any longer ends the context.
func ExampleStore_Lock_timeout() {
	s, err := store.New(store.Options[string, int]{})
	check(err)
	defer s.Close()
	check(s.Set("a", 1))
	_, err = s.TryLock("a", 10*time.Second)
	check(err)

	ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	_, err = s.Lock(ctx, "a", 10*time.Second)
	fmt.Println(err)
	// Output: context deadline exceeded
}

// A holder who comes back after the deadline can't write, even if nobody has
// taken the lock since.
func ExampleLease_Set() {
	clock := new(storetest.Clock)
	s, err := store.New(store.Options[string, int]{Clock: clock})
	check(err)
	defer s.Close()
	check(s.Set("a", 1))

	lease, err := s.TryLock("a", 10*time.Second)
	check(err)
	fmt.Println(lease.Set(2))
	clock.Advance(10 * time.Second)
	fmt.Println(lease.Set(3))
	n, err := s.Get("a")
	fmt.Println(n, err)
	// Output:
	// <nil>
	// store: lease lost
	// 2 <nil>
}

// Unlock is good to be deferred: it does nothing the second time.
func ExampleLease_Unlock() {
	s, err := store.New(store.Options[string, int]{})
	check(err)
	defer s.Close()
	check(s.Set("a", 1))
	double := func() (err error) {
		lease, err := s.Lock(context.Background(), "a", 0)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, lease.Unlock()) }()
		n, err := lease.Get()
		if err != nil {
			return err
		}
		return lease.Set(2 * n)
	}
	fmt.Println(double(), double())
	n, err := s.Get("a")
	fmt.Println(n, err)
	// Output:
	// <nil> <nil>
	// 4 <nil>
}

// A holder that needs longer says so in time.
func ExampleLease_Extend() {
	clock := new(storetest.Clock)
	s, err := store.New(store.Options[string, int]{Clock: clock})
	check(err)
	defer s.Close()
	check(s.Set("a", 1))
	lease, err := s.TryLock("a", 10*time.Second)
	check(err)

	clock.Advance(9 * time.Second)
	fmt.Println(lease.Extend(10 * time.Second))
	clock.Advance(9 * time.Second)
	fmt.Println(lease.Deadline().Sub(clock.Now()), lease.Set(2))
	clock.Advance(time.Second)
	fmt.Println(lease.Extend(10 * time.Second))
	// Output:
	// <nil>
	// 1s <nil>
	// store: lease lost
}

// Done tells a holder at work that it has lost the lease.
func ExampleLease_Done() {
	s, err := store.New(store.Options[string, int]{})
	check(err)
	defer s.Close()
	check(s.Set("a", 1))
	lease, err := s.TryLock("a", 0)
	check(err)

	stopped := make(chan string)
	go func() {
		<-lease.Done()
		stopped <- "the holder stops its work on " + lease.Key()
	}()
	s.ForceUnlock("a")
	fmt.Println(<-stopped)
	// Output: the holder stops its work on a
}

// A logout through the lease: who waits for the session is told at once.
func ExampleLease_Delete() {
	s, err := store.New(store.Options[string, int]{})
	check(err)
	defer s.Close()
	check(s.Set("a", 1))
	lease, err := s.TryLock("a", 0)
	check(err)
	fmt.Println(lease.Delete())
	fmt.Println(lease.Unlock()) // there is nothing left to unlock
	fmt.Println(lease.Set(2))
	fmt.Println(s.Has("a"))
	// Output:
	// <nil>
	// <nil>
	// store: lease lost
	// false
}

// The fence rises with every lease, so that what is outside the store can refuse
// a holder that is late.
func ExampleLease_Fence() {
	clock := new(storetest.Clock)
	s, err := store.New(store.Options[string, int]{Clock: clock})
	check(err)
	defer s.Close()
	check(s.Set("file", 1))

	var newest uint64 // kept where the file is
	write := func(fence uint64) error {
		if fence < newest {
			return errors.New("an old fence")
		}
		newest = fence
		return nil
	}
	late, err := s.TryLock("file", 10*time.Second)
	check(err)
	clock.Advance(time.Minute)
	quick, err := s.TryLock("file", 10*time.Second)
	check(err)
	fmt.Println(write(quick.Fence()))
	fmt.Println(write(late.Fence()))
	// Output:
	// <nil>
	// an old fence
}

// The fence is all it takes to take up a lease again, in another function or in
// the next process.
func ExampleStore_Resume() {
	s, err := store.New(store.Options[string, int]{})
	check(err)
	defer s.Close()
	check(s.Set("a", 1))
	lease, err := s.TryLock("a", 0)
	check(err)
	ticket := lease.Fence()

	same, err := s.Resume("a", ticket)
	check(err)
	fmt.Println(same.Set(2), same.Unlock())
	_, err = s.Resume("a", ticket)
	fmt.Println(err)
	// Output:
	// <nil> <nil>
	// store: lease lost
}

// An operator breaks a lock whose holder is stuck.
func ExampleStore_ForceUnlock() {
	s, err := store.New(store.Options[string, int]{})
	check(err)
	defer s.Close()
	check(s.Set("a", 1))
	stuck, err := s.TryLock("a", 0)
	check(err)

	fmt.Println(s.ForceUnlock("a"), s.ForceUnlock("a"))
	fmt.Println(s.Set("a", 2))
	fmt.Println(stuck.Set(3))
	// Output:
	// true false
	// <nil>
	// store: lease lost
}
