package scsstore_test

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/persist"
	"github.com/latchkey-go/latchkey/scsstore"
	"github.com/latchkey-go/latchkey/store"
)

// A token stands nowhere but in the cookie, and what does stand there is no cookie.
func TestNoTokenIsStored(t *testing.T) {
	dir := t.TempDir()
	in, err := store.New(store.Options[string, []byte]{Persist: persist.Config{Dir: dir}})
	require.NoError(t, err)
	token := login(t, in.Shared())
	require.NoError(t, in.Snapshot(t.Context()))
	var stored []byte
	require.NoError(t, filepath.WalkDir(dir, func(name string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(name)
		stored = append(stored, b...)
		return err
	}))
	require.NoError(t, in.Close())
	require.NotContains(t, string(stored), token)

	t.Run("redis", func(t *testing.T) {
		in := onRedis(t)
		redis, err := sharedRedis()
		require.NoError(t, err)
		token := login(t, in)
		out, err := exec.Command("redis-cli", "-s", redis.Socket, "SAVE").CombinedOutput()
		require.NoError(t, err, string(out))
		stored, err := os.ReadFile(filepath.Join(redis.Dir, "dump.rdb"))
		require.NoError(t, err)
		require.Contains(t, string(stored), t.Name()+":s:", "the keys")
		require.NotContains(t, string(stored), token)
	})
}

// login returns the token of a new session in s, after a look that what is in s is
// not worth as much.
func login(t *testing.T, in shared) string {
	t.Helper()
	s := scsstore.New(in, []byte("secret"))
	manager := managed(s)
	b := &browser{t: t, handler: scsstore.Exclusive(manager, scsstore.Options{})(shop(manager))}
	b.want("/login", "ok")
	b.want("/user", "Ada")
	token := b.cookie.Value
	require.Len(t, token, 43)
	for entry, err := range in.All(t.Context()) {
		require.NoError(t, err)
		for _, guess := range []string{entry.Key, "session:" + entry.Key} {
			thief := b.with()
			thief.cookie = &http.Cookie{Name: "session", Value: guess}
			thief.want("/user", "")
		}
	}
	return token
}

func TestSecrets(t *testing.T) {
	engines(t, func(t *testing.T, in shared, unit time.Duration) {
		expiry := time.Now().Add(100 * unit)
		before := scsstore.New(in, []byte("1"))
		require.NoError(t, before.Commit("a", []byte("A"), expiry))
		require.NoError(t, before.Commit("b", []byte("B"), expiry))
		wantNone(t, scsstore.New(in), "a")
		wantNone(t, scsstore.New(in, []byte("2")), "a")

		rotated := scsstore.New(in, []byte("2"), []byte("1"))
		wantFound(t, rotated, "a", "A")
		require.NoError(t, rotated.Commit("a", []byte("A2"), expiry))
		require.NoError(t, rotated.Commit("c", []byte("C"), expiry))
		n, err := in.Len(t.Context())
		require.NoError(t, err)
		require.Equal(t, 3, n, "a is there once")
		wantFound(t, rotated, "a", "A2")
		require.NoError(t, rotated.Delete("b"))
		wantNone(t, before, "b")

		after := scsstore.New(in, []byte("2"))
		wantNone(t, after, "a")
		wantFound(t, after, "c", "C")
	})
}

// Sessions of the secret before are locked, changed and ended like others.
func TestSecretsWithExclusive(t *testing.T) {
	engines(t, func(t *testing.T, in shared, _ time.Duration) {
		before := managed(scsstore.New(in, []byte("1")))
		b := &browser{t: t, handler: scsstore.Exclusive(before, scsstore.Options{})(shop(before))}
		b.want("/login", "ok")
		after := managed(scsstore.New(in, []byte("2"), []byte("1")))
		b.handler = scsstore.Exclusive(after, scsstore.Options{})(shop(after))
		b.want("/add", "1")
		b.want("/add", "2")
		old := b.with()
		b.want("/renew", "ok")
		old.want("/user", "")
		b.want("/user", "Ada")
		b.want("/logout", "ok")
		n, err := in.Len(t.Context())
		require.NoError(t, err)
		require.Zero(t, n)
	})
}
