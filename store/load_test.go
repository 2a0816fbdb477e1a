package store_test

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/store"
	"github.com/latchkey-go/latchkey/storetest"
)

// source is where values come from: each load waits for an answer.
type source struct {
	calls, cancelled atomic.Int64
	answers          chan func() (int, error)
	latest           atomic.Pointer[context.Context] // of a load
}

func newSource() *source { return &source{answers: make(chan func() (int, error))} }

func (c *source) load(ctx context.Context, _ string) (int, error) {
	c.calls.Add(1)
	c.latest.Store(&ctx)
	select {
	case answer := <-c.answers:
		return answer()
	case <-ctx.Done():
		c.cancelled.Add(1)
		return 0, ctx.Err()
	}
}

// ctx returns the context of the latest load.
func (c *source) ctx() context.Context { return *c.latest.Load() }

// answer ends one load, and returns when those who wait for it have it.
func (c *source) answer(value int, err error) {
	c.answers <- func() (int, error) { return value, err }
	synctest.Wait()
}

// asked is a call of GetOrLoad in a goroutine of its own.
type asked struct {
	value    int
	err      error
	panicked any
	returned bool // neither panicked nor ended
	over     bool
}

// ask calls GetOrLoad for "k", in a bubble, and returns when that waits or is over.
func ask(ctx context.Context, s *store.Store[string, int], load store.Loader[string, int]) *asked {
	a := new(asked)
	go func() {
		defer func() { a.panicked, a.over = recover(), true }()
		a.value, a.err = s.GetOrLoad(ctx, "k", load)
		a.returned = true
	}()
	synctest.Wait()
	return a
}

func (a *asked) require(t *testing.T, value int, err error) {
	t.Helper()
	require.True(t, a.returned)
	require.Equal(t, err, a.err)
	require.Equal(t, value, a.value)
}

// inLoads runs f in a bubble, with an empty store, a clock that f moves, and a source.
func inLoads(t *testing.T, o options, f func(t *testing.T, s *store.Store[string, int], clock *storetest.Clock, c *source)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s, clock := fake(t, o)
		f(t, s, clock, newSource())
	})
}

var errSource = errors.New("the source is down")

func constant(value int, err error) store.Loader[string, int] {
	return func(context.Context, string) (int, error) { return value, err }
}

func TestGetOrLoad(t *testing.T) {
	s, clock := fake(t, options{TTL: time.Minute})
	value, err := s.GetOrLoad(t.Context(), "k", constant(1, nil))
	require.NoError(t, err)
	require.Equal(t, 1, value)
	value, err = s.GetOrLoad(t.Context(), "k", nil)
	require.NoError(t, err)
	require.Equal(t, 1, value, "a hit")
	m, _ := s.Metadata("k")
	require.Equal(t, clock.Now().Add(time.Minute), m.Expires, "the store's TTL")
	require.EqualValues(t, 1, m.Accesses)

	clock.Advance(time.Minute)
	value, err = s.GetOrLoad(t.Context(), "k", constant(2, nil))
	require.NoError(t, err)
	require.Equal(t, 2, value, "an expired entry is no hit")
	require.EqualValues(t, 2, s.Stats().Loads)

	lock(t, s, "k")
	_, err = s.GetOrLoad(t.Context(), "k", nil)
	require.Equal(t, store.ErrLocked, err)
	require.NoError(t, s.Close())
	_, err = s.GetOrLoad(t.Context(), "k", nil)
	require.Equal(t, store.ErrClosed, err)
}

func TestLoadOfNothing(t *testing.T) {
	s, _ := fake(t, options{})
	for i := range 3 {
		_, err := s.GetOrLoad(t.Context(), "k", constant(i, store.ErrNotFound))
		require.Equal(t, store.ErrNotFound, err)
		require.False(t, s.Has("k"))
		require.EqualValues(t, i+1, s.Stats().Loads)
	}
	_, err := s.GetOrLoad(t.Context(), "k", constant(1, errSource))
	require.Equal(t, errSource, err)
	require.False(t, s.Has("k"))
}

