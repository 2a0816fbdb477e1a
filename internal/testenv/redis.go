package testenv

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Redis starts a redis-server for the test, with the arguments given besides, and
// returns the path of the socket that it listens on. Without one installed, the test
// is skipped; see Missing.
func Redis(t testing.TB, args ...string) (socket string) {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		Missing(t, "redis-server is not installed (Debian's package redis-server)")
	}
	dir, err := os.MkdirTemp("", "rs") // a socket's path must be short
	require.NoError(t, err)
	socket = filepath.Join(dir, "s")
	server := exec.Command("redis-server", append([]string{
		"--dir", dir, "--port", "0", "--unixsocket", socket, "--save", "", "--daemonize", "no", "--loglevel", "warning",
	}, args...)...)
	server.SysProcAttr = diesWithParent()
	require.NoError(t, server.Start())
	t.Cleanup(func() {
		_ = server.Process.Kill() // it may be dead already
		_ = server.Wait()         // it was killed
		_ = os.RemoveAll(dir)     // it is only left over
	})
	require.Eventually(t, func() bool {
		conn, err := net.Dial("unix", socket)
		if err != nil {
			return false
		}
		return conn.Close() == nil
	}, time.Minute, 5*time.Millisecond, "redis-server does not answer")
	return socket
}
