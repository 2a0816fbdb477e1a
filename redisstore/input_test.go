package redisstore_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/rueidis"
	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/persist"
	"github.com/latchkey-go/latchkey/redisstore"
	"github.com/latchkey-go/latchkey/store"
)

// What no error may show.
const secretKey, secretValue = "topsecretkey", "topsecretvalue"

// discreet makes sure that an error shows neither key nor value.
func discreet(t testing.TB, err error) {
	t.Helper()
	require.Error(t, err)
	require.NotContains(t, err.Error(), "topsecret")
	require.NotContains(t, fmt.Sprintf("%+v", err), "topsecret")
}

func TestBadOptions(t *testing.T) {
	client := connect(t, plainServer(t).options())
	for name, o := range map[string]redisstore.Options{
		"TTL":            {TTL: -1},
		"IdleTimeout":    {IdleTimeout: -1},
		"MaxLease":       {MaxLease: store.NoExpiry},
		"Timeout":        {Timeout: -1},
		"NearCache":      {NearCache: -1},
		"AccessInterval": {AccessInterval: time.Minute, IdleTimeout: time.Minute},
		"Durability":     {Durability: 4},
		"Replicas":       {Replicas: -1},
		"MaxValue":       {MaxValue: 1 << 30},
	} {
		_, err := redisstore.New[string, int](client, o)
		require.ErrorContains(t, err, name)
	}
	_, err := redisstore.New[string, int](nil, redisstore.Options{})
	require.ErrorContains(t, err, "client")
}

func TestEvictionIsRefused(t *testing.T) {
	for _, policy := range []string{"allkeys-lru", "volatile-ttl"} {
		s := startServer(t, "--maxmemory", "100mb", "--maxmemory-policy", policy)
		client := connect(t, s.options())
		_, err := redisstore.New[string, int](client, redisstore.Options{})
		require.ErrorIs(t, err, redisstore.ErrEvicting)
		require.ErrorContains(t, err, "noeviction")
		open[string, int](t, client, redisstore.Options{AllowEviction: true})
	}
	s := startServer(t, "--maxmemory-policy", "allkeys-lru") // memory without bound: nothing is evicted yet
	open[string, int](t, connect(t, s.options()), redisstore.Options{})
}

// A codec that fails, panics or makes too much writes nothing.
func TestCodecErrors(t *testing.T) {
	ctx := t.Context()
	client := connect(t, plainServer(t).options())
	o := redisstore.Options{Prefix: prefix(t), MaxValue: 100}
	good := open[string, any](t, client, o)
	require.NoError(t, good.Set(ctx, "a", "old"))
	o.Codec = failing{}
	bad := open[string, any](t, client, o)
	for _, value := range []any{make(chan int), "panic"} {
		for _, err := range []error{
			bad.Set(ctx, "a", value),
			bad.CompareAndSet(ctx, "a", 1, value),
			second(bad.SetIfAbsent(ctx, "b", value)),
			second(bad.Update(ctx, "a", func(any, bool) (any, error) { return value, nil })),
		} {
			discreet(t, err)
		}
	}
	for _, err := range []error{
		good.Set(ctx, "a", strings.Repeat("topsecret", 100)),
		second(good.Update(ctx, "a", func(any, bool) (any, error) { return strings.Repeat("topsecret", 100), nil })),
	} {
		require.ErrorIs(t, err, redisstore.ErrTooLarge)
		discreet(t, err)
	}
	_, err := good.Update(ctx, "a", func(any, bool) (any, error) { return nil, io.EOF })
	require.Equal(t, io.EOF, err)
	require.Panics(t, func() { _, _ = good.Update(ctx, "a", func(any, bool) (any, error) { panic("f") }) })
	e, err := good.Entry(ctx, "a")
	require.NoError(t, err)
	require.Equal(t, "old", e.Value)
	require.EqualValues(t, 1, e.Metadata.Revision)
	require.Len(t, all(t, good), 1)
}

func second[T any](_ T, err error) error { return err }

// failing is a codec that fails on what JSON can't do, and panics on "panic".
type failing struct{ persist.JSON }

func (failing) Marshal(v any) ([]byte, error) {
	if *v.(*any) == "panic" {
		panic("topsecret")
	}
	return persist.JSON{}.Marshal(v)
}

