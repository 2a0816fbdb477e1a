package redisstore_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/persist"
	"github.com/latchkey-go/latchkey/redisstore"
)

// counting is JSON that counts how often it decodes.
type counting struct {
	persist.JSON
	decoded *atomic.Int64
}

func (c counting) Unmarshal(data []byte, v any) error {
	c.decoded.Add(1)
	return c.JSON.Unmarshal(data, v)
}

type (
	flat struct {
		Name string
		At   [2]int
	}
	deep struct{ Names []string }
)

// A value of which nothing can be changed is decoded once as long as the near cache
// has it; of any other, each reader gets one of its own.
func TestNearCacheDecodes(t *testing.T) {
	ctx := t.Context()
	var decoded atomic.Int64
	client := connect(t, plainServer(t).options())
	o := redisstore.Options{Prefix: prefix(t), NearCache: time.Minute, Codec: counting{decoded: &decoded}}
	s := open[int, flat](t, client, o)
	for i := range 300 {
		require.NoError(t, s.Set(ctx, i, flat{Name: fmt.Sprint(i)}))
	}
	read := func() {
		for i := range 300 {
			got, err := s.Get(ctx, i)
			require.NoError(t, err)
			require.Equal(t, flat{Name: fmt.Sprint(i)}, got)
		}
	}
	read() // what this Store has just written is asked for
	for passes := 1; ; passes++ {
		decoded.Store(0)
		read()
		if decoded.Load() < 100 { // some are in each other's way
			break
		}
		require.Less(t, passes, 100) // the server may still tell of what was written
	}
	require.NoError(t, s.Set(ctx, 7, flat{Name: "other"}))
	for range 3 {
		got, err := s.Get(ctx, 7)
		require.NoError(t, err)
		require.Equal(t, "other", got.Name)
	}

	o.Prefix += "deep:"
	d := open[int, deep](t, client, o)
	require.NoError(t, d.Set(ctx, 1, deep{[]string{"a"}}))
	for range 3 {
		got, err := d.Get(ctx, 1)
		require.NoError(t, err)
		require.Equal(t, "a", got.Names[0])
		got.Names[0] = "changed"
	}
}
