package redisstore_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/redisstore"
	"github.com/latchkey-go/latchkey/store"
)

// linked returns a store at the end of a link that can be disturbed, and one with
// the same entries that is well connected.
func linked(t *testing.T) (l *link, far, near *redisstore.Store[string, string]) {
	t.Helper()
	server := startTCP(t)
	l = newLink(t, server)
	o := redisstore.Options{Prefix: prefix(t), Timeout: 300 * time.Millisecond}
	return l, open[string, string](t, connect(t, l.options()), o), open[string, string](t, connect(t, server.options()), o)
}

// Over a slow link all is as it is, and a lease ends here before it does there.
func TestSlowLink(t *testing.T) {
	t.Parallel()
	l, far, near := linked(t)
	ctx := t.Context()
	l.delay.Store(int64(30 * time.Millisecond))
	require.NoError(t, far.Set(ctx, "a", "1"))
	lease, err := far.Lock(ctx, "a", 200*time.Millisecond)
	require.NoError(t, err)
	require.NoError(t, lease.Set(ctx, "2"))
	<-lease.Done()
	require.Equal(t, store.ErrLocked, second(near.TryLock(ctx, "a", 0)), "the far end gives up first")
	require.Eventually(t, func() bool { return second(near.TryLock(ctx, "a", 0)) == nil }, time.Second, time.Millisecond)
	require.Equal(t, store.ErrLeaseLost, lease.Set(ctx, "3"))
	got, err := near.Peek(ctx, "a")
	require.NoError(t, err)
	require.Equal(t, "2", got)
}

// An answer that does not come is told in time: that of a read as what it is, that
// of a change as one that may have been made. Afterwards all goes on.
func TestStalledLink(t *testing.T) {
	for name, ways := range map[string][]int{"both ways": {toServer, toClient}, "answers": {toClient}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, far, near := linked(t)
			ctx := t.Context()
			require.NoError(t, far.Set(ctx, secretKey, "old"))
			require.NoError(t, far.Set(ctx, "locked", "old"))
			lease, err := far.TryLock(ctx, "locked", 5*time.Second)
			require.NoError(t, err)
			l.stall(true, ways...)
			limited, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
			defer cancel()
			for _, test := range []struct {
				name string
				do   func(ctx context.Context) error
				want []error
			}{
				{"Get", func(ctx context.Context) error { return second(far.Get(ctx, secretKey)) }, nil},
				{"Entry", func(ctx context.Context) error { return second(far.Entry(ctx, secretKey)) }, nil},
				{"Set, endless", func(limited context.Context) error {
					if _, ok := limited.Deadline(); !ok {
						limited = context.Background()
					}
					return far.Set(limited, secretKey, "new")
				}, []error{redisstore.ErrUnknown}},
				{"Set", func(ctx context.Context) error { return far.Set(ctx, secretKey, "new") }, []error{redisstore.ErrUnknown}},
				{"TryLock", func(ctx context.Context) error { return second(far.TryLock(ctx, secretKey, time.Second)) }, []error{redisstore.ErrUnknown}},
				{"Lock", func(ctx context.Context) error { return second(far.Lock(ctx, secretKey, time.Second)) }, []error{redisstore.ErrUnknown}},
				{"lease.Set", func(ctx context.Context) error { return lease.Set(ctx, "new") }, []error{redisstore.ErrUnknown}},
				{"Unlock", lease.Unlock, []error{redisstore.ErrUnknown}},
			} {
				begun := time.Now()
				err := test.do(ctx)
				require.Less(t, time.Since(begun), 2*time.Second, test.name)
				discreet(t, err)
				require.ErrorIs(t, err, redisstore.ErrUnavailable, test.name)
				require.Contains(t, err.Error(), "no answer", test.name)
				for _, want := range test.want {
					require.ErrorIs(t, err, want, test.name)
				}
				if test.want == nil {
					require.NotErrorIs(t, err, redisstore.ErrUnknown, test.name)
				}
				require.ErrorIs(t, test.do(limited), context.DeadlineExceeded, test.name)
			}
			l.stall(false, ways...)
			require.Eventually(t, func() bool {
				got, err := far.Peek(ctx, secretKey)
				return err == nil && (got == "old" || got == "new")
			}, 5*time.Second, 10*time.Millisecond)
			require.Eventually(t, func() bool { return far.Set(ctx, secretKey, "newest") == nil }, 5*time.Second, 10*time.Millisecond,
				"locks that nobody knows of are over at their deadlines")
			require.Equal(t, "newest", second2(near.Get(ctx, secretKey)))
		})
	}
}

// A request of which but a part arrives, however large it is, has done nothing; one
// that has arrived is done whole. Nothing is sent twice.
func TestCutLink(t *testing.T) {
	t.Parallel()
	l, far, near := linked(t)
	ctx := t.Context()
	value := func(i int) string { return strings.Repeat(fmt.Sprintf("%04d", i), 64) }
	require.NoError(t, far.Set(ctx, "a", value(0)))
	before, err := near.Metadata(ctx, "a")
	require.NoError(t, err)
	done := 0
	for n := 1; done < 3; n += 7 { // bytes that arrive
		l.allowed.Store(int64(n))
		err := far.Set(ctx, "a", value(n))
		whole := l.allowed.Swap(-1) >= 0 // it was not cut
		e, readErr := near.Entry(ctx, "a")
		require.NoError(t, readErr)
		switch {
		case whole:
			require.NoError(t, err)
			done++
			fallthrough
		case e.Value == value(n):
			require.Equal(t, before.Revision+1, e.Metadata.Revision, "made twice")
			before.Revision++
		default:
			require.ErrorIs(t, err, redisstore.ErrUnknown)
			require.Equal(t, before.Revision, e.Metadata.Revision, "%d bytes", n)
			require.Len(t, e.Value, len(value(n)))
		}
		require.Eventually(t, func() bool { return second(far.Peek(ctx, "a")) == nil }, 5*time.Second, time.Millisecond, "it connects again")
		require.Less(t, n, 4096)
	}
}

// Who waits for a lock over a link that is cut, again and again, gets it all the
// same when it is free, and nobody else has it meanwhile.
func TestLockOverBrokenLink(t *testing.T) {
	t.Parallel()
	l, far, near := linked(t)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	require.NoError(t, near.Set(ctx, "a", "1"))
	held, err := near.TryLock(ctx, "a", 10*time.Second)
	require.NoError(t, err)
	got := make(chan store.SharedLease[string, string])
	go func() {
		_ = patient(ctx, func() error {
			lease, err := far.Lock(ctx, "a", time.Second) // which ends if its answer is lost
			if err == nil {
				got <- lease
			}
			return err
		})
	}()
	for range 10 {
		time.Sleep(20 * time.Millisecond)
		l.cut()
	}
	require.NoError(t, held.Set(ctx, "2"))
	require.NoError(t, held.Unlock(ctx))
	lease := <-got
	require.Greater(t, lease.Fence(), held.Fence())
	require.NoError(t, patient(ctx, func() error { return lease.Unlock(ctx) }))
}
