package store_test

import (
	"errors"
	"fmt"
	"log"
	"slices"
	"time"

	"github.com/latchkey-go/latchkey/store"
)

// check ends an example at an error that it does not expect.
func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// Sessions of a web shop: typed, with an idle timeout, and safe against two
// requests that come at once.
func Example() {
	type Session struct {
		User string
		Cart []string
	}
	sessions, err := store.New(store.Options[string, Session]{
		Capacity:    10_000,
		TTL:         24 * time.Hour,
		IdleTimeout: 30 * time.Minute,
	})
	check(err)
	defer sessions.Close()

	check(sessions.Set("id-1", Session{User: "Ada"}))
	_, err = sessions.Update("id-1", func(s Session, found bool) (Session, error) {
		if !found {
			return s, store.ErrNotFound // logged out meanwhile
		}
		s.Cart = append(slices.Clip(s.Cart), "tea")
		return s, nil
	})
	check(err)

	session, err := sessions.Get("id-1")
	fmt.Println(session.User, session.Cart, err)
	_, err = sessions.Get("id-2")
	fmt.Println(err)
	// Output:
	// Ada [tea] <nil>
	// store: not found
}

// New says what is wrong with options that can't work.
func ExampleNew() {
	_, err := store.New(store.Options[string, int]{Capacity: -1})
	fmt.Println(err)
	_, err = store.New(store.Options[string, int]{TTL: -time.Second})
	fmt.Println(err)

	s, err := store.New(store.Options[string, int]{}) // the zero value works
	check(err)
	fmt.Println(s)
	check(s.Close())
	// Output:
	// store: capacity is -1; it must be between 0 and 2147483647
	// store: TTL is -1s; it must be between 0 and 100 years
	// store.Store{0 of 1000 entries}
}

func ExampleDefaultOptions() {
	o := store.DefaultOptions[string, int]()
	o.IdleTimeout = 30 * time.Minute
	s, err := store.New(o)
	check(err)
	defer s.Close()
	fmt.Println(o.Capacity, o.Policy, o.TTL, o.MaxLease, o.SweepInterval)
	// Output: 1000 LRU 1h0m0s 30s 1m0s
}

func ExampleStore_Close() {
	s, err := store.New(store.Options[string, int]{})
	check(err)
	check(s.Set("a", 1))
	fmt.Println(s.Close(), s.Close()) // the second does nothing

	_, err = s.Get("a")
	fmt.Println(err)
	fmt.Println(errors.Is(s.Set("a", 2), store.ErrClosed))
	// Output:
	// <nil> <nil>
	// store: closed
	// true
}
