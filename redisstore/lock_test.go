package redisstore_test

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/rueidis"
	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/internal/testenv"
	"github.com/latchkey-go/latchkey/redisstore"
	"github.com/latchkey-go/latchkey/store"
)

// two returns two stores with the same entries, each with a connection of its own.
func two(t testing.TB, o rueidis.ClientOption) (a, b *redisstore.Store[string, int]) {
	t.Helper()
	options := redisstore.Options{Prefix: prefix(t)}
	a, b = open[string, int](t, connect(t, o), options), open[string, int](t, connect(t, o), options)
	require.NoError(t, a.Set(t.Context(), "a", 1))
	return a, b
}

// Whoever waits is woken when the lock is given back, by whichever client, and asks
// for nothing meanwhile.
func TestLockIsWoken(t *testing.T) {
	engines(t, func(t *testing.T, o rueidis.ClientOption) {
		ctx := t.Context()
		a, b := two(t, o)
		asks := func() (n int) {
			client := connect(t, o)
			for _, node := range client.Nodes() {
				stats, err := node.Do(ctx, node.B().Info().Section("commandstats").Build()).ToString()
				require.NoError(t, err)
				for line := range strings.Lines(stats) {
					if rest, ok := strings.CutPrefix(line, "cmdstat_evalsha:calls="); ok {
						calls, _, _ := strings.Cut(rest, ",")
						count, err := strconv.Atoi(calls)
						require.NoError(t, err)
						n += count
					}
				}
			}
			return n
		}
		for _, end := range []func(store.SharedLease[string, int]) error{
			func(l store.SharedLease[string, int]) error { return l.Unlock(ctx) },
			func(store.SharedLease[string, int]) error { return second(a.ForceUnlock(ctx, "a")) },
		} {
			l, err := a.TryLock(ctx, "a", 0)
			require.NoError(t, err)
			before := asks()
			locked := make(chan error, 1)
			go func() {
				l, err := b.Lock(ctx, "a", 0)
				if err == nil {
					err = l.Unlock(ctx)
				}
				locked <- err
			}()
			time.Sleep(200 * time.Millisecond) // for as long it is to be quiet
			require.Empty(t, locked)
			require.LessOrEqual(t, asks()-before, 3, "one try, one more to be told, one as the subscription begins")
			ended := time.Now()
			require.NoError(t, end(l))
			require.NoError(t, <-locked)
			require.Less(t, time.Since(ended), time.Second, "long before the deadline")
		}
	})
}

// A lease that is not given back is over at its deadline, for those who wait, too.
func TestLockAfterLapse(t *testing.T) {
	a, b := two(t, plainServer(t).options())
	ctx := t.Context()
	l, err := a.TryLock(ctx, "a", 100*time.Millisecond)
	require.NoError(t, err)
	second, err := b.Lock(ctx, "a", 0)
	require.NoError(t, err)
	require.Greater(t, second.Fence(), l.Fence())
	require.False(t, time.Now().Before(l.Deadline()))
	require.Equal(t, store.ErrLeaseLost, l.Set(ctx, 2))
	select {
	case <-l.Done():
	case <-time.After(time.Second):
		require.Fail(t, "Done is not closed")
	}
}

// Where the user may not subscribe, Lock waits for the deadline.
func TestLockWithoutSubscription(t *testing.T) {
	server := startServer(t)
	server.do(t, "ACL", "SETUSER", "mute", "on", "nopass", "~*", "resetchannels", "+@all")
	o := server.options()
	o.Username, o.Password = "mute", "any"
	a, b := two(t, o)
	ctx := t.Context()
	l, err := a.TryLock(ctx, "a", 300*time.Millisecond)
	require.NoError(t, err)
	_, err = b.Lock(ctx, "a", 0)
	require.NoError(t, err)
	require.Equal(t, store.ErrLeaseLost, l.Unlock(ctx))
}

// A subscription that breaks is made again, and what was missed is looked for.
func TestLockAfterReconnection(t *testing.T) {
	server := startServer(t)
	a, b := two(t, server.options())
	ctx := t.Context()
	l, err := a.TryLock(ctx, "a", 0)
	require.NoError(t, err)
	locked := make(chan error, 1)
	go func() { locked <- second(b.Lock(ctx, "a", 0)) }()
	require.Eventually(t, func() bool {
		return strings.Contains(server.do(t, "PUBSUB", "CHANNELS"), prefix(t))
	}, 5*time.Second, time.Millisecond)
	server.do(t, "CLIENT", "KILL", "TYPE", "pubsub")
	require.Eventually(t, func() bool { return l.Unlock(ctx) == nil }, 5*time.Second, time.Millisecond)
	select {
	case err := <-locked:
		require.NoError(t, err)
	case <-time.After(10 * time.Second):
		require.Fail(t, "nobody has woken the waiter")
	}
}

// A Store that is closed leaves nothing behind: no goroutine's subscription.
func TestCloseUnsubscribes(t *testing.T) {
	server := startServer(t)
	ctx := t.Context()
	client := connect(t, server.options())
	s, err := redisstore.New[string, int](client, redisstore.Options{Prefix: prefix(t)})
	require.NoError(t, err)
	require.NoError(t, s.Set(ctx, "a", 1))
	l, err := s.Lock(ctx, "a", 0)
	require.NoError(t, err)
	waiting := make(chan error, 1)
	go func() { waiting <- second(s.Lock(ctx, "a", 0)) }()
	require.Eventually(t, func() bool { return server.do(t, "PUBSUB", "CHANNELS") != "" }, 5*time.Second, time.Millisecond)
	done := l.Done()
	require.NoError(t, s.Close())
	require.NoError(t, s.Close())
	require.Equal(t, store.ErrClosed, <-waiting)
	<-done
	require.Equal(t, store.ErrClosed, l.Unlock(ctx))
	require.Eventually(t, func() bool { return server.do(t, "PUBSUB", "CHANNELS") == "" }, 5*time.Second, time.Millisecond)
	require.NoError(t, client.Do(ctx, client.B().Ping().Build()).Error())
}

