package store_test

import (
	"bytes"
	"errors"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/store"
	"github.com/latchkey-go/latchkey/storetest"
)

type removed = store.Removal[string, int]

// inGoroutine runs f, which may end its goroutine.
func inGoroutine(f func()) {
	var wg sync.WaitGroup
	wg.Go(f)
	wg.Wait()
}

// A panic in OnRemove is contained and logged, and the events go on.
func TestOnRemovePanics(t *testing.T) {
	for name, value := range map[string]any{
		"an error": errors.New("broken"),
		"a text":   "broken",
		"nil":      nil,
	} {
		t.Run(name, func(t *testing.T) {
			var log logged
			var told removals[string, int]
			s, _ := fake(t, options{Logger: log.logger(), OnRemove: func(r removed) {
				told.add(r)
				if r.Value == 1 {
					panic(value)
				}
			}})
			set(t, s, "a", "b", "c")
			evicted, err := s.Resize(1)
			require.NoError(t, err)
			require.Equal(t, 2, evicted)
			require.NoError(t, s.Clear())
			require.Equal(t, []removed{
				{Key: "a", Value: 1, Reason: store.ReasonEvicted},
				{Key: "b", Value: 2, Reason: store.ReasonEvicted},
				{Key: "c", Value: 3, Reason: store.ReasonCleared},
			}, told.take())
			require.Contains(t, log.String(), "OnRemove")
			require.NotContains(t, log.String(), "broken")
			require.NoError(t, s.Close())
		})
	}
}

// An OnRemove that ends its goroutine, as a failing test does, takes no other
// event with it, nor has one wait for the next operation.
func TestOnRemoveExits(t *testing.T) {
	for name, test := range map[string]struct {
		act  func(*store.Store[string, int])
		told []string
	}{
		"Resize": {func(s *store.Store[string, int]) { _, _ = s.Resize(1) }, []string{"a", "b", "c"}},
		"Clear":  {func(s *store.Store[string, int]) { _ = s.Clear() }, []string{"a", "b", "c", "d"}},
		"Len":    {func(s *store.Store[string, int]) { s.Len() }, []string{"a", "b", "c", "d"}},
	} {
		inBubble(t, name, func(t *testing.T) {
			var gone removals[string, int]
			s, clock := fake(t, options{TTL: time.Minute, SweepInterval: time.Hour, OnRemove: func(r removed) {
				gone.add(r)
				runtime.Goexit()
			}})
			set(t, s, "a", "b", "c", "d")
			if name == "Len" {
				clock.Advance(time.Minute)
			}
			go test.act(s)
			synctest.Wait()
			var told []string
			for _, r := range gone.take() {
				told = append(told, r.Key)
			}
			require.ElementsMatch(t, test.told, told)
			require.NoError(t, s.Close())
			require.Empty(t, gone.take())
		})
	}
}

// Nobody has to deliver for ever what others cause meanwhile.
func TestOnRemoveForOthers(t *testing.T) {
	const entries = 200_000
	var s *store.Store[int, int]
	told := 0
	returned, all := make(chan struct{}), make(chan struct{})
	s = open(t, store.Options[int, int]{Capacity: entries, OnRemove: func(store.Removal[int, int]) {
		told++
		switch told {
		case 1:
			inGoroutine(func() { _, _ = s.Resize(1) })
		case 3 * entries / 4:
			<-returned
		case entries - 1:
			close(all)
		}
	}})
	for i := range entries {
		require.NoError(t, s.Set(i, i))
	}
	soon(t, func() { require.NoError(t, s.Delete(0)) })
	close(returned)
	soon(t, func() { <-all })
}

