package store_test

import (
	"context"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/persist"
	"github.com/latchkey-go/latchkey/store"
	"github.com/latchkey-go/latchkey/storetest"
)

// lengths answers with the length of each key, but for "", and notes what it was
// asked for.
func lengths(asked *[][]string) func(context.Context, []string) (map[string]int, error) {
	return func(_ context.Context, missing []string) (map[string]int, error) {
		*asked = append(*asked, slices.Clone(missing))
		found := map[string]int{"nobody asked": 1}
		for _, key := range missing {
			if key != "" {
				found[key] = len(key)
			}
		}
		return found, nil
	}
}

func TestGetOrLoadMany(t *testing.T) {
	s, _ := fake(t, options{})
	require.NoError(t, s.Set("here", 100))
	var asked [][]string
	found, err := s.GetOrLoadMany(t.Context(), []string{"aa", "here", "", "bbb", "aa", "here"}, lengths(&asked))
	require.NoError(t, err)
	require.Equal(t, map[string]int{"aa": 2, "here": 100, "bbb": 3}, found)
	require.Equal(t, [][]string{{"aa", "", "bbb"}}, asked)
	m, _ := s.Metadata("here")
	require.EqualValues(t, 1, m.Accesses)
	require.Equal(t, found, maps.Collect(s.All()))

	found, err = s.GetOrLoadMany(t.Context(), []string{"aa", "bbb"}, nil)
	require.NoError(t, err)
	require.Equal(t, map[string]int{"aa": 2, "bbb": 3}, found)
	found, err = s.GetOrLoadMany(t.Context(), nil, nil)
	require.NoError(t, err)
	require.Empty(t, found)
}

// One that is locked does not keep the others from being had.
func TestGetOrLoadManyLocked(t *testing.T) {
	s, _ := fake(t, options{})
	set(t, s, "a", "b")
	lock(t, s, "a")
	var asked [][]string
	found, err := s.GetOrLoadMany(t.Context(), []string{"a", "b", "ccc"}, lengths(&asked))
	require.Equal(t, store.ErrLocked, err)
	require.Equal(t, map[string]int{"b": 2, "ccc": 3}, found)
}

// many is a call of GetOrLoadMany in a goroutine of its own.
type many struct {
	found    map[string]int
	err      error
	panicked any
}

func askMany(ctx context.Context, s *store.Store[string, int], load func(context.Context, []string) (map[string]int, error), keys ...string) *many {
	m := new(many)
	go func() {
		defer func() { m.panicked = recover() }()
		m.found, m.err = s.GetOrLoadMany(ctx, keys, load)
	}()
	synctest.Wait()
	return m
}

