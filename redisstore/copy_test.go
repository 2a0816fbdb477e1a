package redisstore_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/rueidis"
	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/persist"
	"github.com/latchkey-go/latchkey/redisstore"
	"github.com/latchkey-go/latchkey/store"
	"github.com/latchkey-go/latchkey/storetest"
)

// goods is what is moved: a value that no codec has to encode in one way alone.
type goods struct {
	Name   string
	Prices map[string]int
}

func someGoods(i int) goods {
	return goods{fmt.Sprint("goods ", i), map[string]int{"a": i, "b": 2 * i, "c": 3}}
}

// moving is a local store, and its folder.
type moving struct {
	config persist.Config
	fences map[string]uint64 // of leases that are held
}

// localTTL is that of the local store.
const localTTL = time.Hour

func openLocal[K comparable, V any](t testing.TB, c persist.Config) *store.Store[K, V] {
	t.Helper()
	return openLocalAt[K, V](t, nil, c)
}

func openLocalAt[K comparable, V any](t testing.TB, clock store.Clock, c persist.Config) *store.Store[K, V] {
	t.Helper()
	s, err := store.New(store.Options[K, V]{Capacity: 100_000, TTL: localTTL, IdleTimeout: localTTL / 2, Clock: clock, Persist: c})
	require.NoError(t, err)
	return s
}

// fill makes a folder with n entries, with all that can be known of one.
func fill(t testing.TB, codec persist.Codec, n int) moving {
	t.Helper()
	m := moving{persist.Config{Dir: filepath.Join(t.TempDir(), "local"), Codec: codec, Sync: persist.OnSnapshot}, map[string]uint64{}}
	// It was two seconds ago, at a time that both engines can tell: a microsecond.
	clock := storetest.NewClock(t)
	clock.Set(time.Now().Add(-2 * time.Second).Truncate(time.Microsecond))
	s := openLocalAt[string, goods](t, clock, m.config)
	for i := range n {
		key := goodsKey(i)
		require.NoError(t, s.Set(key, someGoods(0)))
		switch i % 5 {
		case 0:
			require.NoError(t, second(s.Get(key)))
			require.NoError(t, s.Set(key, someGoods(i)))
		case 1:
			require.NoError(t, s.SetWithTTL(key, someGoods(i), store.NoExpiry))
		case 2:
			require.NoError(t, s.SetWithTTL(key, someGoods(i), 10*time.Minute))
			l, err := s.TryLock(key, 20*time.Second)
			require.NoError(t, err)
			m.fences[key] = l.Fence()
		case 3:
			l, err := s.TryLock(key, 0)
			require.NoError(t, err)
			require.NoError(t, l.Set(someGoods(i)))
			require.NoError(t, l.Unlock())
		case 4:
			require.NoError(t, s.SetWithTTL(key, someGoods(i), time.Second)) // dead by now
		}
	}
	require.NoError(t, s.Close())
	return m
}

// goodsKey is a key with bytes that no text has.
func goodsKey(i int) string { return fmt.Sprintf("{%d}\x00é%%*", i) }

// known are entries with their metadata, to the precision that both engines have.
type known map[string]store.Entry[string, goods]

func rounded(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return t.Add(time.Millisecond - 1).Truncate(time.Millisecond)
}

func (k known) add(e store.Entry[string, goods]) {
	m := &e.Metadata
	m.Created, m.Updated, m.Accessed = m.Created.Truncate(time.Microsecond).UTC(), m.Updated.Truncate(time.Microsecond).UTC(), m.Accessed.Truncate(time.Microsecond).UTC()
	m.Expires, m.LockedUntil = rounded(m.Expires).UTC(), rounded(m.LockedUntil).UTC()
	k[e.Key] = e
}

func knownLocally(t testing.TB, c persist.Config) known {
	t.Helper()
	clock := storetest.NewClock(t) // the system's two would differ by some microseconds
	clock.Set(time.Now())
	s := openLocalAt[string, goods](t, clock, c)
	k := known{}
	for e, err := range s.Shared().All(t.Context()) {
		require.NoError(t, err)
		k.add(e)
	}
	require.NoError(t, s.Close())
	return k
}

func knownOnServer(t testing.TB, s *redisstore.Store[string, goods]) known {
	t.Helper()
	k := known{}
	for e, err := range s.All(t.Context()) {
		require.NoError(t, err)
		k.add(e)
	}
	return k
}

// there opens a store on a server for what is moved.
func there(t testing.TB, o rueidis.ClientOption, codec persist.Codec) *redisstore.Store[string, goods] {
	t.Helper()
	return open[string, goods](t, connect(t, o), redisstore.Options{Prefix: prefix(t), Codec: codec, TTL: localTTL, IdleTimeout: localTTL / 2})
}