// OnRemove may call the store, whatever it was that removed something.
func TestOnRemoveCallsTheStore(t *testing.T) {
	for name, call := range map[string]func(s *store.Store[string, int]) error{
		"Set that evicts": func(s *store.Store[string, int]) error {
			if s.Stats().Evicted > 5 {
				return nil // or it would go on for ever
			}
			return errors.Join(s.Set("x", 1), s.Set("y", 2), s.Set("z", 3))
		},
		"Len":      func(s *store.Store[string, int]) error { s.Len(); return nil },
		"All":      func(s *store.Store[string, int]) error { content(s); return nil },
		"Clear":    func(s *store.Store[string, int]) error { return s.Clear() },
		"Snapshot": func(s *store.Store[string, int]) error { return s.Snapshot(t.Context()) },
		"Sync":     func(s *store.Store[string, int]) error { return s.Sync() },
		"Export":   func(s *store.Store[string, int]) error { return s.Export(new(bytes.Buffer)) },
		"Import": func(s *store.Store[string, int]) error {
			var export bytes.Buffer
			return errors.Join(s.Export(&export), s.Import(&export))
		},
		"Close": func(s *store.Store[string, int]) error { return s.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			var s *store.Store[string, int]
			var errs []error
			o := inFolder(folder(t))
			o.Capacity, o.TTL = 2, time.Minute
			o.OnRemove = func(removed) {
				if len(errs) < 20 {
					errs = append(errs, call(s))
				}
			}
			s, clock := fake(t, o)
			soon(t, func() {
				set(t, s, "a", "b", "c") // evicts
				clock.Advance(2 * time.Minute)
				_ = s.Set("d", 4)
				_ = s.Delete("d")
				_ = s.Clear()
				_ = s.Snapshot(t.Context())
				require.NoError(t, s.Close())
			})
			require.NotEmpty(t, errs)
			require.NoError(t, errs[0])
			for _, err := range errs {
				require.True(t, err == nil || errors.Is(err, store.ErrClosed), err)
			}
		})
	}
}

// Close in an OnRemove that is told while the store is being closed, perhaps by Close itself.
func TestCloseInOnRemoveInClose(t *testing.T) {
	var s *store.Store[string, int]
	var told removals[string, int]
	o := options{Capacity: 1, OnRemove: func(r removed) {
		told.add(r)
		_ = s.Close()
	}}
	onSlowDisk(t, "slow", o, func(t *testing.T, opened *store.Store[string, int], _ *storetest.Clock, d *slowDisk) {
		s = opened
		set(t, s, "a")
		letGo := d.slow()
		evicting := start(func() error { return s.Set("b", 2) })
		closing := start(s.Close)
		require.True(t, evicting.waits())
		require.True(t, closing.waits())
		letGo(nil)
		require.NoError(t, <-evicting.done)
		require.NoError(t, <-closing.done)
		require.Equal(t, []removed{{Key: "a", Value: 1, Reason: store.ReasonEvicted}}, told.take())
	})
}

