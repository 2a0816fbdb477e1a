package testenv

import (
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/internal/redisserver"
)

// Redis starts a redis-server for the test, with the arguments given besides, and
// returns the path of the socket that it listens on. Without one installed, the test
// is skipped; see Missing.
func Redis(t testing.TB, args ...string) (socket string) {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		Missing(t, "redis-server is not installed (Debian's package redis-server)")
	}
	s, err := redisserver.Start(t.Context(), args...)
	require.NoError(t, err)
	t.Cleanup(s.Stop)
	return s.Socket
}
