package redisstore_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis/rueidis"
	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/redisstore"
)

const (
	benchClients = 64   // goroutines
	benchKeys    = 1000 // in use
)

// benchValue is a value of 1 kB when encoded.
var benchValue = strings.Repeat("x", 1022)

// Benchmark has a sub-benchmark for each operation, beside the plain command.
func Benchmark(b *testing.B) {
	client := connect(b, plainServer(b).options())
	plain := open[int, string](b, client, redisstore.Options{Prefix: "bench:"})
	idle := open[int, string](b, client, redisstore.Options{Prefix: "bench:", IdleTimeout: time.Hour, TTL: 24 * time.Hour})
	lazy := open[int, string](b, client, redisstore.Options{Prefix: "bench:", IdleTimeout: time.Hour, TTL: 24 * time.Hour, AccessInterval: time.Minute})
	near := open[int, string](b, client, redisstore.Options{Prefix: "bench:", NearCache: time.Minute})
	ctx := b.Context()
	for key := range benchKeys {
		require.NoError(b, plain.Set(ctx, key, benchValue))
		require.NoError(b, client.Do(ctx, client.B().Set().Key(plainKey(key)).Value(benchValue).Build()).Error())
	}
	for _, c := range []struct {
		name string
		op   func(key int) error
	}{
		{"GET", func(key int) error {
			return client.Do(ctx, client.B().Get().Key(plainKey(key)).Build()).Error()
		}},
		{"Get", func(key int) error { _, err := plain.Get(ctx, key); return err }},
		{"Get with IdleTimeout", func(key int) error { _, err := idle.Get(ctx, key); return err }},
		{"Get with AccessInterval", func(key int) error { _, err := lazy.Get(ctx, key); return err }},
		{"Get with NearCache", func(key int) error { _, err := near.Get(ctx, key); return err }},
		{"SET", func(key int) error {
			return client.Do(ctx, client.B().Set().Key(plainKey(key)).Value(benchValue).Build()).Error()
		}},
		{"Set", func(key int) error { return plain.Set(ctx, key, benchValue) }},
		{"Set with TTL", func(key int) error { return idle.Set(ctx, key, benchValue) }},
	} {
		b.Run(c.name, func(b *testing.B) { run(b, c.op) })
	}
	b.Run("Lock and Unlock", func(b *testing.B) {
		run(b, func(key int) error {
			l, err := plain.Lock(ctx, key, 0)
			if err != nil {
				return err
			}
			return l.Unlock(ctx)
		})
	})
}

func plainKey(key int) string { return fmt.Sprintf("bench:plain:%d", key) }

// run has the clients call op on one key after the other.
func run(b *testing.B, op func(key int) error) {
	b.SetParallelism(max(1, benchClients/2))
	next := make(chan int, 1)
	next <- 0
	b.RunParallel(func(pb *testing.PB) {
		n := <-next
		next <- n + 17
		for pb.Next() {
			if err := op(n % benchKeys); err != nil {
				b.Error(err)
				return
			}
			n++
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "op/s")
}

// BenchmarkMemory tells how many bytes an entry takes on the server, beside a plain
// string of the same value.
func BenchmarkMemory(b *testing.B) {
	client := connect(b, plainServer(b).options())
	s := open[int, string](b, client, redisstore.Options{Prefix: "memory:", TTL: time.Hour})
	ctx := b.Context()
	for _, size := range []int{32, 1024, 16 << 10} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			value := strings.Repeat("x", size-2)
			require.NoError(b, s.Set(ctx, 1, value))
			require.NoError(b, client.Do(ctx, client.B().Set().Key("memory:p:1").Value(value+"xx").Ex(time.Hour).Build()).Error())
			b.ReportMetric(usage(b, client, "memory:i:1"), "B/entry")
			b.ReportMetric(usage(b, client, "memory:p:1"), "B/string")
			b.ReportMetric(0, "ns/op")
		})
	}
}

func usage(b *testing.B, client rueidis.Client, key string) float64 {
	n, err := client.Do(b.Context(), client.B().MemoryUsage().Key(key).Samples(0).Build()).AsFloat64()
	require.NoError(b, err)
	return n
}
