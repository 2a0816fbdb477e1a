package store_test

import (
	"bytes"
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/persist"
	"github.com/latchkey-go/latchkey/store"
	"github.com/latchkey-go/latchkey/storetest"
)

// A Weigher that panics in a load takes those who wait along, and nobody else.
func TestWeigherPanicsInALoad(t *testing.T) {
	var log logged
	panics := func(_ string, value int) uint32 {
		if value < 0 {
			panic(errSource)
		}
		return 1
	}
	refreshing(t, options{Weigher: panics, Logger: log.logger()}, func(t *testing.T, s *store.Store[string, int], clock *storetest.Clock, c *source) {
		load := func(_ context.Context, keys []string) (map[string]int, error) {
			return map[string]int{keys[0]: -1, keys[1]: 1}, nil
		}
		m := askMany(t.Context(), s, load, "a", "b")
		require.IsType(t, (*store.PanicError)(nil), m.panicked)
		require.ErrorIs(t, m.panicked.(error), errSource)
		require.Equal(t, []string{"b", "k"}, has(s, "a", "b", "k"))
		require.Empty(t, log.String())

		hit(t, s, c)
		c.answer(-1, nil)
		require.Contains(t, log.String(), "panic contained")
		require.Equal(t, 1, hit(t, s, c))
		require.EqualValues(t, 1, c.calls.Load(), "the next try comes a second later")
		require.Zero(t, s.Stats().Loading)
	})
}

// Whatever happens to the key during a load wins over it: what was loaded is not
// stored, and who asks from then on does not get it.
func TestWritesOvertakeLoads(t *testing.T) {
	const loaded = 1
	type fixture = store.Store[string, int]
	add := func(_ int, _ bool) (int, error) { return 2, nil }
	for name, c := range map[string]struct {
		act  func(t *testing.T, s *fixture)
		told int   // to who has waited
		err  error // likewise
		left []string
	}{
		"Set":           {act: func(t *testing.T, s *fixture) { require.NoError(t, s.Set("k", 2)) }, told: 2, left: []string{"k"}},
		"SetWithTTL":    {act: func(t *testing.T, s *fixture) { require.NoError(t, s.SetWithTTL("k", 2, 1)) }, told: 2, left: []string{"k"}},
		"CompareAndSet": {act: func(t *testing.T, s *fixture) { require.NoError(t, s.CompareAndSet("k", 0, 2)) }, told: 2, left: []string{"k"}},
		"SetIfAbsent": {act: func(t *testing.T, s *fixture) {
			stored, err := s.SetIfAbsent("k", 2)
			require.NoError(t, err)
			require.True(t, stored)
		}, told: 2, left: []string{"k"}},
		"Update": {act: func(t *testing.T, s *fixture) {
			_, err := s.Update("k", add)
			require.NoError(t, err)
		}, told: 2, left: []string{"k"}},
		"Delete": {act: func(t *testing.T, s *fixture) { require.NoError(t, s.Delete("k")) }, told: loaded},
		"Set and Delete": {act: func(t *testing.T, s *fixture) {
			require.NoError(t, s.Set("k", 2))
			require.NoError(t, s.Delete("k"))
		}, told: loaded},
		"Set and Lease.Delete": {act: func(t *testing.T, s *fixture) {
			require.NoError(t, s.Set("k", 2))
			require.NoError(t, lock(t, s, "k").Delete())
		}, told: loaded},
		"Set and eviction": {act: func(t *testing.T, s *fixture) {
			require.NoError(t, s.Set("k", 2))
			require.NoError(t, s.Set("x", 2))
			require.NoError(t, s.Set("y", 2))
			require.NoError(t, s.Delete("x"))
		}, told: loaded},
		"Clear": {act: func(t *testing.T, s *fixture) { require.NoError(t, s.Clear()) }, told: loaded},
		"Import": {act: func(t *testing.T, s *fixture) {
			var snapshot bytes.Buffer
			require.NoError(t, s.Export(&snapshot))
			require.NoError(t, s.Import(&snapshot))
		}, told: loaded},
		"Set and lock": {act: func(t *testing.T, s *fixture) {
			require.NoError(t, s.Set("k", 2))
			lock(t, s, "k")
		}, err: store.ErrLocked, left: []string{"k"}},
	} {
		for _, sync := range []persist.Sync{0, persist.Always, persist.EverySecond} {
			o := options{Capacity: 2}
			if sync != 0 {
				o.Persist = persist.Config{Dir: "/data/store", FS: storetest.NewDisk(), Sync: sync}
			}
			t.Run(name+", "+sync.String(), func(t *testing.T) {
				inLoads(t, o, func(t *testing.T, s *fixture, _ *storetest.Clock, source *source) {
					before := ask(t.Context(), s, source.load)
					c.act(t, s)
					require.False(t, before.over)
					require.Equal(t, c.left, has(s, "k"))
					anew := newSource()
					var after *asked
					if c.left == nil {
						after = ask(t.Context(), s, anew.load)
						require.Zero(t, anew.calls.Load(), "one load of a key at a time")
					}
					source.answer(loaded, nil)
					before.require(t, c.told, c.err)
					require.Equal(t, c.left, has(s, "k"))
					if after != nil {
						require.False(t, after.over, "who comes afterwards has it loaded anew")
						anew.answer(5, nil)
						after.require(t, 5, nil)
						require.Equal(t, []string{"k"}, has(s, "k"))
					}
				})
			})
		}
	}
}

