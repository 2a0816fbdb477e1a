package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/internal/testenv"
)

// oracleFlags are the flags that make accesslog follow a rule of the oracle;
// it has other rules, for other programs.
var oracleFlags = map[string][]string{
	"idle1800 expired when now-last >= 1800": {"-idle", "30m"},
	"idle1800+absolute14400 (>=)":            {"-idle", "30m", "-ttl", "4h"},
}

// TestOracle compares with counts that two other programs came to, to the
// integer.
func TestOracle(t *testing.T) {
	dir := testenv.Data(t)
	table, err := os.ReadFile(filepath.Join(dir, "reference", "sessions.tsv"))
	require.NoError(t, err)
	logs := map[string][]request{} // each is read once for all its rows
	tested := 0
	for _, row := range strings.Split(strings.TrimSpace(string(table)), "\n")[1:] {
		f := strings.Split(row, "\t")
		require.GreaterOrEqual(t, len(f), 7)
		log, key, rule, capacity := f[0], strings.Replace(f[1], "ua", "agent", 1), f[2], strings.Replace(f[3], "inf", "0", 1)
		flags, ok := oracleFlags[rule]
		requests, err := strconv.Atoi(f[4])
		require.NoError(t, err)
		long := requests > 100_000 && capacity != "50"
		if !ok || long && testenv.Race { // one goroutine alone has no races
			continue
		}
		if logs[log] == nil {
			logs[log] = allRequests(t, filepath.Join(dir, "weblogs", log+".access.log.gz"))
		}
		tested++
		t.Run(strings.Join(f[:4], " "), func(t *testing.T) {
			t.Parallel()
			o, err := parseFlags(append(flags[:len(flags):len(flags)], "-key", key, "-capacity", capacity), io.Discard)
			require.NoError(t, err)
			r, err := newReplay(o, &input{})
			require.NoError(t, err)
			for _, req := range logs[log] {
				r.in.requests++
				if err := r.serve(req); err != nil {
					t.Fatal(err)
				}
			}
			got := r.summary()
			require.NoError(t, r.finish())

			want := fmt.Sprintf("requests=%s created=%s touched=%s ", f[4], f[5], f[6])
			if len(f) > 7 && f[7] != "" {
				want += fmt.Sprintf("expired=%s evicted=%s peak=%s live=%s malformed=0", f[7], f[8], f[9], f[10])
			}
			require.Equal(t, want, got[:min(len(want), len(got))])
		})
	}
	if !testenv.Race {
		require.Equal(t, 50, tested, "5 logs, 2 keys, 4 capacities and one with a TTL")
	}
}

// allRequests reads a recorded log, of which every line is a request.
func allRequests(t *testing.T, file string) []request {
	t.Helper()
	in, err := newInput([]string{file}, nil)
	require.NoError(t, err)
	var all []request
	require.NoError(t, in.each(func(r request) error {
		all = append(all, r)
		return nil
	}))
	require.Zero(t, in.malformed)
	return all
}

// TestRecordedKillAndGoOn is TestKillAndGoOn on recorded logs.
func TestRecordedKillAndGoOn(t *testing.T) {
	dir := testenv.Data(t)
	for _, log := range []string{"semicomplete_2015", "meatlabel_2025-12"} {
		for _, after := range []int{99, 4_321, 9_999} {
			t.Run(fmt.Sprint(log, after), func(t *testing.T) {
				t.Parallel()
				args := []string{"-key", "ip+agent", "-capacity", "40", filepath.Join(dir, "weblogs", log+".access.log.gz")}
				whole := runHere("", args...)
				require.Equal(t, 0, whole.status)
				args = append([]string{"-dir", filepath.Join(t.TempDir(), "sessions")}, args...)
				o := runApart(t, append([]string{"-kill-after", fmt.Sprint(after)}, args...)...)
				require.Equal(t, killed, o.status, o.stderr)
				o = runApart(t, args...)
				require.Equal(t, 0, o.status, o.stderr)
				require.Equal(t, whole.last(), o.last())
			})
		}
	}
}

// TestNobodyIsNamed looks for every visitor of every log in all that is shown.
func TestNobodyIsNamed(t *testing.T) {
	logs := []string{""}
	if dir := os.Getenv("LATCHKEY_DATA"); dir != "" {
		recorded, err := filepath.Glob(filepath.Join(dir, "weblogs", "*.gz"))
		require.NoError(t, err)
		logs = append(logs, recorded...)
	}
	for _, log := range logs {
		t.Run(filepath.Base(log), func(t *testing.T) {
			t.Parallel()
			plot := filepath.Join(t.TempDir(), "plot.svg")
			args := []string{"-key", "ip+agent", "-capacity", "40", "-plot", plot}
			var files []string
			if log != "" {
				files = []string{log}
			}
			o := runHere("", append(args, files...)...)
			require.Equal(t, 0, o.status, o.stderr)
			picture, err := os.ReadFile(plot)
			require.NoError(t, err)
			shown := o.stdout + o.stderr + string(picture)

			in, err := newInput(files, nil)
			require.NoError(t, err)
			secrets := map[string]bool{}
			require.NoError(t, in.each(func(r request) error {
				secrets[r.Host] = true
				if len(r.Agent) > len("Internet Explorer") {
					secrets[r.Agent] = true
				}
				return nil
			}))
			require.NotEmpty(t, secrets)
			for secret := range secrets {
				if strings.Contains(shown, secret) {
					t.Fatal("an address or an agent of the log is shown") // and not once more here
				}
			}
		})
	}
}
