package redisstore_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/redis/rueidis"
	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/internal/testenv"
	"github.com/latchkey-go/latchkey/persist"
	"github.com/latchkey-go/latchkey/redisstore"
	"github.com/latchkey-go/latchkey/store"
)

// visit counts a visit, wherever the sessions are.
func visit(ctx context.Context, sessions store.Shared[string, int], id string) (int, error) {
	return sessions.Update(ctx, id, func(visits int, _ bool) (int, error) { return visits + 1, nil })
}

// openLocally and openOnServer differ in the line that makes the sessions.
func openLocally(dir string) (store.Shared[string, int], error) {
	local, err := store.New(store.Options[string, int]{TTL: time.Hour, Persist: persist.Config{Dir: dir}})
	if err != nil {
		return nil, err
	}
	return local.Shared(), nil
}

func openOnServer(address string) (store.Shared[string, int], rueidis.Client, error) {
	client, err := rueidis.NewClient(rueidis.MustParseURL(address))
	if err != nil {
		return nil, nil, err
	}
	sessions, err := redisstore.New[string, int](client, redisstore.Options{Prefix: "shop:", TTL: time.Hour})
	return sessions, client, err
}

// move is how the sessions of the one become those of the other.
func move(ctx context.Context, sessions *redisstore.Store[string, int], dir string) error {
	_, err := sessions.Import(ctx, persist.Config{Dir: dir}, redisstore.CopyOptions{})
	return err
}

// What the README shows works.
func TestReadme(t *testing.T) {
	ctx := t.Context()
	dir := filepath.Join(t.TempDir(), "sessions")
	sessions, err := openLocally(dir)
	require.NoError(t, err)
	require.NoError(t, second(visit(ctx, sessions, "ada")))
	require.NoError(t, sessions.Close())

	sessions, client, err := openOnServer("unix://" + startServer(t).socket)
	require.NoError(t, err)
	defer client.Close()
	require.NoError(t, move(ctx, sessions.(*redisstore.Store[string, int]), dir))
	n, err := visit(ctx, sessions, "ada")
	require.NoError(t, err)
	require.Equal(t, 2, n)
	require.NoError(t, sessions.Close())
}

// Every piece of Go in the README stands in this file, where it is run.
func TestReadmeCode(t *testing.T) { testenv.ReadmeCode(t, "README.md", "readme_test.go") }
