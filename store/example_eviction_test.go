package store_test

import (
	"fmt"
	"maps"
	"time"

	"github.com/latchkey-go/latchkey/store"
	"github.com/latchkey-go/latchkey/storetest"
)

// At capacity, a new key takes the place of the one that has not been used for
// the longest time.
func ExampleOptions_capacity() {
	s, err := store.New(store.Options[string, int]{Capacity: 2})
	check(err)
	defer s.Close()
	check(s.Set("a", 1))
	check(s.Set("b", 2))
	_, err = s.Get("a")
	check(err)

	check(s.Set("c", 3))
	fmt.Println(maps.Collect(s.All()))
	check(s.Set("c", 4)) // overwriting takes no room
	fmt.Println(maps.Collect(s.All()))
	// Output:
	// map[a:1 c:3]
	// map[a:1 c:4]
}

// With a Weigher, entries go until a newcomer's weight fits, too.
func ExampleOptions_maxWeight() {
	s, err := store.New(store.Options[string, []byte]{
		Weigher:   func(key string, value []byte) uint32 { return uint32(len(key) + len(value)) },
		MaxWeight: 1 << 20,
	})
	check(err)
	defer s.Close()
	check(s.Set("small", make([]byte, 1000)))
	check(s.Set("large", make([]byte, 900_000)))
	check(s.Set("other", make([]byte, 300_000)))
	fmt.Println(s.Has("small"), s.Has("large"), s.Has("other"), s.Stats().Weight)
	fmt.Println(s.Set("too large", make([]byte, 2<<20)))
	// Output:
	// false false true 300005
	// store: full: what could go is locked, or the value is too heavy
}

// What is locked is never evicted. If nothing else could go, there is no room.
func ExampleOptions_full() {
	s, err := store.New(store.Options[string, int]{Capacity: 1})
	check(err)
	defer s.Close()
	check(s.Set("a", 1))
	lease, err := s.TryLock("a", 0)
	check(err)
	fmt.Println(s.Set("b", 2))
	check(lease.Unlock())
	fmt.Println(s.Set("b", 2))
	// Output:
	// store: full: what could go is locked, or the value is too heavy
	// <nil>
}

func ExampleStore_Resize() {
	s, err := store.New(store.Options[string, int]{Capacity: 3})
	check(err)
	defer s.Close()
	for i, key := range []string{"a", "b", "c"} {
		check(s.Set(key, i))
	}
	evicted, err := s.Resize(1)
	fmt.Println(evicted, err, maps.Collect(s.All()))
	_, err = s.Resize(0)
	fmt.Println(err)
	// Output:
	// 2 <nil> map[c:2]
	// store: capacity is 0; it must be between 1 and 2147483647
}

// OnRemove hears of every value that goes, and why.
func ExampleOptions_onRemove() {
	clock := new(storetest.Clock)
	s, err := store.New(store.Options[string, int]{
		Capacity: 2,
		TTL:      time.Hour,
		Clock:    clock,
		OnRemove: func(r store.Removal[string, int]) { fmt.Println(r.Key, r.Value, r.Reason) },
	})
	check(err)
	defer s.Close()

	check(s.Set("a", 1))
	check(s.Set("a", 2))
	check(s.Set("b", 3))
	check(s.Set("c", 4))
	check(s.Delete("b"))
	clock.Advance(time.Hour) // the sweep comes by
	check(s.Set("d", 5))
	check(s.Clear())
	// Output:
	// a 1 Replaced
	// a 2 Evicted
	// b 3 Deleted
	// c 4 Expired
	// d 5 Cleared
}
