package store_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/store"
	"github.com/latchkey-go/latchkey/storetest"
)

// again asks for "k", which is not there, and reports whether it was loaded, and the
// error.
func again(t *testing.T, s *store.Store[string, int]) (loaded bool, err error) {
	t.Helper()
	before := s.Stats().Loads
	_, err = s.GetOrLoad(t.Context(), "k", constant(0, errSource))
	return s.Stats().Loads > before, err
}

func TestErrorTTL(t *testing.T) {
	for _, cause := range []error{errSource, store.ErrNotFound} {
		s, clock := fake(t, options{ErrorTTL: time.Minute})
		_, err := s.GetOrLoad(t.Context(), "k", constant(0, cause))
		require.Equal(t, cause, err)
		clock.Advance(time.Minute - 1)
		loaded, err := again(t, s)
		require.Equal(t, cause, err)
		require.False(t, loaded)
		found, err := s.GetOrLoadMany(t.Context(), []string{"k"}, nil)
		require.Empty(t, found)
		if cause == store.ErrNotFound {
			cause = nil
		}
		require.Equal(t, cause, err)
		clock.Advance(1)
		loaded, err = again(t, s)
		require.Equal(t, errSource, err)
		require.True(t, loaded)
	}
}

// A write ends what is remembered, even if the entry is gone by then.
func TestErrorTTLEndsWithAWrite(t *testing.T) {
	for name, write := range map[string]func(s *store.Store[string, int]) error{
		"Set":    func(s *store.Store[string, int]) error { return s.SetWithTTL("k", 1, 1) },
		"Delete": func(s *store.Store[string, int]) error { return s.Delete("k") },
		"Clear":  func(s *store.Store[string, int]) error { return s.Clear() },
	} {
		t.Run(name, func(t *testing.T) {
			s, clock := fake(t, options{ErrorTTL: time.Minute})
			_, err := again(t, s)
			require.Equal(t, errSource, err)
			require.NoError(t, s.Set("other", 1))
			loaded, _ := again(t, s)
			require.False(t, loaded)
			require.NoError(t, write(s))
			clock.Advance(1)
			loaded, _ = again(t, s)
			require.True(t, loaded)
		})
	}
}

// The end of a context is no answer of the source.
func TestErrorTTLForgetsContexts(t *testing.T) {
	s, _ := fake(t, options{ErrorTTL: time.Minute})
	for _, cause := range []error{context.Canceled, fmt.Errorf("slow: %w", context.DeadlineExceeded)} {
		_, err := s.GetOrLoad(t.Context(), "k", constant(0, cause))
		require.Equal(t, cause, err)
	}
	loaded, _ := again(t, s)
	require.True(t, loaded)
}

func TestNoErrorTTL(t *testing.T) {
	s, _ := fake(t, options{RefreshAfter: time.Hour})
	for range 2 {
		loaded, _ := again(t, s)
		require.True(t, loaded)
	}
}

// What is remembered is bounded in number: the oldest goes.
func TestErrorTTLIsBounded(t *testing.T) {
	const most = 1000
	s, _ := fake(t, options{ErrorTTL: time.Minute})
	for i := range most + 1 {
		_, err := s.GetOrLoad(t.Context(), fmt.Sprint(i), constant(0, errSource))
		require.Equal(t, errSource, err)
	}
	value, err := s.GetOrLoad(t.Context(), "0", constant(1, nil))
	require.NoError(t, err)
	require.Equal(t, 1, value)
	for i := 1; i <= most; i++ {
		_, err := s.GetOrLoad(t.Context(), fmt.Sprint(i), nil)
		require.Equal(t, errSource, err)
	}
}

// With ErrorTTL, it says when a refresh that has failed is tried again; and what it
// failed with is told once the old value is gone.
func TestErrorTTLOfARefresh(t *testing.T) {
	refreshing(t, options{ErrorTTL: 7 * time.Second}, func(t *testing.T, s *store.Store[string, int], clock *storetest.Clock, c *source) {
		hit(t, s, c)
		c.answer(0, errSource)
		clock.Advance(5 * time.Second)
		require.Equal(t, 1, hit(t, s, c))
		clock.Advance(time.Second)
		loaded, err := again(t, s)
		require.Equal(t, errSource, err)
		require.False(t, loaded)
		require.EqualValues(t, 1, c.calls.Load())
	})
}

// An error whose type can't be compared is an error like any other.
func TestLoadErrorThatCannotBeCompared(t *testing.T) {
	s, _ := fake(t, options{ErrorTTL: time.Minute})
	for range 2 {
		_, err := s.GetOrLoad(t.Context(), "k", constant(0, manyErrors{errSource}))
		require.ErrorIs(t, err, errSource)
		_, err = s.GetOrLoadMany(t.Context(), []string{"k"}, nil)
		require.ErrorIs(t, err, errSource)
	}
	require.EqualValues(t, 1, s.Stats().Loads)
}

type manyErrors []error

func (e manyErrors) Error() string   { return "many" }
func (e manyErrors) Unwrap() []error { return e }

// That a value could not be stored, as somebody has locked the entry before its refresh
// began, is no answer of the source: when the entry is gone, it is asked again.
func TestErrorTTLForgetsLocks(t *testing.T) {
	var s *store.Store[string, int]
	refreshing(t, options{ErrorTTL: time.Hour, OnRemove: func(r store.Removal[string, int]) {
		if r.Key == "other" { // in the hit, behind it
			lock(t, s, "k")
		}
	}}, func(t *testing.T, of *store.Store[string, int], clock *storetest.Clock, c *source) {
		s = of
		require.NoError(t, s.SetWithTTL("other", 1, time.Second))
		lock(t, s, "other") // so that its end is seen at once
		clock.Advance(time.Second)
		require.Equal(t, 1, hit(t, s, c))
		c.answer(2, nil)
		clock.Advance(5 * time.Second)
		loaded, err := again(t, s)
		require.Equal(t, errSource, err)
		require.True(t, loaded)
	})
}
