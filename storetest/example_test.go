package storetest_test

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/latchkey-go/latchkey/store"
	"github.com/latchkey-go/latchkey/storetest"
)

func ExampleNewClock() {
	var t testing.TB // the test's own
	clock := storetest.NewClock(t)
	sessions, err := store.New(store.Options[string, string]{IdleTimeout: 30 * time.Minute, Clock: clock})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer sessions.Close()
	_ = sessions.Set("session", "ada")

	clock.Advance(29 * time.Minute)
	user, err := sessions.Get("session")
	fmt.Printf("after 29 min: %q %v\n", user, err)

	clock.Advance(30 * time.Minute)
	user, err = sessions.Get("session")
	fmt.Printf("idle for 30:  %q %v\n", user, err)
	// Output:
	// after 29 min: "ada" <nil>
	// idle for 30:  "" store: not found
}

// The zero Clock replays recorded time.
func ExampleClock() {
	var clock storetest.Clock
	visits, err := store.New(store.Options[string, int]{IdleTimeout: time.Minute, Clock: &clock})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer visits.Close()
	for _, seconds := range []int64{0, 50, 100, 160} {
		clock.Set(time.Unix(seconds, 0))
		n, _ := visits.Update("visitor", func(old int, _ bool) (int, error) { return old + 1, nil })
		fmt.Printf("%3d s: request %d of the visit\n", seconds, n)
	}
	// Output:
	//   0 s: request 1 of the visit
	//  50 s: request 2 of the visit
	// 100 s: request 3 of the visit
	// 160 s: request 1 of the visit
}

// login is code under test: a session ends an hour after the login, and OnRemove
// tells of it.
func login(clock store.Clock, bye func()) (*store.Store[string, string], error) {
	s, err := store.New(store.Options[string, string]{
		TTL:      time.Hour,
		Clock:    clock,
		OnRemove: func(store.Removal[string, string]) { bye() },
	})
	if err != nil {
		return nil, err
	}
	return s, s.Set("session", "ada")
}

// One way to test it: a clock that the test moves.
func TestLoginOnClock(t *testing.T) {
	clock := storetest.NewClock(t)
	byes := 0
	s, err := login(clock, func() { byes++ })
	if err != nil {
		t.Fatal(err)
	}
	clock.Advance(time.Hour - 1)
	if _, err := s.Get("session"); err != nil || byes != 0 {
		t.Errorf("a nanosecond before the end: got %v and %d byes, want neither", err, byes)
	}
	clock.Advance(time.Minute) // by then at the latest, the sweep comes by
	if _, err := s.Get("session"); !errors.Is(err, store.ErrNotFound) || byes != 1 {
		t.Errorf("after the end: got %v and %d byes, want ErrNotFound and one", err, byes)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// The other way: the system clock, in a bubble.
func TestLoginInBubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var byes atomic.Int32 // the sweep has a goroutine of its own here
		s, err := login(nil, func() { byes.Add(1) })
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour - 1)
		if _, err := s.Get("session"); err != nil || byes.Load() != 0 {
			t.Errorf("a nanosecond before the end: got %v and %d byes, want neither", err, byes.Load())
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if _, err := s.Get("session"); !errors.Is(err, store.ErrNotFound) || byes.Load() != 1 {
			t.Errorf("after the end: got %v and %d byes, want ErrNotFound and one", err, byes.Load())
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}
