package store_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/store"
	"github.com/latchkey-go/latchkey/storetest"
)

// refreshing is a store in which "k" is due to be refreshed.
func refreshing(t *testing.T, o options, f func(t *testing.T, s *store.Store[string, int], clock *storetest.Clock, c *source)) {
	o.TTL, o.RefreshAfter = 10*time.Second, 4*time.Second
	inLoads(t, o, func(t *testing.T, s *store.Store[string, int], clock *storetest.Clock, c *source) {
		require.NoError(t, s.Set("k", 1))
		clock.Advance(4 * time.Second)
		f(t, s, clock, c)
	})
}

// hit asks for what is there, and returns once a load has begun that was to begin.
func hit(t *testing.T, s *store.Store[string, int], c *source) int {
	t.Helper()
	value, err := s.GetOrLoad(t.Context(), "k", c.load)
	require.NoError(t, err)
	synctest.Wait()
	return value
}

func TestRefresh(t *testing.T) {
	refreshing(t, options{}, func(t *testing.T, s *store.Store[string, int], clock *storetest.Clock, c *source) {
		require.NoError(t, s.Set("k", 1))
		clock.Advance(4*time.Second - 1)
		require.Equal(t, 1, hit(t, s, c))
		require.Zero(t, c.calls.Load(), "not due yet")
		clock.Advance(1)
		for range 3 {
			require.Equal(t, 1, hit(t, s, c), "the old value is served")
			require.EqualValues(t, 1, c.calls.Load(), "one load")
		}
		_, err := s.Get("k")
		require.NoError(t, err)
		clock.Advance(time.Second)
		c.answer(2, nil)
		require.Equal(t, 2, hit(t, s, c))
		require.EqualValues(t, 1, c.calls.Load())
		m, _ := s.Metadata("k")
		require.Equal(t, clock.Now().Add(10*time.Second), m.Expires)
		require.EqualValues(t, 3, m.Revision)
		require.Zero(t, s.Stats().Loading)
	})
}

// A refreshed entry keeps the TTL that it has of its own.
func TestRefreshKeepsTTL(t *testing.T) {
	refreshing(t, options{}, func(t *testing.T, s *store.Store[string, int], clock *storetest.Clock, c *source) {
		require.NoError(t, s.SetWithTTL("k", 1, time.Hour))
		clock.Advance(4 * time.Second)
		hit(t, s, c)
		c.answer(2, nil)
		m, _ := s.Metadata("k")
		require.Equal(t, clock.Now().Add(time.Hour), m.Expires)
	})
}

// The refreshed value is stored only if the entry is what it was.
func TestRefreshOvertaken(t *testing.T) {
	for name, c := range map[string]struct {
		act  func(s *store.Store[string, int]) error
		want int // 0 = none
	}{
		"Set":    {func(s *store.Store[string, int]) error { return s.Set("k", 5) }, 5},
		"Delete": {func(s *store.Store[string, int]) error { return s.Delete("k") }, 0},
		"Clear":  {func(s *store.Store[string, int]) error { return s.Clear() }, 0},
		"Delete and Set": {func(s *store.Store[string, int]) error {
			return errors.Join(s.Delete("k"), s.Set("k", 5))
		}, 5},
		"a lock that is over": {func(s *store.Store[string, int]) error {
			l, err := s.TryLock("k", 0)
			return errors.Join(err, l.Unlock())
		}, 1},
		"a lease": {func(s *store.Store[string, int]) error {
			l, err := s.TryLock("k", 0)
			return errors.Join(err, l.Set(5))
		}, 5},
		"nothing": {func(s *store.Store[string, int]) error { return nil }, 2},
	} {
		t.Run(name, func(t *testing.T) {
			var log logged
			refreshing(t, options{Logger: log.logger()}, func(t *testing.T, s *store.Store[string, int], _ *storetest.Clock, source *source) {
				hit(t, s, source)
				require.NoError(t, c.act(s))
				source.answer(2, nil)
				value, found := s.Peek("k")
				require.Equal(t, c.want, value)
				require.Equal(t, c.want != 0, found)
				require.Empty(t, log.String())
			})
		})
	}
}

// A Set during a refresh wins also if its entry has expired by then.
func TestRefreshOvertakenByWhatHasExpired(t *testing.T) {
	refreshing(t, options{}, func(t *testing.T, s *store.Store[string, int], clock *storetest.Clock, c *source) {
		hit(t, s, c)
		require.NoError(t, s.SetWithTTL("k", 5, 1))
		clock.Advance(1)
		c.answer(2, nil)
		require.Empty(t, has(s, "k"))
	})
}

// Who comes when the old value has expired waits for the refresh that is under way,
// and does not end it by leaving.
func TestRefreshIsJoined(t *testing.T) {
	refreshing(t, options{}, func(t *testing.T, s *store.Store[string, int], clock *storetest.Clock, c *source) {
		hit(t, s, c)
		clock.Advance(6 * time.Second)
		ctx, cancel := context.WithCancel(t.Context())
		one, two := ask(ctx, s, c.load), ask(ctx, s, c.load)
		cancel()
		synctest.Wait()
		one.require(t, 0, context.Canceled)
		two.require(t, 0, context.Canceled)
		three := ask(t.Context(), s, c.load)
		c.answer(2, nil)
		three.require(t, 2, nil)
		require.EqualValues(t, 1, c.calls.Load())
		require.True(t, s.Has("k"))
	})
}

