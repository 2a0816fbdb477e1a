package main

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const goodLine = `192.0.2.1 - - [02/Mar/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 1`

func plainSample(t *testing.T) string {
	t.Helper()
	return readGzip(t, "synthetic.log.gz")
}

func readGzip(t *testing.T, name string) string {
	t.Helper()
	f, err := os.Open(name)
	require.NoError(t, err)
	defer f.Close()
	r, err := gzip.NewReader(f)
	require.NoError(t, err)
	text, err := io.ReadAll(r)
	require.NoError(t, err)
	return string(text)
}

func zip(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := io.WriteString(w, text)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.String()
}

func TestInput(t *testing.T) {
	tooLong := strings.Repeat("A", maxLine)
	justFits := goodLine + ` "-" "` + strings.Repeat("A", maxLine-len(goodLine)-len(` "-" ""`)-1) + `"`
	tests := []struct {
		name, text      string
		good, malformed int
	}{
		{"nothing", "", 0, 0},
		{"no line feed at the end", goodLine, 1, 0},
		{"line feeds", goodLine + "\n" + goodLine + "\n", 2, 0},
		{"carriage returns", goodLine + "\r\n" + goodLine + "\r\n", 2, 0},
		{"blank lines", "\n" + goodLine + "\n\n", 1, 2},
		{"zeros, as after a crash", strings.Repeat("\x00", 5_000) + "\n" + goodLine, 1, 1},
		{"a long line", justFits + "\n" + goodLine, 2, 0},
		{"a line too long", tooLong + goodLine + "\n" + goodLine, 1, 1},
		{"a line much too long, at the end", goodLine + "\n" + strings.Repeat(tooLong, 3), 1, 1},
		{"gzip", zip(t, goodLine+"\n"+goodLine), 2, 0},
		{"gzip, two in one file", zip(t, goodLine+"\n") + zip(t, goodLine), 2, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			name := filepath.Join(t.TempDir(), "access.log")
			require.NoError(t, os.WriteFile(name, []byte(tt.text), 0o600))
			in, err := newInput([]string{name, "-"}, strings.NewReader(tt.text))
			require.NoError(t, err)
			calls := 0
			require.NoError(t, in.each(func(r request) error {
				calls++
				require.Equal(t, "192.0.2.1", r.Host)
				return nil
			}))
			require.Equal(t, 2*tt.good, calls)
			require.Equal(t, 2*tt.good, in.requests)
			require.Equal(t, 2*tt.malformed, in.malformed)
		})
	}
}

// TestInputSum knows a log by its requests, however it is stored.
func TestInputSum(t *testing.T) {
	sum := func(text string) uint32 {
		in, err := newInput([]string{"-"}, strings.NewReader(text))
		require.NoError(t, err)
		require.NoError(t, in.each(func(request) error { return nil }))
		return in.sum
	}
	two := goodLine + "\n" + goodLine + "\n"
	require.Equal(t, sum(two), sum(zip(t, two)))
	require.Equal(t, sum(two), sum(goodLine+"\nnoise\n"+goodLine))
	require.NotEqual(t, sum(two), sum(goodLine))
	require.NotEqual(t, sum(two), sum(strings.Replace(two, "200", "201", 1)))
}

func TestInputName(t *testing.T) {
	in, err := newInput([]string{"-", "-", "-"}, nil)
	require.NoError(t, err)
	require.Equal(t, "standard input and 2 more", in.name())
	require.Equal(t, int64(-1), in.size())

	in, err = newInput(nil, nil)
	require.NoError(t, err)
	require.Equal(t, "synthetic sample", in.name())
	require.Equal(t, int64(len(synthetic)), in.size())
}
