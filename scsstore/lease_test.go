package scsstore_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/redisstore"
	"github.com/latchkey-go/latchkey/scsstore"
	"github.com/latchkey-go/latchkey/store"
)

// stores are engines, each made with the MaxLease given; 0 = that of the default.
var stores = map[string]func(t *testing.T, maxLease time.Duration) shared{
	"in this process": func(t *testing.T, maxLease time.Duration) shared {
		s, err := store.New(store.Options[string, []byte]{MaxLease: maxLease})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, s.Close()) })
		return s.Shared()
	},
	"on Redis": func(t *testing.T, maxLease time.Duration) shared {
		s, err := redisstore.New[string, []byte](redisClient(t), redisstore.Options{Prefix: t.Name() + ":", MaxLease: maxLease})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, s.Close()) })
		return s
	},
}

// A lease that the store does not give is told when the handler is made.
func TestLeaseAboveMaxLease(t *testing.T) {
	for name, in := range stores {
		t.Run(name, func(t *testing.T) {
			manager := managed(scsstore.New(in(t, 0)))
			require.PanicsWithValue(t, "scsstore: Lease of Options is 1m0s, and the store gives none above its MaxLease, 30s; lower the one or raise the other",
				func() { scsstore.Exclusive(manager, scsstore.Options{Lease: time.Minute}) })
			b := &browser{t: t, handler: scsstore.Exclusive(manager, scsstore.Options{Lease: store.DefaultMaxLease})(shop(manager))}
			b.want("/login", "ok")
			b.want("/add", "1")

			// Who wants none in particular gets what there is.
			manager = managed(scsstore.New(in(t, time.Second)))
			b = &browser{t: t, handler: scsstore.Exclusive(manager, scsstore.Options{})(shop(manager))}
			b.want("/login", "ok")
			b.want("/add", "1")
		})
	}
}

// Where a store does not tell its MaxLease, each request does.
func TestLeaseAboveUnknownMaxLease(t *testing.T) {
	type untold struct{ shared }
	manager := managed(scsstore.New(untold{memory(t)}))
	b := &browser{t: t, handler: scsstore.Exclusive(manager, scsstore.Options{Lease: time.Minute})(shop(manager))}
	b.want("/login", "ok")
	status, body := b.get("/add")
	require.Equal(t, 500, status)
	require.Contains(t, body, "MaxLease")
}
