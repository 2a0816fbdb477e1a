package promstore_test

import (
	"fmt"
	"hash/crc32"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/persist"
	"github.com/latchkey-go/latchkey/promstore"
	"github.com/latchkey-go/latchkey/store"
)

// counts is a source that stands still.
type counts store.Stats

func (c counts) Stats() store.Stats { return store.Stats(c) }

// distinct returns counts in which every number is another one, made of its name.
func distinct(durable bool) counts {
	var fill func(name string, v reflect.Value)
	fill = func(name string, v reflect.Value) {
		n := crc32.ChecksumIEEE([]byte(name)) % 100_000
		switch {
		case v.Type() == reflect.TypeFor[time.Time]():
			v.Set(reflect.ValueOf(time.Unix(int64(n), 5e8)))
		case v.Type() == reflect.TypeFor[persist.Histogram]():
			var h persist.Histogram
			for _, bound := range persist.HistogramBounds() {
				h.Observe(bound)
			}
			h.Observe(time.Duration(n) * 24 * time.Hour) // beyond all
			v.Set(reflect.ValueOf(h))
		case v.Type() == reflect.TypeFor[time.Duration]():
			v.SetInt(int64(n) * 1e9)
		case v.Kind() == reflect.Struct:
			for i := range v.NumField() {
				fill(v.Type().Field(i).Name, v.Field(i))
			}
		case v.CanInt():
			v.SetInt(int64(n))
		case v.CanUint():
			v.SetUint(uint64(n))
		case v.Kind() == reflect.Bool:
			v.SetBool(true)
		default:
			panic("a field of a kind that this test does not know")
		}
	}
	var s store.Stats
	fill("", reflect.ValueOf(&s).Elem())
	s.Durable = durable
	return counts(s)
}

// What is told is just what testdata/metrics.txt has.
func TestMetrics(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(promstore.New("disk", distinct(true)), promstore.New("memory", distinct(false)))
	want, err := os.Open("testdata/metrics.txt")
	require.NoError(t, err)
	defer want.Close()
	require.NoError(t, testutil.GatherAndCompare(registry, want))
}

// Each number of Stats is told of, but for those that others include.
func TestMetricsAreAll(t *testing.T) {
	untold := map[string]string{
		"Durable": "there are metrics or there are none",
		"Writes":  "of no use to an operator beside records and syncs",
		"Syncs":   "the count of SyncTimes",
	}
	scrape := func(s counts) string {
		families, err := gather(t, promstore.New("s", s))
		require.NoError(t, err)
		return fmt.Sprint(families)
	}
	before := scrape(counts(store.Stats{Durable: true}))
	var walk func(v reflect.Value, set *store.Stats)
	walk = func(v reflect.Value, set *store.Stats) {
		for i := range v.NumField() {
			name, field := v.Type().Field(i).Name, v.Field(i)
			if field.Type() == reflect.TypeFor[persist.JournalStats]() {
				walk(field, set)
				continue
			}
			*set = store.Stats{Durable: true}
			switch field.Interface().(type) {
			case int, int64, time.Duration:
				field.SetInt(1e9)
			case uint64:
				field.SetUint(7)
			case bool:
				field.SetBool(true)
			case time.Time:
				field.Set(reflect.ValueOf(time.Unix(1, 0)))
			case persist.Histogram:
				field.Field(0).Index(20).SetUint(3)
			default:
				require.Fail(t, "a field of a kind that this test does not know", name)
			}
			changed := scrape(counts(*set)) != before
			_, left := untold[name]
			require.NotEqual(t, left, changed, "Stats.%s", name)
		}
	}
	var set store.Stats
	walk(reflect.ValueOf(&set).Elem(), &set)
}

func TestMetricsFollowTheConventions(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(promstore.New("s", distinct(true)))
	problems, err := testutil.GatherAndLint(registry)
	require.NoError(t, err)
	require.Empty(t, problems)
}

func TestNames(t *testing.T) {
	registry := prometheus.NewRegistry()
	first := promstore.New("a", distinct(true))
	require.NoError(t, registry.Register(first))
	require.NoError(t, registry.Register(promstore.New(`any "name"`+"\n<b>", distinct(true))))
	var taken prometheus.AlreadyRegisteredError
	require.ErrorAs(t, registry.Register(promstore.New("a", distinct(true))), &taken)
	require.True(t, registry.Unregister(first))
	require.NoError(t, registry.Register(promstore.New("a", distinct(true))))
}

// doc.go lists the metrics as they are.
func TestManual(t *testing.T) {
	families, err := gather(t, promstore.New("s", distinct(true)))
	require.NoError(t, err)
	want := make(map[string]string)
	for _, f := range families {
		want[f.GetName()] = strings.ToLower(f.GetType().String())
	}
	text, err := os.ReadFile("doc.go")
	require.NoError(t, err)
	got := make(map[string]string)
	for line := range strings.Lines(string(text)) {
		if words := strings.Fields(line); len(words) > 2 && strings.HasPrefix(words[1], "latchkey_") {
			name, _, _ := strings.Cut(words[1], "{")
			got[name] = words[2]
		}
	}
	require.Empty(t, cmp.Diff(want, got))
}
