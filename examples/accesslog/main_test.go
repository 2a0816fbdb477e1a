package main

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestMain lets the test binary be accesslog itself, for the tests that need
// the program to die.
func TestMain(m *testing.M) {
	if os.Getenv("ACCESSLOG_TEST_MAIN") != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// killed is the status of a process that was.
const killed = -1

// outcome is what a run of accesslog leaves behind.
type outcome struct {
	status         int
	stdout, stderr string
}

// last returns the last line of the standard output.
func (o outcome) last() string {
	lines := strings.Split(strings.TrimSuffix(o.stdout, "\n"), "\n")
	return lines[len(lines)-1]
}

// runHere runs accesslog in this process.
func runHere(stdin string, args ...string) outcome {
	var stdout, stderr bytes.Buffer
	status := run(args, strings.NewReader(stdin), &stdout, &stderr)
	return outcome{status, stdout.String(), stderr.String()}
}

// runApart runs accesslog in a process of its own.
func runApart(t *testing.T, args ...string) outcome {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), "ACCESSLOG_TEST_MAIN=1")
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return outcome{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Empty(t, cmp.Diff(string(want), got))
}

func TestSample(t *testing.T) {
	o := runHere("")
	require.Equal(t, 0, o.status)
	require.Empty(t, o.stderr)
	golden(t, "sample.txt", o.stdout)
}

func TestSampleByAgentInLittleRoom(t *testing.T) {
	o := runHere("", "-key", "ip+agent", "-capacity", "20", "-ttl", "6h")
	require.Equal(t, 0, o.status)
	require.Empty(t, o.stderr)
	golden(t, "sample-by-agent.txt", o.stdout)
}

func TestSummary(t *testing.T) {
	line := func(host, time string) string {
		return host + ` - - [02/Mar/2026:` + time + ` +0000] "GET / HTTP/1.1" 200 1` + "\n"
	}
	tests := []struct {
		name, log string
		flags     []string
		want      string
	}{
		{
			"idle for just as long as allowed",
			line("192.0.2.1", "10:00:00") + line("192.0.2.1", "10:30:00"), nil,
			"requests=2 created=2 touched=0 expired=1 evicted=0 peak=1 live=1 malformed=0",
		},
		{
			"idle for a second less",
			line("192.0.2.1", "10:00:00") + line("192.0.2.1", "10:29:59"), nil,
			"requests=2 created=1 touched=1 expired=0 evicted=0 peak=1 live=1 malformed=0",
		},
		{
			"time runs backwards",
			line("192.0.2.1", "10:10:00") + line("192.0.2.2", "10:00:00") + line("192.0.2.3", "10:35:00") + line("192.0.2.2", "10:39:00"), nil,
			"requests=4 created=3 touched=1 expired=0 evicted=0 peak=3 live=3 malformed=0",
		},
		{
			"too old, though in use",
			line("192.0.2.1", "10:00:00") + line("192.0.2.1", "10:20:00") + line("192.0.2.1", "10:40:00"),
			[]string{"-ttl", "40m"},
			"requests=3 created=2 touched=1 expired=1 evicted=0 peak=1 live=1 malformed=0",
		},
		{
			"for ever",
			line("192.0.2.1", "10:00:00") + strings.Replace(line("192.0.2.1", "10:00:00"), "2026", "2126", 1),
			[]string{"-idle", "0"},
			"requests=2 created=1 touched=1 expired=0 evicted=0 peak=1 live=1 malformed=0",
		},
		{
			"the least recently used makes room",
			line("192.0.2.1", "10:00:00") + line("192.0.2.2", "10:00:01") + line("192.0.2.1", "10:00:02") + line("192.0.2.3", "10:00:03") + line("192.0.2.1", "10:00:04"),
			[]string{"-capacity", "2"},
			"requests=5 created=3 touched=2 expired=0 evicted=1 peak=2 live=2 malformed=0",
		},
		{
			"the dead make room first",
			line("192.0.2.1", "10:00:00") + line("192.0.2.2", "10:00:01") + line("192.0.2.3", "10:30:00"),
			[]string{"-capacity", "2"},
			"requests=3 created=3 touched=0 expired=1 evicted=0 peak=2 live=2 malformed=0",
		},
		{
			"what is no request",
			"\x00\x01\xff\n\n" + line("192.0.2.1", "10:00:00") + "192.0.2.1 - - [02/Mar", nil,
			"requests=1 created=1 touched=0 expired=0 evicted=0 peak=1 live=1 malformed=3",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := runHere(tt.log, append(tt.flags, "-")...)
			require.Equal(t, 0, o.status, o.stderr)
			require.Empty(t, o.stderr)
			require.Equal(t, tt.want, o.last())
		})
	}
}