// Writers at the same time: the events of a key tell its story in order.
func TestOrderOfEvents(t *testing.T) {
	var told removals[string, int]
	s := open(t, options{Capacity: 3, OnRemove: told.add})
	keys := []string{"a", "b", "c", "d"} // one more than fit
	var writers sync.WaitGroup
	for w := range 4 {
		writers.Go(func() {
			for i := range 300 {
				key := keys[(i+w)%len(keys)]
				_, err := s.Update(key, func(old int, _ bool) (int, error) { return old + 1, nil })
				if err == nil && i%50 == 49 {
					err = s.Delete(key)
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	writers.Wait()
	require.NoError(t, s.Clear())
	next := map[string]int{}
	for _, r := range told.take() {
		require.Equal(t, next[r.Key]+1, r.Value, r)
		next[r.Key] = r.Value
		if r.Reason != store.ReasonReplaced {
			next[r.Key] = 0 // its story begins again
		}
	}
	require.Equal(t, map[string]int{"a": 0, "b": 0, "c": 0, "d": 0}, next)
	stats := s.Stats()
	require.Equal(t, stats.Sets, stats.Evicted+stats.Deleted+stats.Replaced+stats.Cleared)
}

// What Update's f does wrong changes nothing.
func TestUpdateFails(t *testing.T) {
	refused := errors.New("refused")
	update := func(s *store.Store[string, int], key string, f func()) error {
		_, err := s.Update(key, func(old int, _ bool) (int, error) { f(); return old + 10, nil })
		return err
	}
	for _, key := range []string{"k", "new"} {
		for name, act := range map[string]func(t *testing.T, s *store.Store[string, int]){
			"returns an error": func(t *testing.T, s *store.Store[string, int]) {
				value, err := s.Update(key, func(int, bool) (int, error) { return 7, refused })
				require.Same(t, refused, err)
				require.Zero(t, value)
			},
			"panics": func(t *testing.T, s *store.Store[string, int]) {
				require.PanicsWithValue(t, "refused", func() { _ = update(s, key, func() { panic("refused") }) })
			},
			"ends its goroutine": func(_ *testing.T, s *store.Store[string, int]) {
				inGoroutine(func() { _ = update(s, key, runtime.Goexit) })
			},
			"closes the store": func(t *testing.T, s *store.Store[string, int]) {
				require.ErrorIs(t, update(s, key, func() { _ = s.Close() }), store.ErrClosed)
			},
		} {
			t.Run(name+"/"+key, func(t *testing.T) {
				o := inFolder(folder(t))
				s := open(t, o)
				set(t, s, "k", "other")
				soon(t, func() { act(t, s) })
				require.NoError(t, s.Close())
				require.Equal(t, map[string]int{"k": 1, "other": 2}, content(open(t, o)))
			})
		}
	}
}

// f may call the store. What it does to its own key makes it run again, until it
// no longer does or Update gives up.
func TestUpdateCallsTheStore(t *testing.T) {
	update := func(s *store.Store[string, int], f func(run int)) (value, runs int, err error) {
		value, err = s.Update("k", func(old int, _ bool) (int, error) {
			runs++
			f(runs)
			return old + 10, nil
		})
		return value, runs, err
	}
	for name, c := range map[string]struct {
		act   func(s *store.Store[string, int])
		value int // what Update makes of it
		runs  int
	}{
		"Set of another key":    {func(s *store.Store[string, int]) { _ = s.Set("x", 1) }, 11, 1},
		"Get":                   {func(s *store.Store[string, int]) { _, _ = s.Get("k") }, 11, 1},
		"Len":                   {func(s *store.Store[string, int]) { s.Len() }, 11, 1},
		"Set of its key, once":  {func(s *store.Store[string, int]) { _ = s.Set("k", 5) }, 15, 2},
		"Delete, once":          {func(s *store.Store[string, int]) { _ = s.Delete("k") }, 10, 2},
		"Clear, once":           {func(s *store.Store[string, int]) { _ = s.Clear() }, 10, 2},
		"Delete and Set again":  {func(s *store.Store[string, int]) { _ = s.Delete("k"); _ = s.Set("k", 1) }, 11, 2},
		"Update of another key": {func(s *store.Store[string, int]) { _ = overwrites["Update"](s, "x", 1) }, 11, 1},
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := fake(t, options{})
			set(t, s, "k")
			value, runs, err := update(s, func(run int) {
				if run == 1 {
					c.act(s)
				}
			})
			require.NoError(t, err)
			require.Equal(t, c.value, value)
			require.Equal(t, c.runs, runs)
			got, err := s.Get("k")
			require.NoError(t, err)
			require.Equal(t, c.value, got)
		})
	}
	for name, again := range map[string]func(s *store.Store[string, int]) error{
		"Set":    func(s *store.Store[string, int]) error { return s.Set("k", 5) },
		"Update": func(s *store.Store[string, int]) error { return overwrites["Update"](s, "k", 5) },
	} {
		t.Run("its own key for ever/"+name, func(t *testing.T) {
			s, _ := fake(t, options{})
			set(t, s, "k")
			soon(t, func() {
				value, runs, err := update(s, func(int) { require.NoError(t, again(s)) })
				require.Same(t, store.ErrConflict, err)
				require.Zero(t, value)
				require.Greater(t, runs, 1)
			})
			require.Equal(t, map[string]int{"k": 5}, content(s))
		})
	}
	t.Run("a lease on its own key", func(t *testing.T) {
		s, _ := fake(t, options{})
		set(t, s, "k")
		_, _, err := update(s, func(int) { lock(t, s, "k") })
		require.ErrorIs(t, err, store.ErrLocked)
		require.Equal(t, map[string]int{"k": 1}, content(s))
	})
}

// The body of a loop may do what it likes. Each key comes at most once, and what
// nobody removes comes.
func TestLoopsThatChangeTheStore(t *testing.T) {
	const many = 300 // several batches
	name := func(i int) string { return "k" + string(rune('a'+i/26)) + string(rune('a'+i%26)) }
	var all []string
	for i := range many {
		all = append(all, name(i))
	}
	for what, c := range map[string]struct {
		body func(s *store.Store[string, int], key string, run int) (goOn bool)
		full bool // all keys come
	}{
		"delete the key": {func(s *store.Store[string, int], key string, _ int) bool { return s.Delete(key) == nil }, true},
		"set the key":    {func(s *store.Store[string, int], key string, _ int) bool { return s.Set(key, -1) == nil }, true},
		"set new keys": {func(s *store.Store[string, int], key string, _ int) bool {
			return s.Set("new "+key, 1) == nil
		}, true},
		"replace the key": {func(s *store.Store[string, int], key string, _ int) bool {
			return s.Delete(key) == nil && s.Set(key, 1) == nil
		}, true},
		"lock": {func(s *store.Store[string, int], key string, _ int) bool {
			_, err := s.TryLock(key, 0)
			return err == nil
		}, true},
		"Len": {func(s *store.Store[string, int], _ string, _ int) bool { return s.Len() == many }, true},
		"a loop in it": {func(s *store.Store[string, int], _ string, run int) bool {
			return run > 3 || len(content(s)) == many
		}, true},
		"break":  {func(_ *store.Store[string, int], _ string, run int) bool { return run < 10 }, false},
		"clear":  {func(s *store.Store[string, int], _ string, _ int) bool { return s.Clear() == nil }, false},
		"resize": {func(s *store.Store[string, int], _ string, _ int) bool { _, err := s.Resize(5); return err == nil }, false},
		"close":  {func(s *store.Store[string, int], _ string, _ int) bool { return s.Close() == nil }, false},
		"delete all others": {func(s *store.Store[string, int], key string, run int) bool {
			for i := range many {
				if run == 1 && name(i) != key {
					_ = s.Delete(name(i))
				}
			}
			return true
		}, false},
	} {
		t.Run(what, func(t *testing.T) {
			s := open(t, options{})
			for i := range many {
				require.NoError(t, s.Set(name(i), i))
			}
			var seen []string
			soon(t, func() {
				for key := range s.All() {
					seen = append(seen, key)
					if !c.body(s, key, len(seen)) {
						break
					}
				}
			})
			slices.Sort(seen)
			require.NotEmpty(t, seen)
			require.Len(t, slices.Compact(slices.Clone(seen)), len(seen), "a key came twice")
			if c.full {
				require.Empty(t, cmp.Diff(all, seen))
			} else {
				require.Less(t, len(seen), many/2, "it did not end soon")
			}
		})
	}
}

// A key that is removed and set again in the body is new, wherever the store
// puts it.
func TestLoopsDoNotShowWhatIsNew(t *testing.T) {
	const many = 300
	s := open(t, store.Options[int, int]{})
	for i := range many {
		require.NoError(t, s.Set(i, i))
	}
	seen := map[int]int{}
	for key := range s.All() {
		if seen[key]++; len(seen) == 1 {
			require.NoError(t, s.Delete(key))
			require.NoError(t, s.Delete(many-1)) // its place, far behind, is free now
			require.NoError(t, s.Set(key, key))
		}
	}
	require.Len(t, seen, many-1)
	for key, times := range seen {
		require.Equal(t, 1, times, key)
	}
}
