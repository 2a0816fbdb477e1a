package storetest_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/persist"
	"github.com/latchkey-go/latchkey/store"
	"github.com/latchkey-go/latchkey/storetest"
)

type shared = store.Shared[string, storetest.Value]

// open makes the store that o asks for, on a disk in memory unless sync is 0.
func open(t testing.TB, o storetest.EngineOptions, sync persist.Sync, clock store.Clock) shared {
	options := store.Options[string, storetest.Value]{
		Capacity:    10_000,
		TTL:         o.TTL,
		IdleTimeout: o.IdleTimeout,
		MaxLease:    o.MaxLease,
		Clock:       clock,
	}
	if sync != 0 {
		options.Persist = persist.Config{Dir: "/data/store", FS: storetest.NewDisk(), Sync: sync}
	}
	s, err := store.New(options)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s.Shared()
}

// inProcess is an engine all clients of which are one and the same store, or
// what wrap makes of it.
func inProcess(sync persist.Sync, wrap func(shared) shared) storetest.Engine {
	return storetest.Engine{
		Open: func(t testing.TB, o storetest.EngineOptions) (clients []shared, advance func(time.Duration)) {
			clock := storetest.NewClock(t)
			s := open(t, o, sync, clock)
			if wrap != nil {
				s = wrap(s)
			}
			for range o.Clients {
				clients = append(clients, s)
			}
			return clients, clock.Advance
		},
	}
}

func TestConformance(t *testing.T) {
	for _, on := range []struct {
		name string
		sync persist.Sync
	}{{"memory", 0}, {"Always", persist.Always}, {"EverySecond", persist.EverySecond}, {"OnSnapshot", persist.OnSnapshot}} {
		t.Run(on.name, func(t *testing.T) { storetest.Conformance(t, inProcess(on.sync, nil)) })
	}
}

// The suite can do with an engine whose clock can't be moved: it takes the time.
// Here that is the time of a bubble.
func TestConformanceInRealTime(t *testing.T) {
	e := storetest.Engine{
		Unit: 50 * time.Millisecond,
		Open: func(t testing.TB, o storetest.EngineOptions) ([]shared, func(time.Duration)) {
			s := open(t, o, 0, nil)
			return []shared{s, s}, time.Sleep
		},
	}
	synctest.Test(t, func(t *testing.T) { require.Empty(t, storetest.ConformanceFaults(t, e)) })
}