func TestBadInput(t *testing.T) {
	dir := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
		return path
	}
	empty := file("empty.log", "")
	noise := file("noise.png", "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\n\xff\xfe\n")
	zipped := string(synthetic)
	tests := []struct {
		name   string
		args   []string
		status int
		want   string
	}{
		{"missing", []string{filepath.Join(dir, "none.log")}, 1, "no such file"},
		{"missing, after a good one", []string{"-", filepath.Join(dir, "none.log")}, 1, "no such file"},
		{"folder", []string{dir}, 1, "is a folder"},
		{"empty", []string{empty}, 1, "empty.log is empty"},
		{"nothing at all", []string{empty}, 1, "no request to replay"},
		{"binary", []string{noise}, 1, "noise.png: no line of it is in Common or Combined Log Format"},
		{"cut gzip", []string{file("cut.gz", zipped[:len(zipped)/2])}, 1, "cut.gz: unexpected EOF"},
		{"damaged gzip", []string{file("bad.gz", zipped[:100]+"????"+zipped[104:])}, 1, "bad.gz: "},
		{"no gzip after all", []string{file("not.gz", "\x1f\x8b, he said")}, 1, "not.gz: gzip: invalid header"},
		{"unknown flag", []string{"-colour"}, 2, "not defined: -colour"},
		{"key", []string{"-key", "cookie"}, 2, "-key is neither ip nor ip+agent"},
		{"negative capacity", []string{"-capacity", "-1"}, 2, "cannot be negative"},
		{"absurd capacity", []string{"-capacity", "9999999999"}, 2, "-capacity is at most"},
		{"negative idle", []string{"-idle", "-1s"}, 2, "cannot be negative"},
		{"no duration", []string{"-idle", "30"}, 2, "invalid value"},
		{"absurd ttl", []string{"-ttl", "2000000h"}, 2, "at most"},
		{"kill without dir", []string{"-kill-after", "10"}, 2, "needs a -dir"},
		{"dir is a file", []string{"-dir", noise}, 1, "noise.png"},
		{"dir of someone else", []string{"-dir", dir}, 1, "not a store's"},
		{"plot into nowhere", []string{"-plot", filepath.Join(dir, "none", "a.svg")}, 1, "no such file"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := runHere("", tt.args...)
			require.Equal(t, tt.status, o.status)
			require.Contains(t, o.stderr, tt.want)
			require.NotContains(t, o.stderr, "panic")
		})
	}
}

func TestEmptyAmongOthersIsToldAndPassedOver(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty.log")
	require.NoError(t, os.WriteFile(empty, nil, 0o600))
	o := runHere(`192.0.2.1 - - [02/Mar/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 1`, empty, "-")
	require.Equal(t, 0, o.status)
	require.Equal(t, "accesslog: "+empty+" is empty\n", o.stderr)
	require.Contains(t, o.last(), "requests=1 ")
}

func TestHelp(t *testing.T) {
	o := runHere("", "-h")
	require.Equal(t, 0, o.status)
	require.Contains(t, o.stderr, "usage: accesslog")
}