// A refresh lives on when who has begun it is gone.
func TestRefreshOutlivesItsCaller(t *testing.T) {
	refreshing(t, options{}, func(t *testing.T, s *store.Store[string, int], _ *storetest.Clock, c *source) {
		ctx, cancel := context.WithCancel(context.WithValue(t.Context(), ctxKey{}, "caller"))
		_, err := s.GetOrLoad(ctx, "k", c.load)
		require.NoError(t, err)
		cancel()
		synctest.Wait()
		require.NoError(t, c.ctx().Err())
		require.Equal(t, "caller", c.ctx().Value(ctxKey{}))
		c.answer(2, nil)
		require.Equal(t, 2, hit(t, s, c))
	})
}

// A refresh that fails leaves the old value until it expires, is told to the log
// without a word of the error, and is tried again a second later.
func TestRefreshFails(t *testing.T) {
	var log logged
	refreshing(t, options{Logger: log.logger()}, func(t *testing.T, s *store.Store[string, int], clock *storetest.Clock, c *source) {
		hit(t, s, c)
		c.answer(0, fmt.Errorf("no k: %w", errSource))
		require.Contains(t, log.String(), "*fmt.wrapError: *errors.errorString")
		require.NotContains(t, log.String(), "no k")
		require.NotContains(t, log.String(), errSource.Error())
		clock.Advance(time.Second - 1)
		require.Equal(t, 1, hit(t, s, c))
		require.EqualValues(t, 1, c.calls.Load(), "not at once")
		clock.Advance(1)
		require.Equal(t, 1, hit(t, s, c))
		require.EqualValues(t, 2, c.calls.Load())
		c.answers <- func() (int, error) { panic("k") }
		synctest.Wait()
		require.Contains(t, log.String(), "panic contained")
		require.Equal(t, 1, hit(t, s, c))
		require.EqualValues(t, 2, c.calls.Load(), "nor after a panic")

		clock.Advance(5 * time.Second)
		a := ask(t.Context(), s, c.load)
		c.answer(4, nil)
		a.require(t, 4, nil)
	})
}

// A refresh that ends its goroutine has failed like any other: the old value stays, and it
// is tried again. It ends who waits for it, is no answer of the source, and makes room.
func TestRefreshExits(t *testing.T) {
	const most = 32 // refreshes at once
	refreshing(t, options{ErrorTTL: time.Second}, func(t *testing.T, s *store.Store[string, int], clock *storetest.Clock, c *source) {
		exit := func() {
			c.answers <- func() (int, error) { runtime.Goexit(); return 0, nil }
			synctest.Wait()
		}
		require.NoError(t, s.SetWithTTL("k", 1, time.Hour))
		clock.Advance(4 * time.Second)
		for i := range most + 1 {
			require.Equal(t, 1, hit(t, s, c))
			require.EqualValues(t, i+1, c.calls.Load())
			exit()
			require.Zero(t, s.Stats().Loading)
			require.Equal(t, 1, hit(t, s, c))
			require.EqualValues(t, i+1, c.calls.Load(), "not at once")
			clock.Advance(time.Second)
		}

		hit(t, s, c)
		clock.Advance(time.Hour)
		a := ask(t.Context(), s, c.load)
		exit()
		require.True(t, a.over)
		require.False(t, a.returned)
		require.Nil(t, a.panicked)
		loaded, err := again(t, s)
		require.True(t, loaded)
		require.Equal(t, errSource, err)
	})
}

// Refreshes are bounded in number; one beyond the bound is left to a later hit.
func TestRefreshesAreBounded(t *testing.T) {
	const most = 32
	refreshing(t, options{}, func(t *testing.T, s *store.Store[string, int], clock *storetest.Clock, c *source) {
		var keys []string
		for i := range 2 * most {
			keys = append(keys, fmt.Sprint(i))
		}
		set(t, s, keys...)
		clock.Advance(4 * time.Second)
		for _, key := range keys {
			_, err := s.GetOrLoad(t.Context(), key, c.load)
			require.NoError(t, err)
		}
		synctest.Wait()
		require.EqualValues(t, most, c.calls.Load())
		c.answer(1, nil)
		hit(t, s, c)
		require.EqualValues(t, most+1, c.calls.Load())
		require.NoError(t, s.Close())
		require.EqualValues(t, most, c.cancelled.Load())
	})
}

func TestRefreshOptions(t *testing.T) {
	for name, o := range map[string]options{
		"RefreshAfter is -1ns; it must be between 0 and 100 years": {RefreshAfter: -1},
		"ErrorTTL is -1ns; it must be between 0 and 100 years":     {ErrorTTL: -1},
		"RefreshAfter is 1m0s; it must be below the TTL, 1m0s":     {RefreshAfter: time.Minute, TTL: time.Minute},
	} {
		_, err := store.New(o)
		require.ErrorContains(t, err, name)
	}
}
