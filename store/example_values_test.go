package store_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/latchkey-go/latchkey/store"
)

func ExampleStore_Get() {
	s, err := store.New(store.Options[string, int]{})
	check(err)
	defer s.Close()
	check(s.Set("zero", 0))

	n, err := s.Get("zero")
	fmt.Println(n, err) // a zero value is a value
	n, err = s.Get("nothing")
	fmt.Println(n, err)
	// Output:
	// 0 <nil>
	// 0 store: not found
}

func ExampleStore_Set() {
	s, err := store.New(store.Options[string, int]{})
	check(err)
	defer s.Close()

	check(s.Set("a", 1))
	check(s.Set("a", 2))
	n, err := s.Get("a")
	fmt.Println(n, err)
	// Output: 2 <nil>
}

// Peek and Has are no accesses: they renew no idle timeout, keep nothing from
// being evicted, and mind no lock.
func ExampleStore_Peek() {
	s, err := store.New(store.Options[string, int]{})
	check(err)
	defer s.Close()
	check(s.Set("a", 1))
	_, err = s.TryLock("a", 0)
	check(err)

	_, err = s.Get("a")
	fmt.Println(err)
	fmt.Println(s.Peek("a"))
	fmt.Println(s.Peek("b"))
	// Output:
	// store: locked
	// 1 true
	// 0 false
}

func ExampleStore_Has() {
	s, err := store.New(store.Options[string, int]{})
	check(err)
	defer s.Close()
	check(s.Set("a", 1))
	fmt.Println(s.Has("a"), s.Has("b"))
	// Output: true false
}

// SetIfAbsent makes sure that something is done once, here a payment that the
// customer sends twice.
func ExampleStore_SetIfAbsent() {
	payments, err := store.New(store.Options[string, string]{})
	check(err)
	defer payments.Close()

	for range 2 {
		first, err := payments.SetIfAbsent("order-7", "under way")
		check(err)
		fmt.Println("pay:", first)
	}
	// Output:
	// pay: true
	// pay: false
}

// CompareAndSet writes only if nobody else has written since the entry was
// read: a form that two people edit at the same time.
func ExampleStore_CompareAndSet() {
	pages, err := store.New(store.Options[string, string]{})
	check(err)
	defer pages.Close()
	fmt.Println(pages.CompareAndSet("page", 0, "draft")) // revision 0: must not be there yet

	read, err := pages.Entry("page")
	check(err)
	revision := read.Metadata.Revision
	fmt.Println(pages.CompareAndSet("page", revision, "by Ada"))
	fmt.Println(pages.CompareAndSet("page", revision, "by Bob"))

	text, err := pages.Get("page")
	fmt.Println(text, err)
	// Output:
	// <nil>
	// <nil>
	// store: conflict
	// by Ada <nil>
}

// Update changes a value by what it was. No change is lost when several
// goroutines do so at once.
func ExampleStore_Update() {
	counts, err := store.New(store.Options[string, int]{})
	check(err)
	defer counts.Close()

	done := make(chan error)
	for range 10 {
		go func() {
			_, err := counts.Update("hits", func(n int, _ bool) (int, error) { return n + 1, nil })
			done <- err
		}()
	}
	for range 10 {
		check(<-done)
	}
	n, err := counts.Get("hits")
	fmt.Println(n, err)
	// Output: 10 <nil>
}

// An error of the function ends Update and changes nothing.
func ExampleStore_Update_refuse() {
	stock, err := store.New(store.Options[string, int]{})
	check(err)
	defer stock.Close()
	check(stock.Set("tea", 1))

	errSoldOut := errors.New("sold out")
	for range 2 {
		left, err := stock.Update("tea", func(n int, _ bool) (int, error) {
			if n == 0 {
				return n, errSoldOut
			}
			return n - 1, nil
		})
		fmt.Println(left, err)
	}
	// Output:
	// 0 <nil>
	// 0 sold out
}

func ExampleStore_Delete() {
	s, err := store.New(store.Options[string, int]{})
	check(err)
	defer s.Close()
	check(s.Set("a", 1))

	fmt.Println(s.Delete("a"), s.Has("a"))
	fmt.Println(s.Delete("a")) // that it is gone already is no error
	// Output:
	// <nil> false
	// <nil>
}

// Clear removes everything, locked or not.
func ExampleStore_Clear() {
	s, err := store.New(store.Options[string, int]{})
	check(err)
	defer s.Close()
	check(s.Set("a", 1))
	check(s.Set("b", 2))
	lease, err := s.TryLock("b", 0)
	check(err)

	fmt.Println(s.Clear(), s.Len())
	fmt.Println(lease.Set(3))
	// Output:
	// <nil> 0
	// store: lease lost
}

// The loop may change the store as it goes.
func ExampleStore_All() {
	s, err := store.New(store.Options[string, int]{})
	check(err)
	defer s.Close()
	for i, key := range []string{"a", "b", "c", "d"} {
		check(s.Set(key, i))
	}
	for key, n := range s.All() {
		if n%2 == 0 {
			check(s.Delete(key))
		}
	}
	fmt.Println(maps.Collect(s.All()))
	// Output: map[b:1 d:3]
}

func ExampleStore_Keys() {
	s, err := store.New(store.Options[string, int]{})
	check(err)
	defer s.Close()
	check(s.Set("b", 2))
	check(s.Set("a", 1))
	fmt.Println(slices.Sorted(s.Keys())) // they come in no particular order
	// Output: [a b]
}

func ExampleStore_Values() {
	s, err := store.New(store.Options[string, int]{})
	check(err)
	defer s.Close()
	check(s.Set("a", 1))
	check(s.Set("b", 2))
	sum := 0
	for n := range s.Values() {
		sum += n
	}
	fmt.Println(sum)
	// Output: 3
}
