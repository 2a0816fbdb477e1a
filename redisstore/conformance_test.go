package redisstore_test

import (
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
		return 80 * time.Millisecond
	}
	return 40 * time.Millisecond
}

func TestConformance(t *testing.T) {
	engines(t, func(t *testing.T, o rueidis.ClientOption) {
		for name, options := range map[string]redisstore.Options{
			"plain": {},
		} {
			t.Run(name, func(t *testing.T) { conform(t, o, options) })
		}
	})
}

// conform runs the suite on clients with connections of their own.
func conform(t *testing.T, o rueidis.ClientOption, options redisstore.Options) {
	storetest.Conformance(t, storetest.Engine{
		Unit:      unit(),
		Histories: 5,
		LateReads: options.AccessInterval > 0,
		Open: func(t testing.TB, e storetest.EngineOptions) (clients []store.Shared[string, storetest.Value], advance func(time.Duration)) {
			options := options
			options.Prefix = prefix(t) + time.Now().String()
			options.TTL, options.IdleTimeout, options.MaxLease = e.TTL, e.IdleTimeout, e.MaxLease
			for range e.Clients {
				clients = append(clients, open[string, storetest.Value](t, connect(t, o), options))
			}
			return clients, time.Sleep
		},
	})
}
