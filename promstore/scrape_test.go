package promstore_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/persist"
	"github.com/latchkey-go/latchkey/promstore"
	"github.com/latchkey-go/latchkey/store"
	"github.com/latchkey-go/latchkey/storetest"
)

func gather(t *testing.T, c ...prometheus.Collector) ([]*dto.MetricFamily, error) {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(c...)
	return registry.Gather()
}

// scrape asks over HTTP for the metrics as text, and parses that.
func scrape(t *testing.T, url string) map[string]*dto.MetricFamily {
	t.Helper()
	response, err := http.Get(url)
	require.NoError(t, err)
	defer response.Body.Close()
	require.Equal(t, http.StatusOK, response.StatusCode)
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(text))
	require.NoError(t, err)
	return families
}

// of returns the metric with the labels given: name, value, name, value.
func of(t *testing.T, family *dto.MetricFamily, labels ...string) *dto.Metric {
	t.Helper()
	for _, m := range family.GetMetric() {
		got := make([]string, 0, len(labels))
		for _, l := range m.GetLabel() {
			got = append(got, l.GetName(), l.GetValue())
		}
		if fmt.Sprint(got) == fmt.Sprint(labels) {
			return m
		}
	}
	require.Fail(t, "no such metric", "%s %v", family.GetName(), labels)
	return nil
}

// A real store, asked as Prometheus would.
func TestScrape(t *testing.T) {
	clock := storetest.NewClock(t)
	sessions, err := store.New(store.Options[string, int]{
		Capacity: 2, Clock: clock, Persist: persist.Config{Dir: t.TempDir(), Sync: persist.Always},
	})
	require.NoError(t, err)
	defer sessions.Close()
	carts, err := store.New(store.Options[int, []string]{})
	require.NoError(t, err)
	defer carts.Close()

	registry := prometheus.NewRegistry()
	registry.MustRegister(promstore.New("sessions", sessions), promstore.New("carts", carts))
	server := httptest.NewServer(promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	defer server.Close()

	require.NoError(t, sessions.Set("a", 1))
	clock.Advance(30 * time.Second)
	require.NoError(t, sessions.Set("b", 2))
	_, _ = sessions.Get("a")
	_, _ = sessions.Get("nobody")
	require.NoError(t, sessions.Set("c", 3)) // b goes, 0 s old
	clock.Advance(time.Minute)
	require.NoError(t, sessions.Set("d", 4)) // a goes, 90 s old
	_, err = sessions.TryLock("d", 0)
	require.NoError(t, err)
	_, _ = sessions.Get("d")
	_, err = sessions.GetOrLoad(context.Background(), "nobody", func(context.Context, string) (int, error) {
		return 0, store.ErrNotFound
	})
	require.ErrorIs(t, err, store.ErrNotFound)
	require.NoError(t, sessions.Snapshot(context.Background()))
	taken := clock.Now()
	require.NoError(t, carts.Set(1, nil))

	got := scrape(t, server.URL)
	value := func(name string, labels ...string) float64 {
		m := of(t, got[name], labels...)
		return m.GetCounter().GetValue() + m.GetGauge().GetValue()
	}
	for name, want := range map[string]float64{
		"latchkey_entries": 2, "latchkey_capacity_entries": 2, "latchkey_hits_total": 1,
		"latchkey_misses_total": 2, "latchkey_refusals_total": 1, "latchkey_sets_total": 4,
		"latchkey_locked_entries": 1, "latchkey_loads_total": 1, "latchkey_load_errors_total": 1,
		"latchkey_read_only": 0, "latchkey_snapshots_total": 1, "latchkey_unsaved_changes": 0,
		"latchkey_last_snapshot_timestamp_seconds": float64(taken.UnixNano()) / 1e9,
	} {
		require.InDelta(t, want, value(name, "store", "sessions"), 1e-6, name)
	}
	require.EqualValues(t, 2, value("latchkey_removals_total", "reason", "evicted", "store", "sessions"))
	require.EqualValues(t, 1, value("latchkey_entries", "store", "carts"))
	require.Len(t, got["latchkey_read_only"].GetMetric(), 1, "carts has no folder")

	ages := of(t, got["latchkey_evicted_age_seconds"], "store", "sessions").GetHistogram()
	require.EqualValues(t, 2, ages.GetSampleCount())
	require.InDelta(t, 90, ages.GetSampleSum(), 1e-6)
	for _, b := range ages.GetBucket() {
		want := uint64(1)
		if b.GetUpperBound() >= 90 {
			want = 2
		}
		require.Equal(t, want, b.GetCumulativeCount(), "up to %v s", b.GetUpperBound())
	}
	syncs := of(t, got["latchkey_journal_sync_duration_seconds"], "store", "sessions").GetHistogram()
	require.EqualValues(t, sessions.Stats().Journal.Syncs, syncs.GetSampleCount())
	require.Positive(t, syncs.GetSampleSum())
}