// What goes to a server and back is what it was, and so is what is known of it.
func TestCopyThereAndBack(t *testing.T) {
	seal := sha256.Sum256([]byte("a key"))
	sealed, err := persist.Encrypt(persist.Gob{}, seal[:])
	require.NoError(t, err)
	engines(t, func(t *testing.T, o rueidis.ClientOption) {
		for _, codecs := range [][2]persist.Codec{
			{persist.JSON{}, persist.JSON{}}, {persist.Gob{}, persist.Gob{}}, {sealed, sealed}, {persist.Gob{}, persist.JSON{}}, {persist.JSON{}, sealed},
		} {
			t.Run(codecs[0].ID()+" to "+codecs[1].ID(), func(t *testing.T) {
				const n = 200
				ctx := t.Context()
				m := fill(t, codecs[0], n)
				s := there(t, o, codecs[1])
				done, err := s.Import(ctx, m.config, redisstore.CopyOptions{})
				require.NoError(t, err)
				require.Equal(t, redisstore.Copied{Entries: n - n/5, Expired: n / 5}, done)
				want := knownLocally(t, m.config)
				require.Len(t, want, n-n/5)
				require.Empty(t, cmp.Diff(want, knownOnServer(t, s)))
				require.Equal(t, someGoods(7), second2(s.Peek(ctx, goodsKey(7))))

				again, err := s.Import(ctx, m.config, redisstore.CopyOptions{})
				require.NoError(t, err)
				require.Equal(t, redisstore.Copied{Present: n - n/5, Expired: n / 5}, again)

				back := m.config
				back.Dir += "-back"
				done, err = s.Export(ctx, back, redisstore.CopyOptions{})
				require.NoError(t, err)
				require.Equal(t, redisstore.Copied{Entries: n - n/5}, done)
				require.Empty(t, cmp.Diff(want, knownLocally(t, back)))
				goOn(t, s, m, back)
			})
		}
	})
}

func second2[T any](value T, _ error) T { return value }

// goOn makes sure that locks are held on, and that fences rise, on both sides.
func goOn(t *testing.T, s *redisstore.Store[string, goods], m moving, back persist.Config) {
	ctx := t.Context()
	const locked, free = 2, 3
	fence := m.fences[goodsKey(locked)]
	require.NotZero(t, fence)
	local := openLocal[string, goods](t, back)
	for name, engine := range map[string]store.Shared[string, goods]{"server": s, "local": local.Shared()} {
		require.Equal(t, store.ErrLocked, second(engine.TryLock(ctx, goodsKey(locked), 0)), name)
		held, err := engine.Resume(ctx, goodsKey(locked), fence)
		require.NoError(t, err, name)
		require.NoError(t, held.Set(ctx, someGoods(1)))
		require.NoError(t, held.Unlock(ctx))
		before := fence
		for _, i := range []int{locked, free, locked} {
			e, err := engine.Entry(ctx, goodsKey(i))
			require.NoError(t, err)
			l, err := engine.TryLock(ctx, goodsKey(i), 0)
			require.NoError(t, err, name)
			require.Greater(t, l.Fence(), max(e.Metadata.Fence, before), name)
			require.NoError(t, l.Unlock(ctx))
			require.Equal(t, store.ErrLeaseLost, held.Set(ctx, someGoods(2)), name)
		}
	}
	require.NoError(t, local.Close())

	// What was locked on the server is so in the folder, below all fences to come.
	l, err := s.TryLock(ctx, goodsKey(free), 0)
	require.NoError(t, err)
	back.Dir += "-again"
	require.NoError(t, second(s.Export(ctx, back, redisstore.CopyOptions{})))
	local = openLocal[string, goods](t, back)
	require.NoError(t, second(local.Resume(goodsKey(free), l.Fence())))
	require.NoError(t, local.Delete(goodsKey(1)))
	require.NoError(t, local.Set(goodsKey(1), goods{}))
	next, err := local.TryLock(goodsKey(1), 0)
	require.NoError(t, err)
	require.Greater(t, next.Fence(), l.Fence())
	require.NoError(t, local.Close())
}

// Wherever an Import is interrupted, the next one ends it, and nothing is there
// twice, or as something else.
func TestImportInterrupted(t *testing.T) {
	const n, steps = 200, 8 // 2 * 200 entries, 64 at a time
	m := fill(t, persist.Gob{}, n)
	want := knownLocally(t, m.config)
	for stop := 1; stop <= steps; stop++ {
		t.Run(fmt.Sprint(stop), func(t *testing.T) {
			s := there(t, plainServer(t).options(), persist.Gob{})
			ctx, cancel := context.WithCancel(t.Context())
			calls := 0
			first, err := s.Import(ctx, m.config, redisstore.CopyOptions{Progress: func(done, total int) {
				require.Equal(t, 2*n, total)
				require.LessOrEqual(t, done, total)
				if calls++; calls == stop {
					cancel()
				}
			}})
			require.ErrorIs(t, err, context.Canceled)
			for key, e := range knownOnServer(t, s) {
				require.Empty(t, cmp.Diff(want[key], e))
			}
			second, err := s.Import(t.Context(), m.config, redisstore.CopyOptions{})
			require.NoError(t, err)
			require.Equal(t, first.Entries, second.Present, "what was there already")
			require.Equal(t, n-n/5, second.Present+second.Entries)
			require.Empty(t, cmp.Diff(want, knownOnServer(t, s)))
		})
	}
}

