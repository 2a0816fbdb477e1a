package scsstore_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/scsstore"
	"github.com/latchkey-go/latchkey/store"
)

func wantFound(t *testing.T, s *scsstore.Store, token, want string) {
	t.Helper()
	b, found, err := s.Find(token)
	require.NoError(t, err)
	require.True(t, found)
	require.Empty(t, cmp.Diff(want, string(b)))
}

func wantNone(t *testing.T, s *scsstore.Store, token string) {
	t.Helper()
	b, found, err := s.Find(token)
	require.NoError(t, err)
	require.False(t, found)
	require.Nil(t, b)
}

func TestStore(t *testing.T) {
	engines(t, func(t *testing.T, in shared, unit time.Duration) {
		s := scsstore.New(in)
		in100 := func() time.Time { return time.Now().Add(100 * unit) }

		wantNone(t, s, "missing")
		wantNone(t, s, "")
		require.NoError(t, s.Delete("missing"))
		require.NoError(t, s.Delete(""), "what scs asks for a session without a token")

		require.NoError(t, s.Commit("a", []byte("one"), in100()))
		wantFound(t, s, "a", "one")
		require.NoError(t, s.Commit("a", []byte("two"), in100()))
		wantFound(t, s, "a", "two")

		require.NoError(t, s.Commit("b", []byte("short"), time.Now().Add(2*unit)))
		require.NoError(t, s.Commit("c", []byte("shorter"), in100()))
		require.NoError(t, s.Commit("c", []byte("shorter"), time.Now().Add(2*unit)))
		require.NoError(t, s.Commit("d", []byte("longer"), time.Now().Add(2*unit)))
		require.NoError(t, s.Commit("d", []byte("longer"), in100()))
		require.NoError(t, s.Commit("e", []byte("longest"), time.Now().AddDate(200, 0, 0)))
		wantFound(t, s, "b", "short")
		wantFound(t, s, "c", "shorter")
		pass(3 * unit)
		wantNone(t, s, "b")
		wantNone(t, s, "c")
		wantFound(t, s, "d", "longer")
		wantFound(t, s, "e", "longest")
		require.NoError(t, s.Commit("d", []byte("over"), time.Now().Add(-1)))
		wantNone(t, s, "d")
		require.NoError(t, s.Commit("d", []byte("again"), in100()), "expired is not destroyed")

		require.NoError(t, s.Delete("a"))
		wantNone(t, s, "a")
	})
}

// Values come back whole, and no token, however odd, finds another's.
func TestOddInput(t *testing.T) {
	engines(t, func(t *testing.T, in shared, unit time.Duration) {
		s := scsstore.New(in)
		expiry := time.Now().Add(100 * unit)
		large := bytes.Repeat([]byte("0123456789abcde\n"), 1<<16) // 1 MB
		for i, value := range []string{"", "\x00", "<script>alert(1)</script>\r\nSet-Cookie: a=b", "\xff\xfe", string(large)} {
			token := fmt.Sprintf("%d", i)
			require.NoError(t, s.Commit(token, []byte(value), expiry))
			wantFound(t, s, token, value)
		}
		for _, token := range []string{
			" ", "0 ", "0\x00", "\r\n", "*", "../0", "session:0", "\xff\xfe",
			strings.Repeat("x", 1<<20),
		} {
			wantNone(t, s, token)
			require.NoError(t, s.Delete(token))
		}
		wantFound(t, s, "0", "")
	})
}

func TestAll(t *testing.T) {
	engines(t, func(t *testing.T, in shared, unit time.Duration) {
		s := scsstore.New(in)
		all, err := s.All()
		require.NoError(t, err)
		require.NotNil(t, all)
		require.Empty(t, all)
		require.NoError(t, s.Commit("a", []byte("A"), time.Now().Add(100*unit)))
		require.NoError(t, s.Commit("b", []byte("B"), time.Now().Add(100*unit)))
		require.NoError(t, s.Commit("dead", []byte("C"), time.Now().Add(unit)))
		pass(2 * unit)
		all, err = s.AllCtx(t.Context())
		require.NoError(t, err)
		var values []string
		for handle, value := range all {
			values = append(values, string(value))
			wantNone(t, s, handle) // it logs nobody in
		}
		require.ElementsMatch(t, []string{"A", "B"}, values)
		for handle, value := range all {
			if string(value) == "A" {
				require.NoError(t, s.Commit(handle, []byte("A2"), time.Now().Add(100*unit)))
			} else {
				require.NoError(t, s.Delete(handle))
			}
		}
		wantFound(t, s, "a", "A2")
		wantNone(t, s, "b")
	})
}

