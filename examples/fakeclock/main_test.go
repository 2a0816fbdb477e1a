package main

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/storetest"
)

func Example() {
	main()
	// Output:
	// 00:00:00 may Ada try? true
	// 00:00:00 may Ada try? false
	// 00:14:59 may Ada try? false
	// 00:15:00 may Ada try? true
}

// The first way: the code under test takes a clock, and the test hands it one
// that stands still until it is told to move.
func TestLimiterWithClock(t *testing.T) {
	clock := storetest.NewClock(t)
	limiter, err := NewLimiter(2, time.Hour, clock)
	require.NoError(t, err)
	testLimiter(t, limiter, clock.Advance)
}

// The second way: in a bubble of testing/synctest the system clock itself is a
// fake one. It moves on when all goroutines in the bubble wait, so that a test
// which waits for an hour is done at once. The code under test knows nothing of
// it.
func TestLimiterInBubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limiter, err := NewLimiter(2, time.Hour, nil)
		require.NoError(t, err)
		testLimiter(t, limiter, func(d time.Duration) { <-time.After(d) })
	})
}

// testLimiter is the same test for both: only wait differs.
func testLimiter(t *testing.T, limiter *Limiter, wait func(time.Duration)) {
	require.True(t, limiter.Allowed("Ada"))
	require.NoError(t, limiter.Failed("Ada"))
	require.True(t, limiter.Allowed("Ada"))
	require.NoError(t, limiter.Failed("Ada"))
	require.False(t, limiter.Allowed("Ada"))
	require.True(t, limiter.Allowed("Bob"))

	// Someone who goes on guessing stays locked out.
	wait(time.Hour - 1)
	require.False(t, limiter.Allowed("Ada"))
	require.NoError(t, limiter.Failed("Ada"))
	wait(time.Hour - 1)
	require.False(t, limiter.Allowed("Ada"))
	wait(1)
	require.True(t, limiter.Allowed("Ada"))

	// A right password ends the count.
	require.NoError(t, limiter.Failed("Ada"))
	require.NoError(t, limiter.Succeeded("Ada"))
	require.NoError(t, limiter.Failed("Ada"))
	require.True(t, limiter.Allowed("Ada"))
	require.NoError(t, limiter.Close())
}