// An Export that is interrupted leaves no store.
func TestExportInterrupted(t *testing.T) {
	m := fill(t, persist.JSON{}, 300)
	s := there(t, plainServer(t).options(), nil)
	require.NoError(t, second(s.Import(t.Context(), m.config, redisstore.CopyOptions{})))
	for stop := 1; ; stop++ {
		ctx, cancel := context.WithCancel(t.Context())
		calls := 0
		back := persist.Config{Dir: filepath.Join(t.TempDir(), "back")}
		_, err := s.Export(ctx, back, redisstore.CopyOptions{Progress: func(int, int) {
			if calls++; calls == stop {
				cancel()
			}
		}})
		cancel()
		if calls < stop {
			require.NoError(t, err)
			require.Greater(t, stop, 1)
			break
		}
		require.ErrorIs(t, err, context.Canceled)
		require.NoError(t, second(s.Export(t.Context(), back, redisstore.CopyOptions{})), "there is no store yet")
		require.Len(t, knownLocally(t, back), 240)
		require.ErrorIs(t, second(s.Export(t.Context(), back, redisstore.CopyOptions{})), persist.ErrExists)
	}
}

// A local store that was opened in between remembers the same times not quite to
// the microsecond.
func TestImportAfterReopening(t *testing.T) {
	m := fill(t, persist.JSON{}, 50)
	s := there(t, plainServer(t).options(), nil)
	require.NoError(t, second(s.Import(t.Context(), m.config, redisstore.CopyOptions{})))
	for range 3 {
		local := openLocal[string, goods](t, m.config)
		require.NoError(t, second(local.Get(goodsKey(0)))) // so that there is something to save
		require.NoError(t, local.Close())
	}
	done, err := s.Import(t.Context(), m.config, redisstore.CopyOptions{})
	require.NoError(t, err)
	require.Equal(t, 40, done.Present)
}

// What is on the server already stays, unless told otherwise, and all else comes.
func TestImportOver(t *testing.T) {
	ctx := t.Context()
	m := fill(t, persist.JSON{}, 50)
	s := there(t, plainServer(t).options(), nil)
	mine := []string{goodsKey(0), goodsKey(1), goodsKey(2)}
	for _, key := range mine {
		require.NoError(t, s.Set(ctx, key, goods{Name: "mine"}))
	}
	l, err := s.TryLock(ctx, mine[1], 20*time.Second)
	require.NoError(t, err)
	done, err := s.Import(ctx, m.config, redisstore.CopyOptions{})
	require.ErrorIs(t, err, store.ErrConflict)
	require.ErrorContains(t, err, "3 entries")
	require.Equal(t, redisstore.Copied{Entries: 37, Expired: 10, Differ: 3}, done)
	for _, key := range mine {
		got, err := s.Peek(ctx, key)
		require.NoError(t, err)
		require.Equal(t, "mine", got.Name)
	}

	done, err = s.Import(ctx, m.config, redisstore.CopyOptions{Overwrite: true})
	require.ErrorIs(t, err, store.ErrConflict)
	require.Equal(t, redisstore.Copied{Entries: 2, Present: 37, Expired: 10, Differ: 1}, done, "what is locked stays")
	require.NoError(t, l.Unlock(ctx))
	before := l.Fence()
	done, err = s.Import(ctx, m.config, redisstore.CopyOptions{Overwrite: true})
	require.NoError(t, err)
	require.Equal(t, redisstore.Copied{Entries: 1, Present: 39, Expired: 10}, done)
	m1, err := s.Metadata(ctx, mine[1])
	require.NoError(t, err)
	require.Equal(t, before, m1.Fence, "the higher one")
	l, err = s.TryLock(ctx, mine[1], 0)
	require.NoError(t, err)
	require.Greater(t, l.Fence(), before)
}

// Ten thousand entries.
func TestCopyMany(t *testing.T) {
	const n = 10_000
	ctx := t.Context()
	m := fill(t, persist.JSON{}, n)
	s := there(t, plainServer(t).options(), nil)
	done, err := s.Import(ctx, m.config, redisstore.CopyOptions{})
	require.NoError(t, err)
	require.Equal(t, redisstore.Copied{Entries: n - n/5, Expired: n / 5}, done)
	back := m.config
	back.Dir += "-back"
	require.NoError(t, second(s.Export(ctx, back, redisstore.CopyOptions{})))
	require.Empty(t, cmp.Diff(knownLocally(t, m.config), knownLocally(t, back)))
}