// What is decoded into another type is an error for its reader and nobody else.
func TestUndecodable(t *testing.T) {
	ctx := t.Context()
	client := connect(t, plainServer(t).options())
	texts := open[string, string](t, client, redisstore.Options{Prefix: prefix(t)})
	require.NoError(t, texts.Set(ctx, secretKey, secretValue))
	numbers := open[string, int](t, client, redisstore.Options{Prefix: prefix(t)})
	require.NoError(t, numbers.Set(ctx, "b", 1))
	_, err := numbers.Get(ctx, secretKey)
	discreet(t, err)
	good, bad := 0, 0
	for e, err := range numbers.All(ctx) {
		if err != nil {
			discreet(t, err)
			require.Equal(t, secretKey, e.Key)
			bad++
			continue
		}
		good++
	}
	require.Equal(t, []int{1, 1}, []int{good, bad})
}

// A key that holds something else is left alone.
func TestForeignKeys(t *testing.T) {
	server := plainServer(t)
	ctx := t.Context()
	s := open[string, string](t, connect(t, server.options()), redisstore.Options{Prefix: prefix(t)})
	for name, make := range map[string][]string{
		"a string":      {"SET", "KEY", "v"},
		"a list":        {"RPUSH", "KEY", "v"},
		"another hash":  {"HSET", "KEY", "field", "v"},
		"damaged":       {"HSET", "KEY", "m", "1 2 3", "v", "v"},
		"half an entry": {"HSET", "KEY", "v", "v"},
	} {
		key := strings.ReplaceAll(name, " ", "-") + secretKey
		for i := range make {
			make[i] = strings.Replace(make[i], "KEY", prefix(t)+"s:"+key, 1)
		}
		server.do(t, make...)
		before := server.do(t, "DUMP", make[1])
		for what, err := range map[string]error{
			"Set":           s.Set(ctx, key, secretValue),
			"SetIfAbsent":   second(s.SetIfAbsent(ctx, key, secretValue)),
			"CompareAndSet": s.CompareAndSet(ctx, key, 0, secretValue),
			"Update":        second(s.Update(ctx, key, func(string, bool) (string, error) { return secretValue, nil })),
			"Get":           second(s.Get(ctx, key)),
			"Peek":          second(s.Peek(ctx, key)),
			"Entry":         second(s.Entry(ctx, key)),
			"Metadata":      second(s.Metadata(ctx, key)),
			"Touch":         s.Touch(ctx, key),
			"Delete":        s.Delete(ctx, key),
			"TryLock":       second(s.TryLock(ctx, key, 0)),
			"Resume":        second(s.Resume(ctx, key, 1)),
			"ForceUnlock":   second(s.ForceUnlock(ctx, key)),
		} {
			if name == "another hash" && errors.Is(err, store.ErrNotFound) && (what == "Peek" || what == "Get") {
				continue // it has looked for the fields of an entry, and nothing else
			}
			require.ErrorIs(t, err, redisstore.ErrForeign, name+": "+what)
			require.ErrorContains(t, err, "Prefix", name+": "+what)
			discreet(t, err)
		}
		require.Equal(t, before, server.do(t, "DUMP", make[1]), name)
	}
}

