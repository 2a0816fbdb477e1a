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

// TestStopAndGoOn lets the process die after a snapshot, more than once, and
// compares the end with that of a run which was never cut off.
func TestStopAndGoOn(t *testing.T) {
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
				stop := append(args[:len(args):len(args)], "-stop-after", fmt.Sprint(after))

				o := runApart(t, stop...)
				require.Equal(t, 3, o.status, o.stderr)
				require.Contains(t, o.stderr, "stopped dead")
				require.Empty(t, o.stdout)

				if after < 2_500 {
					o = runApart(t, stop...)
					require.Equal(t, 3, o.status, o.stderr)
				}

				o = runApart(t, args...)
				require.Equal(t, 0, o.status, o.stderr)
				require.Equal(t, whole.last(), o.last())

				o = runApart(t, args...)
				require.Equal(t, 0, o.status, o.stderr)
				require.Equal(t, whole.last(), o.last(), "nothing left to do")
			})
		}
	}
}

// TestDeathBetweenSnapshots goes on from a copy of the folder, made while the
// run was far beyond its last snapshot.
func TestDeathBetweenSnapshots(t *testing.T) {
	dir, dead := t.TempDir(), filepath.Join(t.TempDir(), "dead")
	o, err := parseFlags([]string{"-dir", dir}, io.Discard)
	require.NoError(t, err)
	in, err := newInput(nil, nil)
	require.NoError(t, err)
	r, err := newReplay(o, in)
	require.NoError(t, err)
	require.NoError(t, in.each(func(req request) error {
		switch in.requests {
		case 2_000:
			require.NoError(t, r.store.Snapshot(t.Context()))
		case 3_000:
			require.NoError(t, os.CopyFS(dead, os.DirFS(dir)))
		}
		return r.serve(req)
	}))
	require.NoError(t, r.finish())

	again := runHere("", "-dir", dead)
	require.Equal(t, 0, again.status, again.stderr)
	require.Contains(t, again.stderr, "1999 requests already")
	require.Equal(t, runHere("").last(), again.last())
}

func TestStopAfterTheEnd(t *testing.T) {
	o := runHere("", "-dir", t.TempDir(), "-stop-after", "1000000")
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
// leaves it as it is.
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
			before := fileNames(t, dir)
			o := runHere(tt.log, append(append([]string{"-dir", dir}, tt.flags...), "-")...)
			require.Equal(t, 1, o.status)
			require.Contains(t, o.stderr, tt.want)
			require.Empty(t, o.stdout)
			require.Equal(t, before, fileNames(t, dir))
		})
	}
	require.Equal(t, whole.last(), runHere("", "-dir", dir).last())
}

func fileNames(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}
