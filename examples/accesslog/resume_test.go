package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestKillAndGoOn lets the process be killed, more than once, and compares the end
// with that of a run which was never cut off.
func TestKillAndGoOn(t *testing.T) {
	for _, flags := range [][]string{
		{},
		{"-key", "ip+agent"},
		{"-key", "ip+agent", "-capacity", "25", "-ttl", "3h"},
		{"-idle", "0", "-capacity", "1"},
	} {
		whole := runHere("", flags...)
		require.Equal(t, 0, whole.status, whole.stderr)
		for _, after := range []int{1, 777, 2_500, 5_000} {
			t.Run(fmt.Sprint(flags, after), func(t *testing.T) {
				t.Parallel()
				args := append([]string{"-dir", filepath.Join(t.TempDir(), "sessions")}, flags...)
				kill := append(args[:len(args):len(args)], "-kill-after", fmt.Sprint(after))
				times := min(3, 5_000/after)
				for range times {
					o := runApart(t, kill...)
					require.Equal(t, killed, o.status, o.stderr)
					require.Empty(t, o.stdout)
				}
				o := runApart(t, args...)
				require.Equal(t, 0, o.status, o.stderr)
				require.Contains(t, o.stderr, fmt.Sprintf("%d requests already", times*after))
				require.Equal(t, whole.last(), o.last())

				o = runApart(t, args...)
				require.Equal(t, 0, o.status, o.stderr)
				require.Equal(t, whole.last(), o.last(), "nothing left to do")
			})
		}
	}
}

// TestDeathWithinARequest goes on from a copy of the folder, made when sessions have
// expired that no request has told of yet.
func TestDeathWithinARequest(t *testing.T) {
	for _, flags := range [][]string{nil, {"-capacity", "25"}} {
		t.Run(fmt.Sprint(flags), func(t *testing.T) {
			dir, dead := t.TempDir(), filepath.Join(t.TempDir(), "dead")
			o, err := parseFlags(append(flags, "-dir", dir), io.Discard)
			require.NoError(t, err)
			in, err := newInput(nil, nil)
			require.NoError(t, err)
			r, err := newReplay(o, in)
			require.NoError(t, err)
			copied := 0
			require.NoError(t, in.each(func(req request) error {
				if in.requests > 3_000 && copied == 0 && req.Time.After(r.clock.Now()) {
					before := r.store.Len()
					r.clock.Set(req.Time)
					if r.store.Len() < before {
						copied = in.requests
						require.NoError(t, os.CopyFS(dead, os.DirFS(dir)))
					}
				}
				return r.serve(req)
			}))
			require.NoError(t, r.finish())
			require.NotZero(t, copied)

			again := runHere("", append(flags, "-dir", dead)...)
			require.Equal(t, 0, again.status, again.stderr)
			require.Contains(t, again.stderr, fmt.Sprintf("%d requests already", copied-1))
			require.Equal(t, runHere("", flags...).last(), again.last())
		})
	}
}

func TestKillAfterTheEnd(t *testing.T) {
	o := runHere("", "-dir", t.TempDir(), "-kill-after", "1000000")
	require.Equal(t, 0, o.status, o.stderr)
	require.Equal(t, runHere("").last(), o.last())
}

// TestLogGrows goes on with what a server has added to its log since.
func TestLogGrows(t *testing.T) {
	dir := t.TempDir()
	log := plainSample(t)
	half := strings.LastIndex(log[:len(log)/2], "\n") + 1
	o := runHere(log[:half], "-dir", dir, "-")
	require.Equal(t, 0, o.status, o.stderr)
	o = runHere(log, "-dir", dir, "-")
	require.Equal(t, 0, o.status, o.stderr)
	require.Equal(t, runHere("").last(), o.last())
	require.Contains(t, o.stderr, "the tables and the plot show those after")
}

// TestRawBytesSurviveTheFolder has agents that JSON would not keep apart.
func TestRawBytesSurviveTheFolder(t *testing.T) {
	var log strings.Builder
	for range 2 {
		for _, agent := range []string{"\xff", "\xfe", "\xff\xfe", "\ufffd", "\x00", "<&\u2028>"} {
			fmt.Fprintf(&log, "192.0.2.1 - - [02/Mar/2026:10:00:00 +0000] \"GET / HTTP/1.1\" 200 1 \"-\" \"%s\"\n", agent)
		}
	}
	dir := t.TempDir()
	args := []string{"-key", "ip+agent", "-dir", dir, "-"}
	half := log.String()[:log.Len()/2]
	require.Equal(t, 0, runHere(half, args...).status)
	require.Equal(t, "requests=12 created=6 touched=6 expired=0 evicted=0 peak=6 live=6 malformed=0", runHere(log.String(), args...).last())
}

// TestOtherRunsFolder refuses a folder that does not belong to the run, and
// leaves the sessions in it as they are.
func TestOtherRunsFolder(t *testing.T) {
	dir := t.TempDir()
	whole := runHere("", "-dir", dir)
	require.Equal(t, 0, whole.status, whole.stderr)
	log := plainSample(t)
	tests := []struct {
		name, log string
		flags     []string
		want      string
	}{
		{"other key", log, []string{"-key", "ip+agent"}, errOtherRun.Error()},
		{"other idle", log, []string{"-idle", "10m"}, errOtherRun.Error()},
		{"other ttl", log, []string{"-ttl", "10m"}, errOtherRun.Error()},
		{"other capacity", log, []string{"-capacity", "10"}, errOtherRun.Error()},
		{"shorter log", log[:len(log)/2], nil, errOtherLog.Error()},
		{"other log", strings.Replace(log, "GET /", "GET /other", 1), nil, errOtherLog.Error()},
		{"empty log", "", nil, errOtherLog.Error()},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before := files(t, dir)
			o := runHere(tt.log, append(append([]string{"-dir", dir}, tt.flags...), "-")...)
			require.Equal(t, 1, o.status)
			require.Contains(t, o.stderr, tt.want)
			require.Empty(t, o.stdout)
			if tt.want == errOtherRun.Error() {
				require.Equal(t, before, files(t, dir))
			}
		})
	}
	require.Equal(t, whole.last(), runHere("", "-dir", dir).last())
}

// files returns what is in a folder by name, except for the note of who had it.
func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	all := map[string]string{}
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		require.NoError(t, err)
		all[e.Name()] = string(data)
	}
	delete(all, "LOCK")
	return all
}
