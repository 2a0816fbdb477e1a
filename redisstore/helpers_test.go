package redisstore_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"flag"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/redis/rueidis"
	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/internal/testenv"
	"github.com/latchkey-go/latchkey/redisstore"
)

// server is a redis-server that a test has started.
type server struct {
	dir     string
	socket  string // path; "" = it listens on port
	port    int
	args    []string
	log     bytes.Buffer
	process *exec.Cmd
	frozen  atomic.Bool // by SIGSTOP
}

// tempDir returns a folder with a path short enough for a socket in it.
func tempDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "rs")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) }) // it is only left over
	return dir
}

// startServer starts a server on a unix socket, with the arguments given besides.
func startServer(t testing.TB, args ...string) *server {
	t.Helper()
	testenv.NeedRedis(t, "redis-cli")
	s := &server{dir: tempDir(t)}
	s.socket = filepath.Join(s.dir, "s")
	s.args = append([]string{"--port", "0", "--unixsocket", s.socket}, args...)
	s.start(t)
	return s
}

// startTCP starts a server on a port of this machine.
func startTCP(t testing.TB, args ...string) *server {
	t.Helper()
	testenv.NeedRedis(t, "redis-cli")
	s := &server{dir: tempDir(t), port: freePort(t)}
	s.args = append([]string{"--port", strconv.Itoa(s.port), "--bind", "127.0.0.1"}, args...)
	s.start(t)
	return s
}

// freePort returns a port that nobody listens on, and none of those that the kernel
// gives away: one of them may be somebody's before the server has it.
func freePort(t testing.TB) int {
	t.Helper()
	for {
		port := 10_000 + rand.IntN(20_000)
		if _, taken := ports.LoadOrStore(port, true); taken {
			continue
		}
		if l, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(port)); err == nil {
			require.NoError(t, l.Close())
			return port
		}
	}
}

var ports sync.Map // given to tests

// start starts the process, and has it killed by its id when the test ends.
func (s *server) start(t testing.TB) {
	t.Helper()
	s.launch(t)
	t.Cleanup(s.kill)
	require.Eventually(t, func() bool {
		out, err := s.cli("PING")
		return err == nil && strings.Contains(out, "PONG")
	}, time.Minute, 5*time.Millisecond, "redis-server does not answer")
}

func (s *server) launch(t testing.TB) {
	t.Helper()
	args := append([]string{"--dir", s.dir, "--save", "", "--daemonize", "no", "--loglevel", "warning"}, s.args...)
	s.process = exec.Command("redis-server", args...)
	s.process.Stdout, s.process.Stderr = &s.log, &s.log
	s.process.SysProcAttr = diesWithParent()
	require.NoError(t, s.process.Start())
}

// kill is kill -9.
func (s *server) kill() {
	_ = s.process.Process.Kill() // it may be dead already
	_ = s.process.Wait()         // it was killed
}

func (s *server) signal(t testing.TB, sig syscall.Signal) {
	t.Helper()
	s.frozen.Store(sig == syscall.SIGSTOP)
	require.NoError(t, s.process.Process.Signal(sig))
}

// cli runs redis-cli on the server.
func (s *server) cli(args ...string) (string, error) {
	where := []string{"-s", s.socket}
	if s.socket == "" {
		where = []string{"-p", strconv.Itoa(s.port)}
	}
	out, err := exec.Command("redis-cli", append(where, args...)...).CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// do is cli that must work.
func (s *server) do(t testing.TB, args ...string) string {
	t.Helper()
	out, err := s.cli(args...)
	require.NoError(t, err, out)
	return out
}

// options returns the options of a client of the server.
func (s *server) options() rueidis.ClientOption {
	if s.socket == "" {
		return rueidis.ClientOption{InitAddress: []string{fmt.Sprintf("127.0.0.1:%d", s.port)}}
	}
	return rueidis.ClientOption{
		InitAddress: []string{"unix"},
		DialCtxFn: func(ctx context.Context, _ string, d *net.Dialer, _ *tls.Config) (net.Conn, error) {
			return d.DialContext(ctx, "unix", s.socket)
		},
	}
}

// connect returns a client that is closed when the test ends.
func connect(t testing.TB, o rueidis.ClientOption) rueidis.Client {
	t.Helper()
	client, err := rueidis.NewClient(o)
	require.NoError(t, err)
	t.Cleanup(client.Close)
	return client
}

// open makes a Store that is closed when the test ends.
func open[K comparable, V any](t testing.TB, client rueidis.Client, o redisstore.Options) *redisstore.Store[K, V] {
	t.Helper()
	s, err := redisstore.New[K, V](client, o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

// shared is what tests share which leave it as it was. It lives as long as the process.
type shared[T any] struct {
	sync.Once
	it *T
}

// get returns it, started if it isn't yet.
func (s *shared[T]) get(t testing.TB, start func(testing.TB) *T) *T {
	t.Helper()
	testenv.NeedRedis(t, "redis-cli")
	s.Do(func() {
		late := &lateTB{TB: t}
		s.it = start(late)
		atExit.Lock()
		defer atExit.Unlock()
		atExit.do = append(atExit.do, late.cleanup...)
	})
	require.NotNil(t, s.it, "it did not start")
	return s.it
}

var sharedServer shared[server]

// plainServer returns the server that tests share.
func plainServer(t testing.TB) *server {
	t.Helper()
	return sharedServer.get(t, func(t testing.TB) *server { return startServer(t) })
}

// atExit is done when all tests are. Two of the shared may be started at once.
var atExit struct {
	sync.Mutex
	do []func()
}

func TestMain(m *testing.M) {
	beWorker()
	flag.Parse()
	_ = flag.Set("test.parallel", "4") // those that are parallel wait for time to pass
	code := m.Run()
	for _, f := range atExit.do {
		f()
	}
	os.Exit(code)
}

// prefix returns a prefix of the test's own.
func prefix(t testing.TB) string { return t.Name() + ":" }
