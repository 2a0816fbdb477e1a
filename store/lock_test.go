package store_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/store"
)

// cart is a session that loses an item when two requests change it at once.
type cart struct{ Items int }

// Each way to change a value by what it was loses nothing.
func TestLockedIncrements(t *testing.T) {
	const requests = 201
	ctx := context.Background()
	buy := func(l *store.Lease[string, cart]) error {
		c, err := l.Get()
		if err != nil {
			return err
		}
		c.Items++
		return errors.Join(l.Set(c), l.Unlock())
	}
	for name, increment := range map[string]func(*store.Store[string, cart]) error{
		"Lock": func(s *store.Store[string, cart]) error {
			l, err := s.Lock(ctx, "session", 0)
			if err != nil {
				return err
			}
			return buy(l)
		},
		"Update": func(s *store.Store[string, cart]) error {
			_, err := s.Update("session", func(c cart, _ bool) (cart, error) {
				c.Items++
				return c, nil
			})
			return err
		},
		"TryLock, or else Lock": func(s *store.Store[string, cart]) error {
			l, err := s.TryLock("session", 0)
			if errors.Is(err, store.ErrLocked) {
				l, err = s.Lock(ctx, "session", 0)
			}
			if err != nil {
				return err
			}
			return buy(l)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, store.Options[string, cart]{})
			require.NoError(t, s.Set("session", cart{}))
			var all sync.WaitGroup
			for range requests {
				all.Go(func() {
					if err := increment(s); err != nil {
						t.Error(err)
					}
				})
			}
			all.Wait()
			e, err := s.Entry("session")
			require.NoError(t, err)
			require.Equal(t, cart{Items: requests}, e.Value)
			require.EqualValues(t, requests+1, e.Metadata.Revision)
		})
	}
}

// While the lease lives, the holder works through it, and nobody otherwise.
func TestLockShutsOthersOut(t *testing.T) {
	s, clock := fake(t, store.Options[string, int]{})
	set(t, s, "a")
	l, err := s.TryLock("a", 10*time.Second)
	require.NoError(t, err)
	clock.Advance(10*time.Second - 1)

	others := map[string]func() error{
		"Get":           func() error { _, err := s.Get("a"); return err },
		"Entry":         func() error { _, err := s.Entry("a"); return err },
		"Touch":         func() error { return s.Touch("a") },
		"Set":           func() error { return s.Set("a", 7) },
		"SetWithTTL":    func() error { return s.SetWithTTL("a", 7, time.Hour) },
		"SetIfAbsent":   func() error { _, err := s.SetIfAbsent("a", 7); return err },
		"CompareAndSet": func() error { return s.CompareAndSet("a", 1, 7) },
		"Update":        func() error { _, err := s.Update("a", func(int, bool) (int, error) { return 7, nil }); return err },
		"Delete":        func() error { return s.Delete("a") },
		"TryLock":       func() error { _, err := s.TryLock("a", 0); return err },
	}
	for name, call := range others {
		require.Equal(t, store.ErrLocked, call(), name)
	}
	value, found := s.Peek("a")
	require.True(t, found)
	require.Equal(t, 1, value)
	require.Equal(t, 1, s.Len())

	value, err = l.Get()
	require.NoError(t, err)
	require.Equal(t, 1, value)
	require.NoError(t, l.Set(2))
	require.Equal(t, "a", l.Key())
	clock.Advance(1)
	for name, call := range others {
		if name != "TryLock" && name != "CompareAndSet" && name != "Delete" {
			require.NoError(t, call(), "%s once the lease has lapsed", name)
		}
	}
}

