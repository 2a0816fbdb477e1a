package redisstore_test

import (
	"fmt"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis/rueidis"
	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/redisstore"
	"github.com/latchkey-go/latchkey/store"
)

// A Store with a near cache reads its own writes, all of them.
func TestNearCacheReadsOwnWrites(t *testing.T) {
	const tries = 3000
	engines(t, func(t *testing.T, o rueidis.ClientOption) {
		ctx := t.Context()
		s := open[string, int](t, connect(t, o), redisstore.Options{Prefix: prefix(t), NearCache: time.Minute})
		var busy sync.WaitGroup
		for worker := range 4 {
			key := fmt.Sprint(worker)
			busy.Go(func() {
				for i := range tries / 4 {
					if err := s.Set(ctx, key, i); err != nil {
						t.Error(err)
					}
					for range 2 {
						if got, err := s.Get(ctx, key); got != i || err != nil {
							t.Errorf("Get after Set of %d: %d, %v", i, got, err)
						}
					}
					if i%10 != 0 {
						continue
					}
					l, err := s.TryLock(ctx, key, 0)
					if err != nil {
						t.Error(err)
						return
					}
					if _, err := s.Get(ctx, key); err != store.ErrLocked {
						t.Errorf("Get of what this client has locked: %v", err)
					}
					if err := l.Delete(ctx); err != nil {
						t.Error(err)
					}
					if _, err := s.Get(ctx, key); err != store.ErrNotFound {
						t.Errorf("Get after Delete: %v", err)
					}
				}
			})
		}
		busy.Wait()
	})
}

// What is read again comes from the near cache, and for so long as it may.
func TestNearCacheIsBounded(t *testing.T) {
	const bound = 400 * time.Millisecond
	ctx := t.Context()
	server := startServer(t)
	s := open[string, int](t, connect(t, server.options()), redisstore.Options{Prefix: prefix(t), NearCache: bound, Timeout: 300 * time.Millisecond})
	require.NoError(t, s.Set(ctx, "a", 1))
	require.NoError(t, second(s.Get(ctx, "a")))
	begun := time.Now()
	require.NoError(t, second(s.Get(ctx, "a")))
	server.signal(t, syscall.SIGSTOP)
	defer server.signal(t, syscall.SIGCONT)
	hits := 0
	var err error
	for err == nil {
		if _, err = s.Get(ctx, "a"); err == nil {
			hits++
		}
	}
	require.ErrorIs(t, err, redisstore.ErrUnavailable)
	require.Greater(t, hits, 100)
	require.Less(t, time.Since(begun), 4*bound)
}

// Others' writes are seen at once or after the bound at the latest.
func TestNearCacheSeesOthers(t *testing.T) {
	const bound = 200 * time.Millisecond
	ctx := t.Context()
	o := redisstore.Options{Prefix: prefix(t), NearCache: bound}
	a := open[string, int](t, connect(t, plainServer(t).options()), o)
	b := open[string, int](t, connect(t, plainServer(t).options()), o)
	for i := range 200 {
		require.NoError(t, a.Set(ctx, "a", i))
		written := time.Now()
		for {
			got, err := b.Get(ctx, "a")
			require.NoError(t, err)
			if got == i {
				break
			}
			require.Less(t, time.Since(written), 2*bound)
		}
	}
}

// Reading through the near cache keeps an entry from idling out.
func TestNearCacheIsAnAccess(t *testing.T) {
	const idle = 400 * time.Millisecond
	ctx := t.Context()
	s := open[string, int](t, connect(t, plainServer(t).options()), redisstore.Options{Prefix: prefix(t), IdleTimeout: idle, NearCache: idle / 8})
	require.NoError(t, s.Set(ctx, "a", 1))
	for begun := time.Now(); time.Since(begun) < 3*idle; time.Sleep(time.Millisecond) {
		require.NoError(t, second(s.Get(ctx, "a")))
	}
	time.Sleep(idle + idle/8)
	require.Equal(t, store.ErrNotFound, second(s.Get(ctx, "a")))
}

// With AccessInterval, most reads write nothing.
func TestAccessInterval(t *testing.T) {
	ctx := t.Context()
	var client rueidis.Client = connect(t, plainServer(t).options())
	s := open[string, int](t, client, redisstore.Options{Prefix: prefix(t), IdleTimeout: time.Hour, AccessInterval: time.Minute})
	require.NoError(t, s.Set(ctx, "a", 1))
	for range 10 {
		require.NoError(t, second(s.Get(ctx, "a")))
	}
	m, err := s.Metadata(ctx, "a")
	require.NoError(t, err)
	require.Zero(t, m.Accesses)
	l, err := s.TryLock(ctx, "a", 0)
	require.NoError(t, err)
	require.Equal(t, store.ErrLocked, second(s.Get(ctx, "a")))
	require.NoError(t, l.Unlock(ctx))
	require.NoError(t, second(s.Get(ctx, "a")))
}