// What happens to others is no reason not to store.
func TestOthersDoNotOvertakeLoads(t *testing.T) {
	inLoads(t, options{Capacity: 1, TTL: time.Second}, func(t *testing.T, s *store.Store[string, int], clock *storetest.Clock, c *source) {
		require.NoError(t, s.Set("k", 1))
		clock.Advance(time.Second)
		a := ask(t.Context(), s, c.load)
		require.NoError(t, s.Set("a", 1))
		require.NoError(t, s.Set("b", 1))
		require.NoError(t, s.Delete("a"))
		_, err := s.Get("k")
		require.Equal(t, store.ErrNotFound, err)
		c.answer(2, nil)
		a.require(t, 2, nil)
		require.Equal(t, []string{"k"}, has(s, "k", "a", "b"))
	})
}

// A load may write its key itself, with a TTL of its own say.
func TestLoadThatSetsItsKey(t *testing.T) {
	s, clock := fake(t, options{TTL: time.Hour})
	value, err := s.GetOrLoad(t.Context(), "k", func(_ context.Context, key string) (int, error) {
		return 1, s.SetWithTTL(key, 2, time.Second)
	})
	require.NoError(t, err)
	require.Equal(t, 2, value, "what is in the store")
	m, _ := s.Metadata("k")
	require.Equal(t, clock.Now().Add(time.Second), m.Expires)
}

// A Delete that finds an expired entry counts as one that finds nothing.
func TestDeleteOfADeadEntryOvertakesALoad(t *testing.T) {
	inLoads(t, options{TTL: time.Second, SweepInterval: time.Hour}, func(t *testing.T, s *store.Store[string, int], clock *storetest.Clock, c *source) {
		require.NoError(t, s.Set("k", 1))
		clock.Advance(time.Second)
		a := ask(t.Context(), s, c.load)
		require.NoError(t, s.Delete("k"))
		c.answer(2, nil)
		a.require(t, 2, nil)
		require.Empty(t, has(s, "k"))
	})
}

// An error of a load that was overtaken is told to those who wait and to nobody
// else.
func TestErrorOfOvertakenLoad(t *testing.T) {
	inLoads(t, options{ErrorTTL: time.Minute}, func(t *testing.T, s *store.Store[string, int], _ *storetest.Clock, c *source) {
		a := ask(t.Context(), s, c.load)
		require.NoError(t, s.Delete("k"))
		c.answer(0, errSource)
		a.require(t, 0, errSource)
		value, err := s.GetOrLoad(t.Context(), "k", constant(3, nil))
		require.NoError(t, err)
		require.Equal(t, 3, value)
	})
}

// While a write is on its way to the disk, a load neither takes its place nor
// passes it by.
func TestLoadBesideAPendingWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := storetest.NewDisk()
		o := options{Persist: persist.Config{Dir: "/data/store", FS: disk, Sync: persist.Always}}
		s, _ := fake(t, o)
		c := newSource()
		a := ask(t.Context(), s, c.load)
		done := make(chan error)
		go func() { done <- s.Set("k", 2) }()
		go func() { c.answers <- func() (int, error) { return 1, nil } }()
		require.NoError(t, <-done)
		synctest.Wait()
		if a.value == 1 { // it came first
			a.require(t, 1, nil)
		} else {
			a.require(t, 2, nil)
		}
		value, err := s.Get("k")
		require.NoError(t, err)
		require.Equal(t, 2, value)
	})
}

// A load that was overtaken may read an original that is newer than what another one
// has read, if the next write is under way: who has seen that must not see the other's
// afterwards. So the other one waits, as do those who come meanwhile.
func TestLoadsOfAKeyGoOneByOne(t *testing.T) {
	inLoads(t, options{}, func(t *testing.T, s *store.Store[string, int], _ *storetest.Clock, first *source) {
		second := newSource()
		a := ask(t.Context(), s, first.load)
		require.NoError(t, s.Clear())
		b := ask(t.Context(), s, second.load)
		require.NoError(t, s.Clear(), "which does not overtake what has not begun")
		c := ask(t.Context(), s, nil)
		require.Zero(t, second.calls.Load())
		first.answer(1, nil)
		a.require(t, 1, nil)
		second.answer(2, nil)
		b.require(t, 2, nil)
		c.require(t, 2, nil)
		require.Equal(t, []string{"k"}, has(s, "k"))
	})
}