func TestLoadOfInvalidKey(t *testing.T) {
	s := open(t, store.Options[any, int]{})
	_, err := s.GetOrLoad(t.Context(), []int{1}, nil)
	require.Equal(t, store.ErrInvalidKey, err)
	found, err := s.GetOrLoadMany(t.Context(), []any{[]int{1}, 2}, func(_ context.Context, missing []any) (map[any]int, error) {
		return map[any]int{missing[0]: len(missing)}, nil
	})
	require.Equal(t, store.ErrInvalidKey, err)
	require.Equal(t, map[any]int{2: 1}, found)
}

// A thousand who ask at once are served by one load, also those who come to look
// for the load when it has just ended.
func TestLoadThunderingHerd(t *testing.T) {
	for range 20 {
		s := open(t, options{})
		start := make(chan struct{})
		var all sync.WaitGroup
		for range 1000 {
			all.Go(func() {
				<-start
				value, err := s.GetOrLoad(context.Background(), "k", func(context.Context, string) (int, error) {
					runtime.Gosched()
					return 7, nil
				})
				if value != 7 || err != nil {
					t.Error(value, err)
				}
			})
		}
		close(start)
		all.Wait()
		require.EqualValues(t, 1, s.Stats().Loads)
	}
}

func TestLoadSharedByAll(t *testing.T) {
	inLoads(t, options{}, func(t *testing.T, s *store.Store[string, int], _ *storetest.Clock, c *source) {
		for _, want := range []error{nil, errSource} {
			require.NoError(t, s.Clear())
			before := c.calls.Load()
			var all []*asked
			for range 100 {
				all = append(all, ask(t.Context(), s, c.load))
			}
			require.EqualValues(t, before+1, c.calls.Load())
			require.Equal(t, 1, s.Stats().Loading)
			c.answer(3, want)
			for _, a := range all {
				a.require(t, map[error]int{nil: 3}[want], want)
			}
			require.Zero(t, s.Stats().Loading)
		}
		require.EqualValues(t, 1, s.Stats().LoadErrors)
	})
}

type ctxKey struct{}

// Each leaves when its own context ends; the load goes on for the rest.
func TestLoadWaitersFollowTheirContexts(t *testing.T) {
	inLoads(t, options{}, func(t *testing.T, s *store.Store[string, int], _ *storetest.Clock, c *source) {
		first, cancel := context.WithTimeout(context.WithValue(t.Context(), ctxKey{}, "first"), time.Second)
		defer cancel()
		one := ask(first, s, c.load)
		two := ask(context.WithValue(t.Context(), ctxKey{}, "second"), s, c.load)
		sleep(time.Second)
		one.require(t, 0, context.DeadlineExceeded)
		require.False(t, two.over)
		require.NoError(t, c.ctx().Err())
		require.Equal(t, "first", c.ctx().Value(ctxKey{}))
		_, limited := c.ctx().Deadline()
		require.False(t, limited)
		c.answer(4, nil)
		two.require(t, 4, nil)
		require.Error(t, c.ctx().Err(), "over, with the load")
	})
}

// Once the last has left, the load is cancelled; who comes then has another one.
func TestLoadThatNobodyWaitsFor(t *testing.T) {
	inLoads(t, options{}, func(t *testing.T, s *store.Store[string, int], _ *storetest.Clock, c *source) {
		ctx, cancel := context.WithCancel(t.Context())
		stubborn := make(chan int)
		one := ask(ctx, s, func(ctx context.Context, _ string) (int, error) {
			<-ctx.Done()
			return <-stubborn, nil
		})
		cancel()
		synctest.Wait()
		one.require(t, 0, context.Canceled)

		two := ask(t.Context(), s, c.load)
		require.EqualValues(t, 1, c.calls.Load())
		stubborn <- 1
		synctest.Wait()
		require.False(t, s.Has("k"), "what an abandoned load returns is dropped")
		c.answer(2, nil)
		two.require(t, 2, nil)
		require.Zero(t, s.Stats().Loading)

		_, err := s.GetOrLoad(ctx, "other", c.load)
		require.Equal(t, context.Canceled, err, "not even begun")
		value, err := s.GetOrLoad(ctx, "k", c.load)
		require.NoError(t, err, "a hit does not look at ctx")
		require.Equal(t, 2, value)
	})
}

