package testenv

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/internal/recorded"
)

// Trace returns the keys of a recorded trace.
func Trace(t testing.TB, name string) []int64 {
	t.Helper()
	keys, err := recorded.Trace(Data(t), name)
	require.NoError(t, err)
	return keys
}

// HitRatios returns the recorded hit ratios.
func HitRatios(t testing.TB) []recorded.Row {
	t.Helper()
	rows, err := recorded.HitRatios(Data(t))
	require.NoError(t, err)
	return rows
}
