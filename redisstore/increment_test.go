package redisstore_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/redis/rueidis"
	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/redisstore"
)

// engines are the servers that tests run on which disturb nobody.
func engines(t *testing.T, f func(t *testing.T, o rueidis.ClientOption)) {
	t.Run("one node", func(t *testing.T) { f(t, plainServer(t).options()) })
	t.Run("cluster", func(t *testing.T) { f(t, plainCluster(t).options()) })
}

// Each way to change a value by what it was loses nothing.
func TestIncrements(t *testing.T) {
	const clients, increments = 4, 201
	engines(t, func(t *testing.T, o rueidis.ClientOption) {
		for name, increment := range map[string]func(context.Context, *redisstore.Store[string, int]) error{
			"Lock":   incrementLocked,
			"Update": incrementUpdate,
		} {
			t.Run(name, func(t *testing.T) {
				ctx := t.Context()
				jobs := make(chan struct{}, increments)
				for range increments {
					jobs <- struct{}{}
				}
				close(jobs)
				var done sync.WaitGroup
				var first *redisstore.Store[string, int]
				for range clients {
					s := open[string, int](t, connect(t, o), redisstore.Options{Prefix: prefix(t)})
					if first == nil {
						first = s
						require.NoError(t, s.Set(ctx, "session", 0))
					}
					for range 4 {
						done.Go(func() {
							for range jobs {
								if err := increment(ctx, s); err != nil {
									t.Error(err)
								}
							}
						})
					}
				}
				done.Wait()
				got, err := first.Get(ctx, "session")
				require.NoError(t, err)
				require.Equal(t, increments, got)
			})
		}
	})
}

func incrementLocked(ctx context.Context, s *redisstore.Store[string, int]) error {
	l, err := s.Lock(ctx, "session", 0)
	if err != nil {
		return err
	}
	n, err := l.Get(ctx)
	if err != nil {
		return err
	}
	return errors.Join(l.Set(ctx, n+1), l.Unlock(ctx))
}

func incrementUpdate(ctx context.Context, s *redisstore.Store[string, int]) error {
	_, err := s.Update(ctx, "session", func(old int, _ bool) (int, error) { return old + 1, nil })
	return err
}
