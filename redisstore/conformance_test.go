package redisstore_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/latchkey-go/latchkey/internal/testenv"
	"github.com/latchkey-go/latchkey/redisstore"
	"github.com/latchkey-go/latchkey/store"
	"github.com/latchkey-go/latchkey/storetest"
)

// unit is what the suite's times are multiples of.
func unit() time.Duration {
	if testenv.Race {
		return 70 * time.Millisecond
	}
	return 60 * time.Millisecond
}

func TestConformance(t *testing.T) {
	// Most of the time they wait for time to pass, so they may wait together.
	for name, engine := range map[string]struct {
		o         rueidis.ClientOption
		lateReads bool
	}{
		"one node":               {plainServer(t).options(), true},
		"one node, every access": {plainServer(t).options(), false},
		"cluster":                {plainCluster(t).options(), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conform(t, engine.o, engine.lateReads)
		})
	}
}

var conformed atomic.Int64 // how many engines were opened

// conform runs the suite on clients with connections of their own.
func conform(t *testing.T, o rueidis.ClientOption, lateReads bool) {
	storetest.Conformance(t, storetest.Engine{
		Unit:      unit(),
		Histories: 3,
		LateReads: lateReads,
		Open: func(t testing.TB, e storetest.EngineOptions) (clients []store.Shared[string, storetest.Value], advance func(time.Duration)) {
			options := redisstore.Options{
				Prefix: fmt.Sprintf("%s:%d:", t.Name(), conformed.Add(1)),
				TTL:    e.TTL, IdleTimeout: e.IdleTimeout, MaxLease: e.MaxLease,
			}
			if !lateReads {
				options.AccessInterval = redisstore.EveryAccess
			}
			for range e.Clients {
				clients = append(clients, open[string, storetest.Value](t, connect(t, o), options))
			}
			return clients, time.Sleep
		},
	})
}
