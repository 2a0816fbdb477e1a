package main

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/internal/testenv"
)

// The tables have a line for each operation, and for each size.
func TestRun(t *testing.T) {
	testenv.NeedRedis(t)
	var out strings.Builder
	require.NoError(t, run(t.Context(), &out, 1, 10*time.Millisecond))
	require.Equal(t, 2+2+11+1+2+3, strings.Count(out.String(), "\n"), out.String())
	require.Regexp(t, `(?m)^\| Get \| \d+ \| \d\.\d\d of GET \(rueidis\) \|$`, out.String())
	require.Regexp(t, `(?m)^\| 1000 \| \d+ \| \d+ \|$`, out.String())
}

func TestMedian(t *testing.T) {
	require.Equal(t, 2.0, median([]float64{3, 1, 2}))
	require.Equal(t, []float64{2, 0.5}, quotients([]float64{4, 1}, []float64{2, 2}))
}