func TestLoadPanics(t *testing.T) {
	inLoads(t, options{}, func(t *testing.T, s *store.Store[string, int], _ *storetest.Clock, c *source) {
		all := []*asked{ask(t.Context(), s, c.load), ask(t.Context(), s, c.load)}
		c.answers <- func() (int, error) { panic(errSource) }
		synctest.Wait()
		for _, a := range all {
			require.True(t, a.over)
			require.IsType(t, (*store.PanicError)(nil), a.panicked)
			p := a.panicked.(*store.PanicError)
			require.Equal(t, errSource, p.Value)
			require.ErrorIs(t, p, errSource)
			require.Contains(t, p.Error(), "TestLoadPanics", "the stack")
			require.NotContains(t, p.Error(), errSource.Error())
		}
		require.EqualValues(t, 1, s.Stats().LoadErrors)
		value, err := s.GetOrLoad(t.Context(), "k", constant(1, nil))
		require.NoError(t, err)
		require.Equal(t, 1, value)
	})
}

// A panic that nobody waits for is contained and logged.
func TestLoadPanicsForNobody(t *testing.T) {
	var log logged
	inLoads(t, options{Logger: log.logger()}, func(t *testing.T, s *store.Store[string, int], _ *storetest.Clock, _ *source) {
		ctx, cancel := context.WithCancel(t.Context())
		ask(ctx, s, func(ctx context.Context, key string) (int, error) {
			<-ctx.Done()
			panic("secret " + key)
		})
		cancel()
		synctest.Wait()
		require.Zero(t, s.Stats().Loading)
	})
	require.Contains(t, log.String(), "panic contained")
	require.Contains(t, log.String(), "TestLoadPanicsForNobody")
	require.NotContains(t, log.String(), "secret")
}

func TestLoadExits(t *testing.T) {
	inLoads(t, options{}, func(t *testing.T, s *store.Store[string, int], _ *storetest.Clock, c *source) {
		all := []*asked{ask(t.Context(), s, c.load), ask(t.Context(), s, c.load)}
		c.answers <- func() (int, error) { runtime.Goexit(); return 0, nil }
		synctest.Wait()
		for _, a := range all {
			require.True(t, a.over)
			require.False(t, a.returned)
			require.Nil(t, a.panicked)
		}
		require.Zero(t, s.Stats().Loading)
	})
}

// Close tells all who wait, and returns when the loads have seen that they are
// cancelled.
func TestCloseDuringLoads(t *testing.T) {
	inLoads(t, options{RefreshAfter: time.Second}, func(t *testing.T, s *store.Store[string, int], clock *storetest.Clock, c *source) {
		one := ask(t.Context(), s, c.load)
		require.NoError(t, s.Set("due", 1))
		clock.Advance(time.Second)
		_, err := s.GetOrLoad(t.Context(), "due", c.load)
		require.NoError(t, err)
		slow := make(chan struct{})
		two := new(asked)
		go func() {
			_, two.err = s.GetOrLoadMany(t.Context(), []string{"k", "other"}, func(ctx context.Context, missing []string) (map[string]int, error) {
				<-ctx.Done()
				<-slow
				return map[string]int{missing[0]: 1}, nil
			})
		}()
		synctest.Wait()
		require.Equal(t, 3, s.Stats().Loading)
		var ended atomic.Bool
		go func() {
			_ = s.Close()
			ended.Store(true)
		}()
		synctest.Wait()
		one.require(t, 0, store.ErrClosed)
		require.Equal(t, store.ErrClosed, two.err)
		require.EqualValues(t, 2, c.cancelled.Load())
		require.Equal(t, store.ErrClosed, context.Cause(c.ctx()))
		require.False(t, ended.Load(), "a load is still running")
		close(slow)
		synctest.Wait()
		require.True(t, ended.Load())
		require.Zero(t, s.Stats().Loading)
	})
}