// What was ended stays ended for a request that has read it before, and the store
// has no way to tell but to remember.
func TestCommitAfterDelete(t *testing.T) {
	engines(t, func(t *testing.T, in shared, unit time.Duration) {
		s := scsstore.New(in)
		expiry := time.Now().Add(100 * unit)
		require.NoError(t, s.Commit("a", []byte("A"), expiry))
		require.NoError(t, s.Delete("a"))
		require.ErrorIs(t, s.Commit("a", []byte("A"), expiry), scsstore.ErrDestroyed)
		wantNone(t, s, "a")
		require.NoError(t, s.Commit("b", []byte("B"), expiry))
	})
}

// meanwhile does something between a commit's look at what was ended and its write.
type meanwhile struct {
	shared
	do func()
}

func (m *meanwhile) SetWithTTL(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	if m.do != nil {
		m.do()
	}
	return m.shared.SetWithTTL(ctx, key, value, ttl)
}

func TestCommitDuringDelete(t *testing.T) {
	in := &meanwhile{shared: memory(t)}
	s := scsstore.New(in)
	expiry := time.Now().Add(time.Hour)
	require.NoError(t, s.Commit("a", []byte("A"), expiry))
	in.do = func() { require.NoError(t, s.Delete("a")) }
	require.ErrorIs(t, s.Commit("a", []byte("A"), expiry), scsstore.ErrDestroyed)
	wantNone(t, s, "a")
	in.do = func() { t.Error("for a moment it is back") }
	require.ErrorIs(t, s.Commit("a", []byte("A"), expiry), scsstore.ErrDestroyed)
}

// Only so many ends are remembered: those of requests that can still be running.
func TestEndsAreForgotten(t *testing.T) {
	s := scsstore.New(memory(t))
	expiry := time.Now().Add(time.Hour)
	for i := range 10_001 {
		require.NoError(t, s.Delete(fmt.Sprint(i)))
	}
	require.ErrorIs(t, s.Commit("1", []byte("A"), expiry), scsstore.ErrDestroyed)
	require.NoError(t, s.Commit("0", []byte("A"), expiry))
}

// Without Exclusive, reading goes past a lock, a commit does not, and a deletion
// takes the lock away.
func TestLocked(t *testing.T) {
	engines(t, func(t *testing.T, in shared, unit time.Duration) {
		s := scsstore.New(in)
		expiry := time.Now().Add(100 * unit)
		require.NoError(t, s.Commit("a", []byte("A"), expiry))
		var key string
		for entry := range in.All(t.Context()) {
			key = entry.Key
		}
		lease, err := in.TryLock(t.Context(), key, 0)
		require.NoError(t, err)
		wantFound(t, s, "a", "A")
		require.ErrorIs(t, s.Commit("a", []byte("B"), expiry), store.ErrLocked)
		wantFound(t, s, "a", "A")
		require.NoError(t, s.Delete("a"))
		wantNone(t, s, "a")
		require.ErrorIs(t, lease.Set(t.Context(), []byte("B")), store.ErrLeaseLost)
		wantNone(t, s, "a")
	})
}

func TestErrorsOfTheStore(t *testing.T) {
	in := memory(t)
	s := scsstore.New(in)
	require.NoError(t, in.Close())
	_, _, err := s.Find("a")
	require.ErrorIs(t, err, store.ErrClosed)
	require.ErrorIs(t, s.Commit("a", nil, time.Now().Add(time.Hour)), store.ErrClosed)
	require.ErrorIs(t, s.Delete("a"), store.ErrClosed)
	_, err = s.All()
	require.ErrorIs(t, err, store.ErrClosed)
	require.PanicsWithValue(t, "scsstore: New needs a store.Shared, which Store.Shared of package store gives",
		func() { scsstore.New(nil) })
}
