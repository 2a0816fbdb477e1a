package main

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// outcome is what a command has done.
type outcome struct {
	status      int
	out, stderr string
}

// latchkey runs a command line, whose words are separated by spaces; ␣ is a space
// within one.
func latchkey(t testing.TB, line string) outcome {
	t.Helper()
	return latchkeyFrom(t, strings.NewReader(""), line)
}

// latchkeyFrom is latchkey with something on standard input.
func latchkeyFrom(t testing.TB, stdin io.Reader, line string) outcome {
	t.Helper()
	return latchkeyUntil(t.Context(), t, stdin, line)
}

// latchkeyUntil is latchkeyFrom until ctx ends, which is what a signal does. It
// makes sure that nobody is told a key or a value who did not ask for it.
func latchkeyUntil(ctx context.Context, t testing.TB, stdin io.Reader, line string) outcome {
	t.Helper()
	args := strings.Fields(line)
	for i := range args {
		args[i] = strings.ReplaceAll(args[i], "␣", " ")
	}
	var out, stderr bytes.Buffer
	got := outcome{status: run(ctx, args, stdin, &out, &stderr)}
	got.out, got.stderr = out.String(), stderr.String()
	tellsNothing(t, got.stderr)
	if !strings.HasPrefix(line, "dump") && !strings.HasPrefix(line, "export") {
		tellsNothing(t, got.out)
	}
	require.Equal(t, got.status == statusGood, got.stderr == "", "errors, and nothing else, go to standard error: %s", got.stderr)
	return got
}

func tellsNothing(t testing.TB, text string) {
	t.Helper()
	require.NotContains(t, text, "customer-", "a key was told")
	require.NotContains(t, text, "hush", "a value was told")
}

// good makes sure that all went well, and returns what was written.
func (o outcome) good(t testing.TB) string {
	t.Helper()
	require.Equal(t, statusGood, o.status, o.stderr)
	return o.out
}

// failed makes sure of the status, and of one line of error with all of these in
// it. It returns what was written.
func (o outcome) failed(t testing.TB, status int, says ...string) string {
	t.Helper()
	require.Equal(t, status, o.status, o.stderr)
	require.Equal(t, 1, strings.Count(o.stderr, "\n"), o.stderr)
	require.True(t, strings.HasPrefix(o.stderr, "latchkey: "), o.stderr)
	for _, text := range says {
		require.Contains(t, o.stderr, text)
	}
	return o.out
}