// Each refusal of the server has a sentinel and says what to do.
func TestServerRefuses(t *testing.T) {
	ctx := t.Context()
	server := startServer(t)
	s := open[string, string](t, connect(t, server.options()), redisstore.Options{Prefix: prefix(t)})
	require.NoError(t, s.Set(ctx, secretKey, "old"))
	for _, c := range []struct {
		name       string
		begin, end []string
		want       error
		hint       string
	}{
		{"OOM", []string{"CONFIG", "SET", "maxmemory", "1"}, []string{"CONFIG", "SET", "maxmemory", "0"}, store.ErrFull, "maxmemory"},
		{"NOREPLICAS", []string{"CONFIG", "SET", "min-replicas-to-write", "1"}, []string{"CONFIG", "SET", "min-replicas-to-write", "0"}, store.ErrReadOnly, "replicas"},
		{"READONLY", []string{"REPLICAOF", "127.0.0.1", "1"}, []string{"REPLICAOF", "NO", "ONE"}, store.ErrReadOnly, "primary"},
		{"NOPERM", []string{"ACL", "SETUSER", "default", "-@all", "+acl"}, []string{"ACL", "SETUSER", "default", "+@all"}, nil, "user needs"},
	} {
		server.do(t, c.begin...)
		for _, err := range []error{
			s.Set(ctx, secretKey, secretValue),
			second(s.Update(ctx, secretKey, func(string, bool) (string, error) { return secretValue, nil })),
			second(s.TryLock(ctx, secretKey, 0)),
			s.Delete(ctx, secretKey),
		} {
			if c.name == "OOM" && err == nil {
				continue // what frees memory may be done
			}
			require.ErrorContains(t, err, c.name)
			require.ErrorContains(t, err, c.hint)
			require.NotErrorIs(t, err, redisstore.ErrUnknown)
			if c.want != nil {
				require.ErrorIs(t, err, c.want)
			}
			discreet(t, err)
		}
		server.do(t, c.end...)
		if c.name == "OOM" {
			require.NoError(t, s.Set(ctx, secretKey, "old"))
		}
		got, err := s.Peek(ctx, secretKey)
		require.NoError(t, err)
		require.Equal(t, "old", got)
	}
	_, err := redisstore.New[string, string](connect(t, replicaOf(t, server).options()), redisstore.Options{})
	require.ErrorIs(t, err, store.ErrReadOnly)
}

func replicaOf(t testing.TB, primary *server) *server {
	t.Helper()
	return startServer(t, "--replicaof", "127.0.0.1", "1")
}

func TestUnreachable(t *testing.T) {
	ctx := t.Context()
	server := startServer(t)
	o := server.options()
	o.ForceSingleClient = true
	client := connect(t, o)
	s := open[string, string](t, client, redisstore.Options{Prefix: prefix(t), Timeout: 500 * time.Millisecond})
	require.NoError(t, s.Set(ctx, secretKey, "old"))

	t.Run("frozen", func(t *testing.T) {
		server.signal(t, syscall.SIGSTOP)
		begun := time.Now()
		_, err := s.Get(ctx, secretKey)
		require.ErrorIs(t, err, redisstore.ErrUnavailable)
		require.NotErrorIs(t, err, redisstore.ErrUnknown)
		discreet(t, err)
		err = s.Set(ctx, secretKey, "new")
		require.ErrorIs(t, err, redisstore.ErrUnavailable)
		require.ErrorIs(t, err, redisstore.ErrUnknown)
		require.ErrorContains(t, err, "Options.Timeout")
		discreet(t, err)
		quick, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
		defer cancel()
		err = s.Set(quick, secretKey, "newer")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorIs(t, err, redisstore.ErrUnknown)
		require.Less(t, time.Since(begun), 5*time.Second)
		server.signal(t, syscall.SIGCONT)
		require.Eventually(t, func() bool {
			v, err := s.Get(ctx, secretKey)
			return err == nil && (v == "old" || v == "new" || v == "newer")
		}, 5*time.Second, 10*time.Millisecond, "what became of the changes is open, but not whether it works again")
	})
	t.Run("gone", func(t *testing.T) {
		server.kill()
		require.NoError(t, os.Remove(server.socket))
		for _, err := range []error{second(s.Get(ctx, secretKey)), s.Set(ctx, secretKey, secretValue), second(s.Len(ctx)), second(s.Peek(ctx, secretKey))} {
			require.ErrorIs(t, err, redisstore.ErrUnavailable)
			discreet(t, err)
		}
		for _, err := range s.All(ctx) {
			require.ErrorIs(t, err, redisstore.ErrUnavailable)
		}
		_, err := redisstore.New[string, string](client, redisstore.Options{Timeout: time.Second})
		require.ErrorIs(t, err, redisstore.ErrUnavailable)
	})
	t.Run("back", func(t *testing.T) {
		server.start(t)
		require.Eventually(t, func() bool { return s.Set(ctx, secretKey, "again") == nil }, 5*time.Second, 10*time.Millisecond)
	})
}