// OnRemove may close the store, also if it is told of what a load has caused.
func TestCloseInOnRemoveOfALoad(t *testing.T) {
	var s *store.Store[string, int]
	told := make(chan error, 1)
	s = open(t, options{Capacity: 1, OnRemove: func(removed) { told <- s.Close() }})
	set(t, s, "old")
	value, err := s.GetOrLoad(t.Context(), "k", constant(1, nil))
	if err != store.ErrClosed { // whichever comes first
		require.NoError(t, err)
		require.Equal(t, 1, value)
	}
	require.NoError(t, <-told)
	_, err = s.Get("k")
	require.Equal(t, store.ErrClosed, err)
}

// OnRemove may ask for what is about to be stored.
func TestLoadInOnRemoveOfALoad(t *testing.T) {
	var s *store.Store[string, int]
	var told removals[string, int]
	synctest.Test(t, func(t *testing.T) {
		s = open(t, options{Capacity: 1, OnRemove: func(r removed) {
			if r.Key == "old" {
				value, err := s.GetOrLoad(context.Background(), "b", constant(-1, nil))
				r.Value = value
				if err != nil {
					t.Error(err)
				}
			}
			told.add(r)
		}})
		set(t, s, "old")
		found, err := s.GetOrLoadMany(t.Context(), []string{"a", "b"}, func(context.Context, []string) (map[string]int, error) {
			return map[string]int{"a": 5, "b": 6}, nil
		})
		require.NoError(t, err)
		require.Equal(t, map[string]int{"a": 5, "b": 6}, found)
		synctest.Wait()
	})
	require.Equal(t, removed{Key: "old", Value: 6, Reason: store.ReasonEvicted}, told.take()[0])
}

// OnRemove may end its goroutine; those who wait for a load have their value.
func TestExitInOnRemoveOfALoad(t *testing.T) {
	s := open(t, options{Capacity: 1, OnRemove: func(removed) { runtime.Goexit() }})
	require.NoError(t, s.Set("old", 1))
	value, err := s.GetOrLoad(t.Context(), "k", constant(1, nil))
	require.NoError(t, err)
	require.Equal(t, 1, value)
}

// A value that can't be stored is not lost to who has asked for it.
func TestLoadThatCannotBeStored(t *testing.T) {
	s, _ := fake(t, options{Capacity: 1})
	set(t, s, "a")
	lock(t, s, "a")
	value, err := s.GetOrLoad(t.Context(), "k", constant(1, nil))
	require.Equal(t, store.ErrFull, err)
	require.Equal(t, 1, value)
	found, err := s.GetOrLoadMany(t.Context(), []string{"k"}, func(context.Context, []string) (map[string]int, error) {
		return map[string]int{"k": 2}, nil
	})
	require.Equal(t, store.ErrFull, err)
	require.Equal(t, map[string]int{"k": 2}, found)
}

// Who has got what was loaded is told of removals as ever: before its calls return.
func TestRemovalsAfterALoad(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(4)) // so that it may be first
	var removed removals[string, int]
	s, _ := fake(t, options{Capacity: 1, OnRemove: removed.add})
	for n := range 20_000 {
		_, err := s.GetOrLoad(t.Context(), "k", func(context.Context, string) (int, error) { return n, nil })
		require.NoError(t, err)
		require.NoError(t, s.Set("other", n))
		require.Equal(t, []store.Removal[string, int]{{Key: "k", Value: n, Reason: store.ReasonEvicted}}, removed.take())
		require.NoError(t, s.Delete("other"))
		require.Len(t, removed.take(), 1)
	}
}