// A holder that stalls past its lease can't write, whether somebody has the lock
// since or not.
func TestLateHolders(t *testing.T) {
	const tries = 1000
	engines(t, func(t *testing.T, o rueidis.ClientOption) {
		ctx := t.Context()
		a, b := two(t, o)
		var late sync.WaitGroup
		for i := range tries {
			key := fmt.Sprint("late", i)
			require.NoError(t, a.Set(ctx, key, i))
			l, err := a.TryLock(ctx, key, 2*time.Millisecond)
			require.NoError(t, err)
			late.Go(func() {
				time.Sleep(4 * time.Millisecond) // it stalls
				if i%2 == 0 {
					if _, err := b.Lock(ctx, key, 0); err != nil {
						t.Error(err)
					}
				}
				for what, err := range map[string]error{
					"Set": l.Set(ctx, -1), "Delete": l.Delete(ctx), "Extend": l.Extend(ctx, 0),
					"Unlock": l.Unlock(ctx), "Get": second(l.Get(ctx)),
				} {
					if err != store.ErrLeaseLost {
						t.Errorf("%s of a late holder: %v", what, err)
					}
				}
				if got, err := b.Peek(ctx, key); got != i || err != nil {
					t.Errorf("the value is %d, %v", got, err)
				}
			})
		}
		late.Wait()
	})
}

// Fences rise whatever happens to the entry, the scripts, and the clock's ticks.
func TestFencesRise(t *testing.T) {
	draws := 10_000
	if testenv.Race {
		draws = 2000
	}
	server := startServer(t)
	client := connect(t, server.options())
	ctx := t.Context()
	s := open[string, int](t, client, redisstore.Options{Prefix: prefix(t)})
	last := uint64(0)
	for i := range draws {
		if i%3 == 0 { // else it is there
			require.NoError(t, s.Set(ctx, "a", i))
		}
		l, err := s.TryLock(ctx, "a", 0)
		require.NoError(t, err)
		require.Greater(t, l.Fence(), last)
		last = l.Fence()
		if i%3 == 2 {
			require.NoError(t, l.Delete(ctx))
		} else {
			require.NoError(t, l.Unlock(ctx))
		}
		if i%100 == 0 {
			server.do(t, "SCRIPT", "FLUSH")
		}
	}
}

// A fence that the clock has not reached yet, because that was set back, outlives
// its entry.
func TestFenceOfTheFuture(t *testing.T) {
	server := plainServer(t)
	ctx := t.Context()
	s := open[string, int](t, connect(t, server.options()), redisstore.Options{Prefix: prefix(t)})
	require.NoError(t, s.Set(ctx, "a", 1))
	future := uint64(time.Now().Add(time.Hour).UnixMicro())
	server.do(t, "EVAL", `local n = {struct.unpack('>dddddddddd', redis.call('HGET', KEYS[1], 'm'))}
		n[8] = tonumber(ARGV[1])
		return redis.call('HSET', KEYS[1], 'm', struct.pack('>dddddddddd', unpack(n, 1, 10)))`,
		"1", prefix(t)+"s:a", strconv.FormatUint(future, 10))
	require.NoError(t, s.Delete(ctx, "a"))
	require.Empty(t, all(t, s))
	_, err := s.Get(ctx, "a")
	require.Equal(t, store.ErrNotFound, err)
	_, err = s.Peek(ctx, "a")
	require.Equal(t, store.ErrNotFound, err)
	stored, err := s.SetIfAbsent(ctx, "a", 2)
	require.NoError(t, err)
	require.True(t, stored)
	l, err := s.TryLock(ctx, "a", 0)
	require.NoError(t, err)
	require.Equal(t, future+1, l.Fence())
	require.NoError(t, l.Delete(ctx))
	require.NoError(t, s.Set(ctx, "a", 3))
	require.Equal(t, store.ErrLeaseLost, second(s.Resume(ctx, "a", future+1)))
	require.Equal(t, store.ErrLeaseLost, second(s.Resume(ctx, "a", math.MaxUint64)))
}

// Those who wait in one Store are served in the order in which they came.
func TestLockOrder(t *testing.T) {
	a, _ := two(t, plainServer(t).options())
	ctx := t.Context()
	l, err := a.Lock(ctx, "a", 0)
	require.NoError(t, err)
	order := make(chan int, 5)
	var waiting sync.WaitGroup
	for i := range 5 {
		waiting.Go(func() {
			l, err := a.Lock(ctx, "a", 0)
			if err != nil {
				t.Error(err)
				return
			}
			order <- i
			if err := l.Unlock(ctx); err != nil {
				t.Error(err)
			}
		})
		time.Sleep(20 * time.Millisecond) // until it waits
	}
	gone, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, second(a.Lock(gone, "a", 0)), context.DeadlineExceeded)
	require.NoError(t, l.Unlock(ctx))
	waiting.Wait()
	for i := range 5 {
		require.Equal(t, i, <-order)
	}
}
