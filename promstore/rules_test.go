package promstore_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/VictoriaMetrics/metricsql"
	dto "github.com/prometheus/client_model/go"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/latchkey-go/latchkey/promstore"
)

// known returns what a scrape has: each name with its labels.
func known(t *testing.T) map[string][]string {
	families, err := gather(t, promstore.New("s", distinct(true)))
	require.NoError(t, err)
	all := make(map[string][]string)
	for _, f := range families {
		labels := []string{"job", "instance"} // of Prometheus itself
		for _, l := range f.GetMetric()[0].GetLabel() {
			labels = append(labels, l.GetName())
		}
		all[f.GetName()] = labels
		if f.GetType() == dto.MetricType_HISTOGRAM {
			all[f.GetName()+"_count"], all[f.GetName()+"_sum"] = labels, labels
			all[f.GetName()+"_bucket"] = append(labels, "le")
		}
	}
	return all
}

// requireKnown requires that an expression parses, and asks only for what is there.
func requireKnown(t *testing.T, expr string, known map[string][]string) {
	t.Helper()
	e, err := metricsql.Parse(strings.ReplaceAll(expr, "$__rate_interval", "5m"))
	require.NoError(t, err, expr)
	n := 0
	metricsql.VisitAll(e, func(e metricsql.Expr) {
		m, ok := e.(*metricsql.MetricExpr)
		if !ok {
			return
		}
		n++
		for _, filters := range m.LabelFilterss {
			require.Equal(t, "__name__", filters[0].Label, expr)
			labels, ok := known[filters[0].Value]
			require.True(t, ok, "%s: there is no %s", expr, filters[0].Value)
			for _, f := range filters[1:] {
				require.Contains(t, labels, f.Label, expr)
			}
		}
	})
	require.Positive(t, n, expr)
}

func TestAlerts(t *testing.T) {
	var file struct {
		Groups []struct {
			Name  string
			Rules []struct {
				Alert, Expr, For    string
				Labels, Annotations map[string]string
			}
		}
	}
	text, err := os.ReadFile("alerts/latchkey.yml")
	require.NoError(t, err)
	require.NoError(t, yaml.Unmarshal(text, &file))
	names, known := make(map[string]bool), known(t)
	for _, g := range file.Groups {
		for _, r := range g.Rules {
			require.False(t, names[r.Alert], "%s comes twice", r.Alert)
			names[r.Alert] = true
			requireKnown(t, r.Expr, known)
			require.Contains(t, []string{"warning", "critical"}, r.Labels["severity"], r.Alert)
			require.NotEmpty(t, r.Annotations["summary"], r.Alert)
			require.NotEmpty(t, r.Annotations["description"], r.Alert)
		}
	}
	for _, name := range []string{"LatchkeyReadOnly", "LatchkeySnapshotTooOld", "LatchkeyLockWaits", "LatchkeyEvictsYoungEntries"} {
		require.True(t, names[name], name)
	}
}

func TestDashboard(t *testing.T) {
	var dashboard struct {
		Title  string
		Panels []struct {
			ID      int
			Type    string
			Title   string
			GridPos struct{ H, W, X, Y int }
			Targets []struct{ Expr string }
		}
		Templating struct {
			List []struct{ Name, Definition string }
		}
	}
	text, err := os.ReadFile("grafana/latchkey.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &dashboard))

	ids, taken, known := make(map[int]bool), make(map[[2]int]string), known(t)
	unused := make(map[string]bool)
	for name := range known {
		unused[name] = true
	}
	for _, p := range dashboard.Panels {
		require.False(t, ids[p.ID], "%s: its id comes twice", p.Title)
		ids[p.ID] = true
		require.LessOrEqual(t, p.GridPos.X+p.GridPos.W, 24, p.Title)
		for x := range p.GridPos.W {
			for y := range p.GridPos.H {
				at := [2]int{p.GridPos.X + x, p.GridPos.Y + y}
				require.Empty(t, taken[at], "%s lies on it", p.Title)
				taken[at] = p.Title
			}
		}
		require.Equal(t, p.Type == "row", len(p.Targets) == 0, p.Title)
		for _, target := range p.Targets {
			requireKnown(t, target.Expr, known)
			for name := range known {
				if strings.Contains(target.Expr, name) {
					delete(unused, name)
				}
			}
		}
	}
	for name := range unused {
		if !strings.HasSuffix(name, "_sum") && !strings.HasSuffix(name, "_count") {
			require.Fail(t, "no panel shows it", name)
		}
	}
	for _, v := range dashboard.Templating.List {
		if query, ok := strings.CutPrefix(v.Definition, "label_values("); ok {
			metric, _, _ := strings.Cut(query, ",")
			requireKnown(t, metric, known)
		}
	}
}
