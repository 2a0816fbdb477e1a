package scsstore_test

import (
	"context"
	"crypto/tls"
	"flag"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/redis/rueidis"
	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/internal/redisserver"
	"github.com/latchkey-go/latchkey/internal/testenv"
	"github.com/latchkey-go/latchkey/persist"
	"github.com/latchkey-go/latchkey/redisstore"
	"github.com/latchkey-go/latchkey/scsstore"
	"github.com/latchkey-go/latchkey/store"
)

func TestMain(m *testing.M) {
	flag.Parse()
	go func() {
		for {
			managers <- scs.New()
		}
	}()
	_ = flag.Set("test.parallel", "16") // those that are parallel wait for time to pass
	code := m.Run()
	stopRedis()
	os.Exit(code)
}

// managers are made outside of bubbles: scs.New starts a goroutine that never ends.
var managers = make(chan *scs.SessionManager)

type shared = store.Shared[string, []byte]

// memory returns a store in memory.
func memory(t testing.TB) shared { return opened(t, persist.Config{}) }

// journaled returns a store in a folder.
func journaled(t testing.TB) shared { return opened(t, persist.Config{Dir: t.TempDir()}) }

func opened(t testing.TB, p persist.Config) shared {
	t.Helper()
	s, err := store.New(store.Options[string, []byte]{Capacity: 100_000, Persist: p})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s.Shared()
}

// onRedis returns a client of a server's entries, of the test's own prefix.
func onRedis(t testing.TB) shared {
	t.Helper()
	s, err := redisstore.New[string, []byte](redisClient(t), redisstore.Options{Prefix: t.Name() + ":"})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

// engines run a test in each kind of store. Where the store is in this process, time
// is that of a bubble of testing/synctest, and a unit is a minute. On Redis it is
// the server's, and a unit so long that a busy machine, which stands still for a
// while, is not taken for it.
func engines(t *testing.T, test func(t *testing.T, s shared, unit time.Duration)) {
	t.Run("memory", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) { test(t, memory(t), time.Minute) })
	})
	t.Run("journaled", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) { test(t, journaled(t), time.Minute) })
	})
	t.Run("redis", func(t *testing.T) {
		testenv.NeedRedis(t, "redis-cli")
		t.Parallel()
		test(t, onRedis(t), 500*time.Millisecond)
	})
}

// pass lets time go by: the bubble's, or that of a server, which can't be moved.
func pass(d time.Duration) { <-time.After(d) }

// stopRedis ends the server that tests share, if one was started.
var stopRedis = func() {}

// sharedRedis starts that server at its first call, which tests may make at once.
var sharedRedis = sync.OnceValues(func() (*redisserver.Server, error) {
	server, err := redisserver.Start(context.Background())
	if err == nil {
		stopRedis = server.Stop
	}
	return server, err
})

// redisClient returns a client of the server that tests share.
func redisClient(t testing.TB) rueidis.Client {
	t.Helper()
	testenv.NeedRedis(t, "redis-cli")
	redis, err := sharedRedis()
	require.NoError(t, err)
	client, err := rueidis.NewClient(rueidis.ClientOption{
		InitAddress: []string{"unix"},
		DialCtxFn: func(ctx context.Context, _ string, d *net.Dialer, _ *tls.Config) (net.Conn, error) {
			return d.DialContext(ctx, "unix", redis.Socket)
		},
	})
	require.NoError(t, err)
	t.Cleanup(client.Close)
	return client
}

// managed returns a manager of sessions in s. Its errors are answered with their
// text.
func managed(s scs.Store) *scs.SessionManager {
	manager := <-managers
	manager.Store = s
	manager.ErrorFunc = func(w http.ResponseWriter, _ *http.Request, err error) {
		http.Error(w, err.Error(), scsstore.Status(err))
	}
	return manager
}

// browser sends requests to a handler, with no network in between, and keeps the
// session's cookie.
type browser struct {
	t       testing.TB
	handler http.Handler
	cookie  *http.Cookie
}

// get returns the status and body of an answer.
func (b *browser) get(path string) (int, string) {
	b.t.Helper()
	response := b.do(httptest.NewRequest(http.MethodGet, path, nil))
	body, err := io.ReadAll(response.Body)
	require.NoError(b.t, err)
	return response.StatusCode, string(body)
}

func (b *browser) do(r *http.Request) *http.Response {
	b.t.Helper()
	if b.cookie != nil {
		r.AddCookie(b.cookie)
	}
	w := httptest.NewRecorder()
	b.handler.ServeHTTP(w, r)
	response := w.Result()
	for _, cookie := range response.Cookies() {
		if b.cookie = cookie; cookie.MaxAge < 0 {
			b.cookie = nil
		}
	}
	return response
}

// want wants the answer with status 200.
func (b *browser) want(path, body string) {
	b.t.Helper()
	status, got := b.get(path)
	require.Equal(b.t, http.StatusOK, status, got)
	require.Equal(b.t, body, got)
}

// with returns another window of the same browser.
func (b *browser) with() *browser { return &browser{b.t, b.handler, b.cookie} }
