package clock_test

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/internal/clock"
)

// The clock is right to its resolution while it is asked, and to the nanosecond when
// nobody has asked for a while, as it sleeps then.
func TestCoarse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const ms = time.Millisecond
		start := time.Now()
		c := clock.NewCoarse(10 * ms)
		require.Equal(t, start, c.Now())
		for i := range 100 { // asked each millisecond
			time.Sleep(ms)
			synctest.Wait()
			want := time.Duration(i+1) * ms / (10 * ms) * 10 * ms
			require.Equal(t, want, c.Elapsed(), "after %d ms", i+1)
			require.Equal(t, start.Add(want), c.Now())
		}
		time.Sleep(time.Hour + 3*ms)
		require.Equal(t, time.Hour+103*ms, c.Elapsed(), "it was asleep")
		require.Equal(t, time.Hour+103*ms, c.Elapsed())
		time.Sleep(9 * ms)
		require.Equal(t, time.Hour+103*ms, c.Elapsed())
		time.Sleep(2 * ms)
		require.Equal(t, time.Hour+113*ms, c.Elapsed())
	})
}

// Asked by many, it never runs backwards for any of them.
func TestCoarseConcurrently(t *testing.T) {
	c := clock.NewCoarse(50 * time.Microsecond)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			var last time.Duration
			for range 200_000 {
				now := c.Elapsed()
				if now < last {
					t.Errorf("%v after %v", now, last)
					return
				}
				last = now
			}
		})
	}
	all.Wait()
	require.Positive(t, c.Elapsed())
}
