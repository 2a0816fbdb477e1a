package storetest_test

import (
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/store"
	"github.com/latchkey-go/latchkey/storetest"
)

var _ store.Clock = (*storetest.Clock)(nil)

func TestClock(t *testing.T) {
	clock := storetest.NewClock(t)
	start := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	require.Equal(t, start, clock.Now())
	var ran []time.Duration
	note := func() { ran = append(ran, clock.Now().Sub(start)) }
	clock.AfterFunc(time.Minute, note)
	clock.AfterFunc(time.Second, note)
	stop := clock.AfterFunc(time.Second, note)
	require.Equal(t, 3, clock.Timers())
	require.True(t, stop())
	clock.Advance(time.Second)
	require.Equal(t, []time.Duration{time.Second}, ran)
	clock.Set(start.Add(-time.Hour))
	require.Equal(t, []time.Duration{time.Second}, ran)
	clock.Set(start.Add(time.Hour))
	require.Equal(t, []time.Duration{time.Second, time.Minute}, ran)
	require.Equal(t, start.Add(time.Hour), clock.Now())
	require.Zero(t, clock.Timers())
	clock.Advance(0)
}

func TestZeroClock(t *testing.T) {
	var clock storetest.Clock
	require.Equal(t, time.Unix(0, 0).UTC(), clock.Now())
	require.PanicsWithValue(t, "storetest: Advance by a negative duration; Set steps back", func() { clock.Advance(-1) })
	require.Equal(t, time.Unix(0, 0).UTC(), clock.Now())
}

func TestClockFailsTheTestThatMisusesIt(t *testing.T) {
	if os.Getenv("STORETEST_MISUSE") == "1" {
		storetest.NewClock(t).Advance(-time.Second)
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestClockFailsTheTestThatMisusesIt$")
	cmd.Env = append(os.Environ(), "STORETEST_MISUSE=1")
	out, err := cmd.CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(out), "clock_test.go:")
	require.Contains(t, string(out), "Set steps back")
}

// A store on the clock, driven from several goroutines while the time passes.
func TestClockUnderAStore(t *testing.T) {
	clock := storetest.NewClock(t)
	s, err := store.New(store.Options[int, int]{TTL: time.Minute, SweepInterval: time.Second, Clock: clock})
	require.NoError(t, err)
	var users sync.WaitGroup
	for g := range 4 {
		users.Go(func() {
			for i := range 200 {
				if err := s.Set(g*1000+i, i); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for range 100 {
		clock.Advance(time.Second)
	}
	users.Wait()
	clock.Advance(time.Minute)
	require.Zero(t, s.Stats().Entries, "the sweep has freed what is dead, without being waited for")
	require.NoError(t, s.Close())
	require.Zero(t, clock.Timers())
}
