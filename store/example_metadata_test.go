package store_test

import (
	"fmt"
	"time"

	"github.com/latchkey-go/latchkey/store"
	"github.com/latchkey-go/latchkey/storetest"
)

func ExampleStore_Entry() {
	s, err := store.New(store.Options[string, string]{})
	check(err)
	defer s.Close()
	check(s.Set("a", "old"))
	check(s.Set("a", "new"))

	e, err := s.Entry("a")
	fmt.Println(e.Key, e.Value, err)
	fmt.Println("revision", e.Metadata.Revision, "accesses", e.Metadata.Accesses)
	// Output:
	// a new <nil>
	// revision 2 accesses 1
}

// Metadata leaves no trace, so it can be asked for as often as one likes.
func ExampleStore_Metadata() {
	clock := new(storetest.Clock)
	clock.Set(time.Date(2026, time.March, 2, 9, 0, 0, 0, time.UTC))
	s, err := store.New(store.Options[string, int]{TTL: time.Hour, Clock: clock})
	check(err)
	defer s.Close()
	check(s.Set("a", 1))
	clock.Advance(10 * time.Minute)
	check(s.Set("a", 2))
	clock.Advance(10 * time.Minute)
	_, err = s.Get("a")
	check(err)
	_, err = s.TryLock("a", 30*time.Second)
	check(err)

	m, found := s.Metadata("a")
	fmt.Println(found, m.Status)
	fmt.Println("created ", m.Created.Format(time.TimeOnly))
	fmt.Println("updated ", m.Updated.Format(time.TimeOnly))
	fmt.Println("accessed", m.Accessed.Format(time.TimeOnly), m.Accesses, "time")
	fmt.Println("expires ", m.Expires.Format(time.TimeOnly))
	fmt.Println("locked  ", m.LockedUntil.Format(time.TimeOnly), "fence", m.Fence)
	fmt.Println("revision", m.Revision)
	// Output:
	// true Locked
	// created  09:00:00
	// updated  09:10:00
	// accessed 09:20:00 1 time
	// expires  10:10:00
	// locked   09:20:30 fence 1
	// revision 2
}

func ExampleStore_Status() {
	clock := new(storetest.Clock)
	s, err := store.New(store.Options[string, int]{Clock: clock, SweepInterval: time.Hour})
	check(err)
	defer s.Close()
	check(s.Set("a", 1))
	check(s.Set("b", 2))
	_, err = s.TryLock("b", 0)
	check(err)
	check(s.SetWithTTL("c", 3, time.Second))
	clock.Advance(time.Second) // dead, but not yet freed

	for _, key := range []string{"a", "b", "c", "d"} { // there is no d
		status, found := s.Status(key)
		fmt.Println(key, status, found)
	}
	// Output:
	// a Active true
	// b Locked true
	// c Expired true
	// d Status(0) false
}

func ExampleStore_Stats() {
	s, err := store.New(store.Options[string, int]{Capacity: 1})
	check(err)
	defer s.Close()
	check(s.Set("a", 1))
	_, _ = s.Get("a")
	_, _ = s.Get("b")
	check(s.Set("b", 2))

	stats := s.Stats()
	fmt.Println("entries", stats.Entries, "of", stats.Capacity)
	fmt.Println("hits", stats.Hits, "misses", stats.Misses)
	fmt.Println("sets", stats.Sets, "evicted", stats.Evicted)
	// Output:
	// entries 1 of 1
	// hits 1 misses 1
	// sets 2 evicted 1
}

func ExampleStore_Equal() {
	a, err := store.New(store.Options[string, []int]{})
	check(err)
	defer a.Close()
	b, err := store.New(store.Options[string, []int]{})
	check(err)
	defer b.Close()

	check(a.Set("x", []int{1, 2}))
	fmt.Println(a.Equal(b))
	check(b.Set("x", []int{1, 2}))
	fmt.Println(a.Equal(b))
	// Output:
	// false
	// true
}

func ExampleStore_String() {
	s, err := store.New(store.Options[string, string]{Capacity: 100})
	check(err)
	defer s.Close()
	check(s.Set("secret", "secret"))
	fmt.Println(s) // no key or value in it: it is safe in logs
	// Output: store.Store{1 of 100 entries}
}
