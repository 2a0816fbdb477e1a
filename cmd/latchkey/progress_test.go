package main

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The progress bar is gone once there is something else to show, however much was
// read in the end.
func TestProgressBarGoes(t *testing.T) {
	for _, read := range []int{0, 1, 50, 99, 100, 101, 200} {
		for _, total := range []int64{-1, 1, 100} {
			var stderr bytes.Buffer
			m := (&tool{stderr: &stderr}).newMeter(total)
			_, err := io.Copy(m, strings.NewReader(strings.Repeat(".", read/2)))
			require.NoError(t, err)
			m.add(read - read/2)
			m.done()
			require.Empty(t, shown(stderr.String()), "%d of %d", read, total)
		}
	}
}

// shown returns what is left to see of a line in a terminal.
func shown(written string) string {
	var line []rune
	column := 0
	for _, r := range written {
		if r == '\r' {
			column = 0
			continue
		}
		line = append(line[:column], append([]rune{r}, line[min(len(line), column+1):]...)...)
		column++
	}
	return strings.TrimSpace(string(line))
}