// gatedBulk answers once it is told to, with the number given for each key.
func gatedBulk(open chan int) func(context.Context, []string) (map[string]int, error) {
	return func(ctx context.Context, missing []string) (map[string]int, error) {
		select {
		case n := <-open:
			if n < 0 {
				panic(errSource)
			}
			if n == 0 {
				return nil, errSource
			}
			found := make(map[string]int)
			for _, key := range missing {
				found[key] = n
			}
			return found, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// It joins loads that are under way, and others join its own.
func TestGetOrLoadManyJoins(t *testing.T) {
	inLoads(t, options{}, func(t *testing.T, s *store.Store[string, int], _ *storetest.Clock, c *source) {
		open := make(chan int)
		single := ask(t.Context(), s, c.load)
		first := askMany(t.Context(), s, gatedBulk(open), "a", "k", "b")
		second := askMany(t.Context(), s, gatedBulk(open), "b", "a")
		other := new(asked)
		go func() { other.value, other.err = s.GetOrLoad(t.Context(), "a", nil) }()
		synctest.Wait()
		require.EqualValues(t, 2, s.Stats().Loads)
		require.NoError(t, s.Delete("b"))
		open <- 7
		synctest.Wait()
		require.Equal(t, map[string]int{"a": 7, "b": 7}, second.found)
		require.NoError(t, second.err)
		require.Equal(t, 7, other.value)
		require.Nil(t, first.found, "it waits for the rest")
		c.answer(1, nil)
		single.require(t, 1, nil)
		require.Equal(t, map[string]int{"a": 7, "k": 1, "b": 7}, first.found)
		require.Equal(t, []string{"a", "k"}, has(s, "a", "b", "k"), "b was deleted meanwhile")
	})
}

func TestGetOrLoadManyFails(t *testing.T) {
	inLoads(t, options{}, func(t *testing.T, s *store.Store[string, int], _ *storetest.Clock, _ *source) {
		set(t, s, "here")
		open := make(chan int)
		all := askMany(t.Context(), s, gatedBulk(open), "here", "a")
		one := askMany(t.Context(), s, gatedBulk(open), "a")
		open <- 0
		synctest.Wait()
		require.Equal(t, many{found: map[string]int{"here": 1}, err: errSource}, *all)
		require.Equal(t, errSource, one.err)

		all = askMany(t.Context(), s, gatedBulk(open), "here", "a", "b")
		one = askMany(t.Context(), s, gatedBulk(open), "b")
		open <- -1
		synctest.Wait()
		for _, m := range []*many{all, one} {
			require.IsType(t, (*store.PanicError)(nil), m.panicked)
			require.Equal(t, errSource, m.panicked.(*store.PanicError).Value)
		}
		require.Zero(t, s.Stats().Loading)
	})
}

// A bulk load that ends its goroutine ends those of all who wait for one of its keys; they
// don't wait for the rest any more either.
func TestGetOrLoadManyExits(t *testing.T) {
	inLoads(t, options{}, func(t *testing.T, s *store.Store[string, int], _ *storetest.Clock, c *source) {
		exit := make(chan struct{})
		load := func(context.Context, []string) (map[string]int, error) {
			<-exit
			runtime.Goexit()
			return nil, nil
		}
		ctx, cancel := context.WithCancel(t.Context())
		single := ask(ctx, s, c.load)
		var over, returned, panicked atomic.Int64
		join := func(get func()) {
			go func() {
				defer over.Add(1)
				defer func() {
					if recover() != nil {
						panicked.Add(1)
					}
				}()
				get()
				returned.Add(1)
			}()
			synctest.Wait()
		}
		join(func() { _, _ = s.GetOrLoadMany(t.Context(), []string{"a", "k", "b"}, load) })
		join(func() { _, _ = s.GetOrLoadMany(t.Context(), []string{"b"}, nil) })
		join(func() { _, _ = s.GetOrLoad(t.Context(), "a", nil) })
		cancel()
		synctest.Wait()
		single.require(t, 0, context.Canceled)
		require.Zero(t, c.cancelled.Load(), "the first of them waits for k, too")
		require.Zero(t, over.Load())
		close(exit)
		synctest.Wait()
		require.EqualValues(t, 3, over.Load())
		require.Zero(t, returned.Load())
		require.Zero(t, panicked.Load())
		require.EqualValues(t, 1, c.cancelled.Load(), "nobody waits for k")
		require.Zero(t, s.Stats().Loading)
		found, err := s.GetOrLoadMany(t.Context(), []string{"a", "b"}, lengths(new([][]string)))
		require.NoError(t, err)
		require.Equal(t, map[string]int{"a": 1, "b": 1}, found, "loaded anew")
	})
}

// A bulk load goes on as long as somebody waits for one of its keys.
func TestGetOrLoadManyLeaves(t *testing.T) {
	inLoads(t, options{}, func(t *testing.T, s *store.Store[string, int], _ *storetest.Clock, _ *source) {
		open := make(chan int)
		ctx, cancel := context.WithCancel(t.Context())
		all := askMany(ctx, s, gatedBulk(open), "a", "b", "c")
		one := askMany(t.Context(), s, nil, "c")
		cancel()
		synctest.Wait()
		require.Equal(t, context.Canceled, all.err)
		require.Empty(t, all.found)
		require.Equal(t, 1, s.Stats().Loading)
		open <- 4
		synctest.Wait()
		require.Equal(t, map[string]int{"c": 4}, one.found)
		require.Equal(t, []string{"a", "b", "c"}, has(s, "a", "b", "c"))

		ctx, cancel = context.WithCancel(t.Context())
		defer cancel()
		all = askMany(ctx, s, gatedBulk(open), "d", "e")
		cancel()
		synctest.Wait()
		require.Equal(t, context.Canceled, all.err)
		require.Zero(t, s.Stats().Loading, "nobody waited")
	})
}

// Values that each wait for the disk are stored together.
func TestGetOrLoadManySharesTheDisk(t *testing.T) {
	o := options{Persist: persist.Config{Dir: "/data/store", FS: storetest.NewDisk(), Sync: persist.Always}}
	s, _ := fake(t, o)
	var keys []string
	for i := range 600 {
		keys = append(keys, fmt.Sprint("key ", i))
	}
	var asked [][]string
	before := s.Stats().Journal.Syncs
	found, err := s.GetOrLoadMany(t.Context(), keys, lengths(&asked))
	require.NoError(t, err)
	require.Len(t, found, 600)
	require.Equal(t, 600, s.Len())
	require.Less(t, s.Stats().Journal.Syncs-before, uint64(300))
}
