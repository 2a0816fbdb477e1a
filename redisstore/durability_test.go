package redisstore_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/redisstore"
	"github.com/latchkey-go/latchkey/store"
)

// pairOf returns a primary with a replica that follows it, with the arguments given
// besides.
func pairOf(t testing.TB, args ...string) (primary, replica *server) {
	t.Helper()
	primary = startTCP(t, append([]string{"--repl-diskless-sync-delay", "0"}, args...)...)
	replica = startTCP(t, append([]string{"--replicaof", "127.0.0.1 " + strconv.Itoa(primary.port)}, args...)...)
	require.Eventually(t, func() bool {
		return strings.Contains(primary.do(t, "INFO", "replication"), "state=online")
	}, time.Minute, 10*time.Millisecond)
	return primary, replica
}

func TestReplicated(t *testing.T) {
	ctx := t.Context()
	primary, replica := pairOf(t)
	o := redisstore.Options{Durability: redisstore.Replicated, ProofTimeout: 4 * time.Second}
	s := open[string, int](t, connect(t, primary.options()), o)
	require.NoError(t, s.Set(ctx, "a", 1))
	require.Contains(t, replica.do(t, "HGETALL", "latchkey:s:a"), "1")
	primary.do(t, "SCRIPT", "FLUSH")
	require.NoError(t, second(s.Update(ctx, "a", func(old int, _ bool) (int, error) { return old + 1, nil })))
	l, err := s.TryLock(ctx, "a", 0)
	require.NoError(t, err)
	require.NoError(t, l.Extend(ctx, 0))
	require.NoError(t, l.Set(ctx, 3))
	require.NoError(t, l.Unlock(ctx))

	// Without the replica a change is made, and the caller told that nobody else has it.
	replica.kill()
	o.ProofTimeout = 100 * time.Millisecond
	s = open[string, int](t, connect(t, primary.options()), o)
	o.Durability = redisstore.Acknowledged
	sure := open[string, int](t, connect(t, primary.options()), o)
	for what, err := range map[string]error{
		"Set":           s.Set(ctx, "b", 1),
		"SetWithTTL":    s.SetWithTTL(ctx, "b", 1, time.Hour),
		"SetIfAbsent":   second(s.SetIfAbsent(ctx, "c", 1)),
		"CompareAndSet": s.CompareAndSet(ctx, "a", 3, 4),
		"Update":        second(s.Update(ctx, "d", func(int, bool) (int, error) { return 1, nil })),
		"TryLock":       second(s.TryLock(ctx, "a", 0)),
	} {
		require.ErrorIs(t, err, redisstore.ErrUnproven, what)
		require.ErrorContains(t, err, "0 of 1 replicas", what)
	}
	require.Equal(t, map[string]int{"a": 4, "b": 1, "c": 1, "d": 1}, all(t, sure))
	again, err := sure.TryLock(ctx, "a", 0)
	require.NoError(t, err, "a lock that could be lost is given back")
	require.NoError(t, again.Unlock(ctx))
	require.Equal(t, store.ErrNotFound, second(s.TryLock(ctx, "none", 0)), "a refusal needs no proof")
	require.Equal(t, store.ErrConflict, s.CompareAndSet(ctx, "a", 99, 4))
}

func TestReplicatedOnCluster(t *testing.T) {
	ctx := t.Context()
	s := open[int, int](t, connect(t, plainCluster(t).options()), redisstore.Options{Prefix: prefix(t), Durability: redisstore.Replicated, ProofTimeout: 4 * time.Second})
	for key := range 100 {
		require.NoError(t, s.Set(ctx, key, key))
		require.NoError(t, second(s.Update(ctx, key, func(old int, _ bool) (int, error) { return old + 1, nil })))
		l, err := s.Lock(ctx, key, 0)
		require.NoError(t, err)
		require.NoError(t, l.Unlock(ctx))
	}
	require.Len(t, all(t, s), 100)
}

// OnDisk is refused where the disk would not do it, and works where it does.
func TestOnDisk(t *testing.T) {
	ctx := t.Context()
	o := redisstore.Options{Durability: redisstore.OnDisk, ProofTimeout: 4 * time.Second}
	for _, args := range [][]string{nil, {"--appendonly", "yes", "--appendfsync", "everysec"}} {
		s := startServer(t, args...)
		if strings.Contains(s.do(t, "INFO", "server"), "redis_version:7.0") || args == nil {
			_, err := redisstore.New[string, int](connect(t, s.options()), o)
			require.ErrorContains(t, err, "append")
		}
	}
	primary, replica := pairOf(t, "--appendonly", "yes", "--appendfsync", "always")
	s := open[string, int](t, connect(t, primary.options()), o)
	require.NoError(t, s.Set(ctx, "a", 1))
	primary.kill()
	replica.kill()
	primary.start(t)
	require.Eventually(t, func() bool { // it reads its file
		got, err := s.Get(ctx, "a")
		return got == 1 && err == nil
	}, time.Minute, 10*time.Millisecond)
}