// A holder that comes back too late can't write, even if nobody has taken the
// lock since, or knows that it has lapsed.
func TestLockLateHolder(t *testing.T) {
	s, clock := fake(t, store.Options[string, int]{})
	set(t, s, "a")
	for name, late := range map[string]func(*store.Lease[string, int]) error{
		"Get":    func(l *store.Lease[string, int]) error { _, err := l.Get(); return err },
		"Set":    func(l *store.Lease[string, int]) error { return l.Set(7) },
		"Delete": func(l *store.Lease[string, int]) error { return l.Delete() },
		"Extend": func(l *store.Lease[string, int]) error { return l.Extend(time.Second) },
		"Unlock": func(l *store.Lease[string, int]) error { return l.Unlock() },
	} {
		for _, by := range []time.Duration{0, 1, time.Hour} {
			l, err := s.TryLock("a", time.Second)
			require.NoError(t, err)
			clock.Advance(time.Second + by)
			require.Equal(t, store.ErrLeaseLost, late(l), "%s, late by %v", name, by)
			require.Equal(t, store.ErrLeaseLost, late(l), "%s once more", name)
		}
	}
	e, err := s.Entry("a")
	require.NoError(t, err)
	require.Equal(t, 1, e.Value)
	require.EqualValues(t, 1, e.Metadata.Revision, "nothing was written")
}

// Done closes at the end of a lease, whatever ends it, and who asks after the
// end is told at once. Then the holder can do nothing any more.
func TestLockLeaseDone(t *testing.T) {
	type fixture struct {
		s       *store.Store[string, int]
		l       *store.Lease[string, int]
		advance func(time.Duration)
	}
	for _, end := range []struct {
		name   string
		by     func(f fixture) error
		later  error // what the holder is told
		unlock error // what Unlock returns
	}{
		{"lapse", func(f fixture) error { f.advance(10 * time.Second); return nil }, store.ErrLeaseLost, store.ErrLeaseLost},
		{"the entry's TTL", func(f fixture) error {
			if err := f.l.Extend(30 * time.Second); err != nil {
				return err
			}
			f.advance(15 * time.Second)
			return nil
		}, store.ErrLeaseLost, store.ErrLeaseLost},
		{"Unlock", func(f fixture) error { return f.l.Unlock() }, store.ErrLeaseLost, nil},
		{"Lease.Delete", func(f fixture) error { return f.l.Delete() }, store.ErrLeaseLost, nil},
		{"ForceUnlock", func(f fixture) error {
			if !f.s.ForceUnlock("a") {
				return errors.New("not locked")
			}
			return nil
		}, store.ErrLeaseLost, store.ErrLeaseLost},
		{"Clear", func(f fixture) error { return f.s.Clear() }, store.ErrLeaseLost, store.ErrLeaseLost},
		{"Import", func(f fixture) error {
			var snapshot bytes.Buffer
			return errors.Join(f.s.Export(&snapshot), f.s.Import(&snapshot))
		}, store.ErrLeaseLost, store.ErrLeaseLost},
		{"Close", func(f fixture) error { return f.s.Close() }, store.ErrClosed, store.ErrClosed},
	} {
		t.Run(end.name, func(t *testing.T) {
			for _, before := range []bool{true, false} {
				s, clock := fake(t, store.Options[string, int]{TTL: 25 * time.Second})
				set(t, s, "a")
				l, err := s.TryLock("a", 20*time.Second)
				require.NoError(t, err)
				var done <-chan struct{}
				if before {
					done = l.Done()
					require.Equal(t, done, l.Done(), "it is one channel")
				}
				clock.Advance(10 * time.Second)
				require.NoError(t, end.by(fixture{s, l, func(d time.Duration) {
					clock.Advance(d - 1)
					require.False(t, before && closed(done), "too early")
					clock.Advance(1)
				}}))
				if before {
					require.True(t, closed(done))
				}
				require.True(t, closed(l.Done()), "asked afterwards")
				_, err = l.Get()
				require.Equal(t, end.later, err)
				require.Equal(t, end.later, l.Set(7))
				require.Equal(t, end.later, l.Extend(0))
				require.Equal(t, end.later, l.Delete())
				require.Equal(t, end.unlock, l.Unlock())
				require.Equal(t, end.unlock, l.Unlock(), "a second time")
			}
		})
	}
}

// Only who wants to hear of the end of a lease at once costs a timer.
func TestLockLeaseTimer(t *testing.T) {
	s, clock := fake(t, store.Options[string, int]{})
	set(t, s, "a")
	l := lock(t, s, "a")
	require.Zero(t, clock.Timers())
	done := l.Done()
	require.Equal(t, 1, clock.Timers())
	require.NoError(t, l.Extend(20*time.Second))
	require.Equal(t, 1, clock.Timers())
	clock.Advance(20*time.Second - 1)
	require.False(t, closed(done))
	clock.Advance(1)
	require.True(t, closed(done))
	require.Zero(t, clock.Timers())
}