// A load may ask for another key, whoever loads that, though somebody waits for it
// to end.
func TestLoadThatOthersWaitForAsksForAnotherKey(t *testing.T) {
	inLoads(t, options{}, func(t *testing.T, s *store.Store[string, int], _ *storetest.Clock, other *source) {
		goOn := make(chan struct{})
		a := ask(t.Context(), s, func(ctx context.Context, _ string) (int, error) {
			<-goOn
			return s.GetOrLoad(ctx, "other", other.load)
		})
		require.NoError(t, s.Clear())
		var found map[string]int
		var asked [][]string
		go func() {
			found, _ = s.GetOrLoadMany(t.Context(), []string{"other", "k", "one more"}, func(ctx context.Context, keys []string) (map[string]int, error) {
				asked = append(asked, keys)
				value, err := other.load(ctx, "")
				return map[string]int{keys[0]: value}, err
			})
		}()
		synctest.Wait()
		require.Equal(t, [][]string{{"other", "one more"}}, asked)
		close(goOn)
		other.answer(1, nil)
		a.require(t, 1, nil)
		other.answer(2, nil)
		require.Equal(t, [][]string{{"other", "one more"}, {"k"}}, asked)
		require.Equal(t, map[string]int{"other": 1, "k": 2}, found)
	})
}

// What was overtaken and nobody waits for is not waited for either.
func TestOvertakenLoadThatIsLeft(t *testing.T) {
	inLoads(t, options{}, func(t *testing.T, s *store.Store[string, int], _ *storetest.Clock, first *source) {
		hangs := make(chan struct{})
		ctx, leave := context.WithCancel(t.Context())
		a := ask(ctx, s, func(context.Context, string) (int, error) { <-hangs; return 1, nil })
		require.NoError(t, s.Clear())
		b := ask(t.Context(), s, first.load)
		require.Zero(t, first.calls.Load())
		leave()
		synctest.Wait()
		a.require(t, 0, context.Canceled)
		first.answer(2, nil)
		b.require(t, 2, nil)
		close(hangs)
		synctest.Wait()
		value, err := s.Get("k")
		require.NoError(t, err)
		require.Equal(t, 2, value)
	})
}

// Who waits for an overtaken load to end can leave. Who comes then still has to wait.
func TestLeavingBeforeTheLoadBegins(t *testing.T) {
	inLoads(t, options{}, func(t *testing.T, s *store.Store[string, int], _ *storetest.Clock, first *source) {
		a := ask(t.Context(), s, first.load)
		require.NoError(t, s.Clear())
		ctx, leave := context.WithCancel(t.Context())
		b := ask(ctx, s, nil)
		leave()
		synctest.Wait()
		b.require(t, 0, context.Canceled)
		require.Equal(t, 1, s.Stats().Loading)
		third := newSource()
		c := ask(t.Context(), s, third.load)
		require.Zero(t, third.calls.Load())
		first.answer(1, nil)
		a.require(t, 1, nil)
		third.answer(2, nil)
		c.require(t, 2, nil)
		require.Zero(t, s.Stats().Loading)
	})
}

// What waits for one load is loaded together.
func TestKeysOfAnOvertakenLoad(t *testing.T) {
	inLoads(t, options{}, func(t *testing.T, s *store.Store[string, int], _ *storetest.Clock, first *source) {
		var asked [][]string
		load := func(ctx context.Context, keys []string) (map[string]int, error) {
			asked = append(asked, keys)
			value, err := first.load(ctx, "")
			return map[string]int{keys[0]: value}, err
		}
		keys := []string{"a", "b", "c"}
		var done sync.WaitGroup
		for range 2 {
			done.Go(func() { _, _ = s.GetOrLoadMany(t.Context(), keys, load) })
			synctest.Wait()
			require.NoError(t, s.Clear())
		}
		first.answer(1, nil)
		first.answer(2, nil)
		done.Wait()
		require.Equal(t, [][]string{keys, keys}, asked)
	})
}

// meddlingClock calls a function when it has been read so often.
type meddlingClock struct {
	*storetest.Clock
	readings int
	meddle   func()
}

func (c *meddlingClock) Now() time.Time {
	if c.readings--; c.readings == 0 {
		c.meddle()
	}
	return c.Clock.Now()
}

// A key that comes into the store between a miss and the load needs none any more. That
// is no reason to go on with the load of another, once who asked for both has left.
func TestLeavingAfterOneOfTwo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := &meddlingClock{Clock: storetest.NewClock(t)}
		s := open(t, options{Clock: clock, ErrorTTL: time.Second})
		clock.meddle = func() { require.NoError(t, s.Set("k", 2)) }
		clock.readings = 3 // two misses, and then what is remembered of loads is looked at
		ctx, leave := context.WithCancel(t.Context())
		var asked []string
		var found map[string]int
		var loadErr, err error
		go func() {
			found, err = s.GetOrLoadMany(ctx, []string{"k", "other"}, func(ctx context.Context, keys []string) (map[string]int, error) {
				asked = keys
				<-ctx.Done()
				loadErr = ctx.Err()
				return nil, loadErr
			})
		}()
		synctest.Wait()
		require.Equal(t, []string{"other"}, asked)
		leave()
		synctest.Wait()
		require.Equal(t, context.Canceled, err)
		require.Equal(t, context.Canceled, loadErr)
		require.Equal(t, map[string]int{"k": 2}, found)
	})
}
