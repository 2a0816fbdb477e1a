package store_test

import (
	"fmt"
	"time"

	"github.com/latchkey-go/latchkey/store"
	"github.com/latchkey-go/latchkey/storetest"
)

// The earlier of the two deadlines counts: the TTL runs from the last write, the
// idle timeout from the last access.
func ExampleOptions_expiry() {
	clock := new(storetest.Clock)
	s, err := store.New(store.Options[string, int]{
		TTL:         time.Hour,
		IdleTimeout: 20 * time.Minute,
		Clock:       clock,
	})
	check(err)
	defer s.Close()
	check(s.Set("used", 1))
	check(s.Set("unused", 1))

	for range 4 {
		clock.Advance(15 * time.Minute)
		_, err := s.Get("used")
		fmt.Println(clock.Now().Format("15:04"), "used:", err, "unused:", s.Has("unused"))
	}
	// Output:
	// 00:15 used: <nil> unused: true
	// 00:30 used: <nil> unused: false
	// 00:45 used: <nil> unused: false
	// 01:00 used: store: not found unused: false
}

// A fake clock takes a test through hours in no time.
func ExampleOptions_clock() {
	clock := new(storetest.Clock) // in a test: storetest.NewClock(t)
	s, err := store.New(store.Options[string, int]{TTL: time.Hour, Clock: clock})
	check(err)
	defer s.Close()
	check(s.Set("a", 1))

	clock.Advance(time.Hour - 1)
	fmt.Println(s.Has("a"))
	clock.Advance(1) // dead when now >= deadline
	fmt.Println(s.Has("a"))
	// Output:
	// true
	// false
}

// An entry can have a TTL of its own. Update keeps to it, Set goes back to the
// store's.
func ExampleStore_SetWithTTL() {
	clock := new(storetest.Clock)
	s, err := store.New(store.Options[string, string]{TTL: time.Hour, Clock: clock})
	check(err)
	defer s.Close()
	check(s.SetWithTTL("code", "1234", time.Minute))
	check(s.SetWithTTL("owner", "Ada", store.NoExpiry))
	fmt.Println(s.SetWithTTL("code", "1234", 0))

	clock.Advance(time.Minute)
	fmt.Println(s.Has("code"), s.Has("owner"))
	clock.Advance(24 * time.Hour)
	fmt.Println(s.Has("owner"))
	// Output:
	// store: TTL is 0s; it must be above 0 and at most 100 years, or NoExpiry
	// false true
	// true
}

// Touch keeps an entry from idling out without reading it.
func ExampleStore_Touch() {
	clock := new(storetest.Clock)
	s, err := store.New(store.Options[string, int]{IdleTimeout: 30 * time.Minute, Clock: clock})
	check(err)
	defer s.Close()
	check(s.Set("a", 1))

	clock.Advance(20 * time.Minute)
	fmt.Println(s.Touch("a"))
	clock.Advance(20 * time.Minute)
	fmt.Println(s.Has("a"))
	clock.Advance(10 * time.Minute)
	fmt.Println(s.Touch("a"))
	// Output:
	// <nil>
	// true
	// store: not found
}

// Len counts live entries alone, and frees those that are dead.
func ExampleStore_Len() {
	clock := new(storetest.Clock)
	s, err := store.New(store.Options[string, int]{Clock: clock, SweepInterval: time.Hour})
	check(err)
	defer s.Close()
	check(s.Set("a", 1))
	check(s.SetWithTTL("b", 2, time.Minute))
	fmt.Println(s.Len())

	clock.Advance(time.Minute)
	fmt.Println(s.Len())
	fmt.Println(s.Stats().Expired)
	// Output:
	// 2
	// 1
	// 1
}