// While a server reads its data, it says so.
func TestLoading(t *testing.T) {
	ctx := t.Context()
	server := startServer(t, "--enable-debug-command", "yes")
	s := open[string, string](t, connect(t, server.options()), redisstore.Options{Prefix: prefix(t)})
	server.do(t, "DEBUG", "POPULATE", "2000")
	server.do(t, "SAVE")
	server.kill()
	server.args = append(server.args, "--key-load-delay", "1000", "--loading-process-events-interval-bytes", "1024")
	server.launch(t)
	require.Eventually(t, func() bool {
		err := s.Set(ctx, secretKey, secretValue)
		return err != nil && errors.Is(err, redisstore.ErrUnavailable) && strings.Contains(err.Error(), "LOADING")
	}, 5*time.Second, 5*time.Millisecond)
}

// A client that does not follow the cluster is told so.
func TestMoved(t *testing.T) {
	ctx := t.Context()
	c := plainCluster(t)
	primary, _ := c.primaryOf(t, prefix(t))
	o := c.options()
	o.InitAddress, o.ForceSingleClient = []string{primary.address()}, true
	client := connect(t, o)
	s, err := redisstore.New[int, string](client, redisstore.Options{Prefix: prefix(t)})
	require.NoError(t, err)
	var moved error
	for key := range 20 {
		if err := s.Set(ctx, key, secretValue); err != nil {
			moved = err
		}
	}
	require.ErrorIs(t, moved, redisstore.ErrUnavailable)
	require.ErrorContains(t, moved, "ForceSingleClient")
	discreet(t, moved)
}

// A server that forgets its scripts is told them again.
func TestScriptFlush(t *testing.T) {
	engines(t, func(t *testing.T, o rueidis.ClientOption) {
		ctx := t.Context()
		client := connect(t, o)
		s := open[string, int](t, client, redisstore.Options{Prefix: prefix(t)})
		for i := range 200 {
			for _, node := range client.Nodes() {
				require.NoError(t, node.Do(ctx, node.B().ScriptFlush().Build()).Error())
			}
			require.NoError(t, s.Set(ctx, "a", i))
			l, err := s.TryLock(ctx, "a", 0)
			require.NoError(t, err)
			require.NoError(t, l.Unlock(ctx))
			got, err := s.Get(ctx, "a")
			require.NoError(t, err)
			require.Equal(t, i, got)
		}
	})
}

// A user needs no more than the package documentation says.
func TestLeastRights(t *testing.T) {
	ctx := t.Context()
	server := startServer(t)
	server.do(t, strings.Fields("ACL SETUSER least on nopass resetkeys resetchannels ~PREFIX:* &PREFIX:! "+
		"+@hash +@keyspace +@scripting +@pubsub +@connection +@transaction -@dangerous +info +role +time +wait +cluster|slots")...)
	o := server.options()
	o.Username, o.Password = "least", "any"
	s := open[string, int](t, connect(t, o), redisstore.Options{Prefix: "PREFIX:", NearCache: time.Second})
	require.NoError(t, s.Set(ctx, "a", 1))
	require.NoError(t, second(s.Get(ctx, "a")))
	require.NoError(t, second(s.Update(ctx, "a", func(old int, _ bool) (int, error) { return old + 1, nil })))
	l, err := s.TryLock(ctx, "a", 0)
	require.NoError(t, err)
	woken := make(chan error, 1)
	go func() { woken <- second(s.Lock(ctx, "a", 0)) }()
	require.Eventually(t, func() bool { return server.do(t, "PUBSUB", "CHANNELS") != "" }, 5*time.Second, time.Millisecond)
	require.Eventually(t, func() bool {
		return server.do(t, "EVAL", "return ({struct.unpack('>dddddddddd', redis.call('HGET', KEYS[1], 'm'))})[10]", "1", "PREFIX:s:a") == "1"
	}, 5*time.Second, time.Millisecond)
	require.NoError(t, l.Unlock(ctx))
	require.NoError(t, <-woken)
	require.Equal(t, map[string]int{"a": 2}, all(t, s))
	require.True(t, must(s.ForceUnlock(ctx, "a")))
	require.NoError(t, s.Delete(ctx, "a"))
	_, err = redisstore.New[string, int](connect(t, o), redisstore.Options{Prefix: "PREFIX:", Durability: redisstore.Replicated})
	require.NoError(t, err)
	other, err := redisstore.New[string, int](connect(t, o), redisstore.Options{Prefix: "other:"})
	require.NoError(t, err)
	err = other.Set(ctx, secretKey, 1)
	require.ErrorContains(t, err, "NOPERM")
	discreet(t, err)
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