func TestLockExtend(t *testing.T) {
	s, clock := fake(t, store.Options[string, int]{MaxLease: time.Minute})
	set(t, s, "a")
	start := clock.Now()
	l, err := s.TryLock("a", 10*time.Second)
	require.NoError(t, err)
	require.Equal(t, start.Add(10*time.Second), l.Deadline())
	done := l.Done()

	clock.Advance(9 * time.Second)
	require.NoError(t, l.Extend(10*time.Second), "longer")
	require.Equal(t, start.Add(19*time.Second), l.Deadline())
	clock.Advance(9 * time.Second)
	require.NoError(t, l.Extend(0))
	require.Equal(t, start.Add(78*time.Second), l.Deadline(), "0 is MaxLease")
	for _, d := range []time.Duration{-1, time.Minute + 1, store.NoExpiry} {
		require.ErrorContains(t, l.Extend(d), "between 0 and MaxLease", "by %v", d)
		require.Equal(t, start.Add(78*time.Second), l.Deadline(), "as it was")
	}
	require.NoError(t, l.Extend(2*time.Second), "shorter")
	require.Equal(t, start.Add(20*time.Second), l.Deadline())
	clock.Advance(2*time.Second - 1)
	require.Equal(t, store.ErrLocked, s.Set("a", 7))
	require.False(t, closed(done))
	clock.Advance(1)
	require.True(t, closed(done), "at the shorter deadline")
	require.NoError(t, s.Set("a", 7))
	require.Equal(t, store.ErrLeaseLost, l.Extend(10*time.Second), "late")
	require.Equal(t, start.Add(20*time.Second), l.Deadline())
	value, err := s.Get("a")
	require.NoError(t, err, "a late Extend locks nothing")
	require.Equal(t, 7, value)
}

func TestLockLeaseLength(t *testing.T) {
	ctx := context.Background()
	for _, longest := range []time.Duration{0, 1, time.Hour, store.MaxDuration} {
		s, clock := fake(t, store.Options[string, int]{MaxLease: longest})
		if longest == 0 {
			longest = store.DefaultMaxLease
		}
		set(t, s, "secret-key")
		for _, d := range []time.Duration{-1, -longest, longest + 1, store.NoExpiry} {
			_, tryErr := s.TryLock("secret-key", d)
			_, lockErr := s.Lock(ctx, "secret-key", d)
			for _, err := range []error{tryErr, lockErr} {
				require.ErrorContains(t, err, "between 0 and MaxLease")
				require.False(t, strings.Contains(err.Error(), "secret-key"))
			}
		}
		require.Zero(t, s.Stats().Locked, "what was refused locks nothing")
		for _, d := range []time.Duration{0, 1, longest} {
			l, err := s.TryLock("secret-key", d)
			require.NoError(t, err)
			want := d
			if d == 0 {
				want = longest
			}
			require.Equal(t, want, l.Deadline().Sub(clock.Now()))
			require.NoError(t, l.Unlock())
		}
	}
}

// What is not there, or no more, can't be locked.
func TestLockOfNothing(t *testing.T) {
	ctx := context.Background()
	s, clock := fake(t, store.Options[string, int]{TTL: time.Minute})
	for _, when := range []string{"never set", "dead", "deleted"} {
		_, err := s.TryLock("a", 0)
		require.Equal(t, store.ErrNotFound, err, when)
		_, err = s.Lock(ctx, "a", 0)
		require.Equal(t, store.ErrNotFound, err, when)
		_, err = s.Resume("a", 1)
		require.Equal(t, store.ErrNotFound, err, when)
		require.False(t, s.ForceUnlock("a"), when)
		set(t, s, "a")
		if when == "never set" {
			clock.Advance(time.Minute)
		} else {
			require.NoError(t, s.Delete("a"))
		}
	}
	require.NoError(t, s.Close())
	_, err := s.TryLock("a", 0)
	require.Equal(t, store.ErrClosed, err)
	_, err = s.Lock(ctx, "a", 0)
	require.Equal(t, store.ErrClosed, err)
	_, err = s.Resume("a", 1)
	require.Equal(t, store.ErrClosed, err)
	require.False(t, s.ForceUnlock("a"))
}
