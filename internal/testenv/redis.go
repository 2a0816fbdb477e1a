package testenv

import (
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/internal/redisserver"
)

// NeedRedis skips the test where there is no redis-server, or none of the tools asked for;
// see Missing.
func NeedRedis(t testing.TB, tools ...string) {
	t.Helper()
	for _, program := range append([]string{"redis-server"}, tools...) {
		if _, err := exec.LookPath(program); err != nil {
			Missing(t, program+" is not installed (Debian's packages redis-server and redis-tools)")
		}
	}
}

// Redis starts a redis-server for the test, with the arguments given besides, and
// returns the path of the socket that it listens on. Without one installed, the test
// is skipped; see Missing.
func Redis(t testing.TB, args ...string) (socket string) {
	t.Helper()
	NeedRedis(t)
	s, err := redisserver.Start(t.Context(), args...)
	require.NoError(t, err)
	t.Cleanup(s.Stop)
	return s.Socket
}
