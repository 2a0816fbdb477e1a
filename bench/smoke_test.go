package main

import (
	"compress/gzip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/latchkey-go/latchkey/internal/testenv"
)

// All tables about what is in memory are made, on a small scale.
func TestTables(t *testing.T) {
	if testenv.Race {
		t.Skip("what races in other caches is theirs")
	}
	t.Setenv("LATCHKEY_DATA", "")
	out := new(strings.Builder)
	b := &bench{
		out: out, quick: true, workload: "all reads", plots: t.TempDir(),
		rounds: 1, round: time.Millisecond, entries: 2000, many: 2000, dying: 20_000, repeats: 1,
	}
	for _, table := range memoryTables {
		if table.name == "snapshot" { // it measures for seconds
			continue
		}
		if err := table.table(b); err != nil {
			t.Fatalf("%s: %v", table.name, err)
		}
	}
	rows := 0
	for line := range strings.Lines(out.String()) {
		if strings.HasPrefix(line, "|") {
			rows++
		}
	}
	// Seven tables with their heads and rows; hit ratios are left out.
	if want := 7*2 + 2*len(contenders[string]()) + 5 + 6 + 4 + 4 + 2; rows != want {
		t.Errorf("%d rows, want %d:\n%s", rows, want, out)
	}
	if !strings.Contains(out.String(), "LATCHKEY_DATA is not set") {
		t.Error("it doesn't say why there are no hit ratios")
	}
	for _, plot := range []string{"speed.svg", "memory.svg"} {
		if _, err := os.Stat(filepath.Join(b.plots, plot)); err != nil {
			t.Error(err)
		}
	}
}

// The last line says how long a run took that made its tables.
func TestRunTime(t *testing.T) {
	out := new(strings.Builder)
	b := &bench{out: out, many: 100}
	if err := makeTables(b, "collector,nothing", t.TempDir()); err == nil || strings.Contains(out.String(), "The run took") {
		t.Errorf("%v, of a table that there is not; it says:\n%s", err, out)
	}
	if err := makeTables(b, "collector", t.TempDir()); err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`\|\n\nThe run took \d+ s\.\n$`).MatchString(out.String()) {
		t.Errorf("it ends otherwise:\n%s", out)
	}
}

// A trace of keys 1 2 1 3 1 2, with room for two: LRU has both later 1s.
func TestHits(t *testing.T) {
	data := t.TempDir()
	t.Setenv("LATCHKEY_DATA", data)
	for _, dir := range []string{"traces", "reference"} {
		if err := os.Mkdir(filepath.Join(data, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	f, err := os.Create(filepath.Join(data, "traces", "lirs_short.keys.gz"))
	if err != nil {
		t.Fatal(err)
	}
	z := gzip.NewWriter(f)
	if _, err := z.Write([]byte("1\n2\n1\n3\n1\n2\n")); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	reference := "trace\tsize\topt\tlru\tarc\nlirs_short\t2\t50.00\t33.33\t40.00\n"
	if err := os.WriteFile(filepath.Join(data, "reference", "hit_ratios.tsv"), []byte(reference), 0o600); err != nil {
		t.Fatal(err)
	}
	out := new(strings.Builder)
	if err := (&bench{out: out}).hits(); err != nil {
		t.Fatal(err)
	}
	var got []string
	for line := range strings.Lines(out.String()) {
		if strings.HasPrefix(line, "| lirs") || strings.HasPrefix(line, "LRU has") {
			cells := strings.Split(line, " | ")
			got = append(got, append(cells[:min(2, len(cells)-1)], cells[min(3, len(cells)-1):]...)...)
		}
	}
	want := []string{"| lirs_short", "1", "33.33", "50.00", "0.00", "0.00", "0.00", "0.00", "0.00", "40.00", "0.00 |\n", "LRU has the hits of golang-lru in 1 of 1 rows.\n"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
