package main

import (
	"bufio"
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/internal/testenv"
)

// The program as make webapp runs it, until Ctrl-C.
func TestProgram(t *testing.T) {
	if runtime.GOOS == "windows" {
		testenv.Missing(t, "a system without SIGINT")
	}
	binary := filepath.Join(t.TempDir(), "webapp")
	out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput()
	require.NoError(t, err, string(out))

	t.Setenv("TMPDIR", t.TempDir()) // where its folder is to be
	program := exec.CommandContext(t.Context(), binary, "-addr", "127.0.0.1:0", "-ops", "127.0.0.1:0", "-load", "8")
	var stderr bytes.Buffer
	program.Stderr = &stderr
	stdout, err := program.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, program.Start())
	told := map[string]string{}
	for lines := bufio.NewScanner(stdout); told["folder"] == "" && lines.Scan(); {
		what, where, _ := strings.Cut(lines.Text(), "  ")
		told[what] = strings.TrimSpace(where)
	}
	require.DirExists(t, told["folder"])
	deadline := time.Now().Add(time.Minute)
	for count(t, told["metrics"], `latchkey_lock_wait_seconds_count{store="sessions"}`) < 3 ||
		count(t, told["metrics"], `latchkey_removals_total{reason="deleted",store="sessions"}`) < 3 {
		require.True(t, time.Now().Before(deadline), "the load does not move the counts")
	}
	for what, want := range map[string]string{"the shop": "Welcome", "live page": "Latchkey"} {
		response, err := http.Get(told[what])
		require.NoError(t, err)
		require.Contains(t, read(t, response), want)
	}

	require.NoError(t, program.Process.Signal(os.Interrupt))
	require.NoError(t, program.Wait(), "it ends as one that was not told to stop")
	require.Empty(t, stderr.String(), "no visitor was sent away")
	require.NoDirExists(t, told["folder"])
}

// count returns what a metric counts.
func count(t *testing.T, url, metric string) int {
	response, err := http.Get(url)
	require.NoError(t, err)
	found := regexp.MustCompile(regexp.QuoteMeta(metric) + ` (\d+)`).FindStringSubmatch(read(t, response))
	require.NotNil(t, found, metric)
	n, err := strconv.Atoi(found[1])
	require.NoError(t, err)
	return n
}

func TestPlainHTTPStaysOnThisMachine(t *testing.T) {
	ended, end := context.WithCancel(t.Context())
	end() // what is not refused ends at once
	for _, addr := range []string{":0", "0.0.0.0:0", "192.0.2.7:80"} {
		dir := filepath.Join(t.TempDir(), "sessions")
		err := run(ended, settings{addr: addr, dir: dir}, slog.New(slog.DiscardHandler))
		require.ErrorContains(t, err, "give -https")
		require.NoDirExists(t, dir)
	}
}

// What goes wrong at the start is told, and leaves nothing behind.
func TestAddressInUse(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	_, server := start(t, t.TempDir())
	err := run(t.Context(), settings{addr: "127.0.0.1:0", ops: server.Listener.Addr().String()}, slog.New(slog.DiscardHandler))
	require.ErrorContains(t, err, server.Listener.Addr().String())
	left, err := os.ReadDir(os.TempDir())
	require.NoError(t, err)
	require.Empty(t, left)
}

func TestCommandLine(t *testing.T) {
	require.NoError(t, settings{load: mostVisitors}.check(nil))
	require.ErrorContains(t, settings{}.check([]string{"x"}), "flags alone")
	require.ErrorContains(t, settings{load: -1}.check(nil), "between 0 and 200")
	require.ErrorContains(t, settings{load: mostVisitors + 1}.check(nil), "between 0 and 200")
}
