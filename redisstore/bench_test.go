package redisstore_test

import (
	"context"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/rueidis"
	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/persist"
	"github.com/latchkey-go/latchkey/redisstore"
)

const (
	benchClients = 64   // goroutines
	benchKeys    = 1000 // in use
)

// benchValue is 1 kB, and stays so when encoded.
var benchValue = strings.Repeat("x", 1024)

// raw is a codec for strings that costs a copy: what plain commands are compared
// with is not encoding/json.
type raw struct{ persist.JSON }

func (raw) Marshal(v any) ([]byte, error) { return []byte(v.(string)), nil }

func (raw) Unmarshal(data []byte, v any) error {
	*v.(*string) = string(data)
	return nil
}

// Benchmark has a sub-benchmark for each operation, beside the plain command.
func Benchmark(b *testing.B) {
	client := connect(b, plainServer(b).options())
	plain := open[int, string](b, client, redisstore.Options{Prefix: "bench:", Codec: raw{}})
	each := open[int, string](b, client, redisstore.Options{Prefix: "bench:", Codec: raw{}, AccessInterval: redisstore.EveryAccess})
	idle := open[int, string](b, client, redisstore.Options{Prefix: "bench:", Codec: raw{}, IdleTimeout: time.Hour, TTL: 24 * time.Hour})
	near := open[int, string](b, client, redisstore.Options{Prefix: "bench:", Codec: raw{}, NearCache: time.Minute})
	ctx := context.Background()
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
		{"Get with EveryAccess", func(key int) error { _, err := each.Get(ctx, key); return err }},
		{"Get with NearCache", func(key int) error { _, err := near.Get(ctx, key); return err }},
		{"SET", func(key int) error {
			return client.Do(ctx, client.B().Set().Key(plainKey(key)).Value(benchValue).Build()).Error()
		}},
		{"Set", func(key int) error { return plain.Set(ctx, key, benchValue) }},
		{"Set with TTL", func(key int) error { return idle.Set(ctx, key, benchValue) }},
	} {
		b.Run(c.name, func(b *testing.B) { run(b, client, c.op) })
	}
	b.Run("Lock and Unlock", func(b *testing.B) {
		run(b, client, func(key int) error {
			l, err := plain.Lock(ctx, key, 0)
			if err != nil {
				return err
			}
			return l.Unlock(ctx)
		})
	})
}

func plainKey(key int) string { return fmt.Sprintf("bench:plain:%d", key) }

// run has the clients call op on one key after the other. Besides the rate it
// reports the processor time per operation of the server and of this process, which
// depends less on what else the machine does.
func run(b *testing.B, client rueidis.Client, op func(key int) error) {
	b.SetParallelism(max(1, benchClients/2))
	next := make(chan int, 1)
	next <- 0
	server, own := serverTime(b, client), ownTime(b)
	b.ResetTimer()
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
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "op/s")
	b.ReportMetric(float64((serverTime(b, client)-server).Microseconds())/float64(b.N), "server-µs/op")
	b.ReportMetric(float64((ownTime(b)-own).Microseconds())/float64(b.N), "client-µs/op")
	b.ReportMetric(0, "ns/op")
}

// serverTime returns the processor time that the server has used.
func serverTime(b *testing.B, client rueidis.Client) (sum time.Duration) {
	info, err := client.Do(b.Context(), client.B().Info().Section("cpu").Build()).ToString()
	require.NoError(b, err)
	for line := range strings.Lines(info) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		if name == "used_cpu_sys" || name == "used_cpu_user" {
			d, err := time.ParseDuration(value + "s")
			require.NoError(b, err)
			sum += d
		}
	}
	return sum
}

func ownTime(b *testing.B) time.Duration {
	var usage syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// BenchmarkMemory tells how many bytes an entry takes on the server, beside a plain
// string of the same value.
func BenchmarkMemory(b *testing.B) {
	client := connect(b, plainServer(b).options())
	s := open[int, string](b, client, redisstore.Options{Prefix: "memory:", Codec: raw{}, TTL: time.Hour})
	ctx := context.Background()
	for _, size := range []int{32, 1024, 16 << 10} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			value := strings.Repeat("x", size)
			require.NoError(b, s.Set(ctx, 1, value))
			require.NoError(b, client.Do(ctx, client.B().Set().Key("memory:p:1").Value(value).Ex(time.Hour).Build()).Error())
			b.ReportMetric(usage(b, client, "memory:i:1"), "B/entry")
			b.ReportMetric(usage(b, client, "memory:p:1"), "B/string")
			b.ReportMetric(0, "ns/op")
		})
	}
}

func usage(b *testing.B, client rueidis.Client, key string) float64 {
	n, err := client.Do(b.Context(), client.B().MemoryUsage().Key(key).Build()).AsInt64()
	require.NoError(b, err)
	return float64(n)
}
