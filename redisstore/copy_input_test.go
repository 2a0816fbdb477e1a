package redisstore_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/persist"
	"github.com/latchkey-go/latchkey/redisstore"
	"github.com/latchkey-go/latchkey/store"
)

// secretFolder has one entry, of which no error tells.
func secretFolder(t testing.TB, c persist.Config) persist.Config {
	t.Helper()
	c.Dir = filepath.Join(t.TempDir(), "local")
	s := openLocal[string, string](t, c)
	require.NoError(t, s.Set(secretKey, secretValue))
	require.NoError(t, s.Close())
	return c
}

// A folder, a codec or a type that does not fit is told, and nothing is copied.
func TestImportOfOtherThings(t *testing.T) {
	ctx := t.Context()
	client := connect(t, plainServer(t).options())
	o := redisstore.Options{Prefix: prefix(t)}
	s := open[string, string](t, client, o)
	folder := secretFolder(t, persist.Config{})
	in := func(change func(*persist.Config)) error {
		c := folder
		change(&c)
		return second(s.Import(ctx, c, redisstore.CopyOptions{}))
	}
	for name, test := range map[string]struct {
		err  error
		want error
	}{
		"no folder":     {in(func(c *persist.Config) { c.Dir += "-none" }), persist.ErrNoStore},
		"another codec": {in(func(c *persist.Config) { c.Codec = persist.Gob{} }), persist.ErrCodecMismatch},
		"another name":  {in(func(c *persist.Config) { c.Schema = "string main.Other" }), persist.ErrTypeMismatch},
		"another key":   {second(open[int, string](t, client, o).Import(ctx, folder, redisstore.CopyOptions{})), persist.ErrTypeMismatch},
		"another value": {second(open[string, int](t, client, o).Import(ctx, folder, redisstore.CopyOptions{})), persist.ErrTypeMismatch},
	} {
		discreet(t, test.err)
		require.ErrorIs(t, test.err, test.want, name)
	}
	// It says that it is of another type, and isn't.
	c := folder
	c.Schema = "string string"
	err := second(open[string, int](t, client, o).Import(ctx, c, redisstore.CopyOptions{}))
	discreet(t, err)
	require.ErrorContains(t, err, "redisstore: folder "+folder.Dir+": codec can't decode ")
	tight := o
	tight.MaxValue = 3
	err = second(open[string, string](t, client, tight).Import(ctx, folder, redisstore.CopyOptions{}))
	require.ErrorIs(t, err, redisstore.ErrTooLarge)
	require.ErrorContains(t, err, "redisstore: folder "+folder.Dir+": ")
	discreet(t, err)

	local := openLocal[string, string](t, folder)
	require.ErrorIs(t, in(func(*persist.Config) {}), persist.ErrInUse)
	require.NoError(t, local.Close())
	require.Empty(t, all(t, s))
}

// A damaged folder is no source: not even an older snapshot of it.
func TestImportOfDamage(t *testing.T) {
	ctx := t.Context()
	s := open[string, string](t, connect(t, plainServer(t).options()), redisstore.Options{Prefix: prefix(t)})
	folder := secretFolder(t, persist.Config{Sync: persist.OnSnapshot})
	local := openLocal[string, string](t, folder)
	require.NoError(t, local.Set("b", "another"))
	require.NoError(t, local.Close())
	names, err := filepath.Glob(filepath.Join(folder.Dir, "snapshot-*"))
	require.NoError(t, err)
	require.Len(t, names, 2)
	newest := names[1]
	data, err := os.ReadFile(newest)
	require.NoError(t, err)
	at := strings.Index(string(data), "another")
	copy(data[at:], "????")
	require.NoError(t, os.WriteFile(newest, data, 0o600))
	_, err = s.Import(ctx, folder, redisstore.CopyOptions{})
	require.ErrorIs(t, err, persist.ErrCorrupt)
	discreet(t, err)
	require.Empty(t, all(t, s))
}

// Keys of somebody else's stay, in both directions.
func TestCopyForeignKeys(t *testing.T) {
	ctx := t.Context()
	server := plainServer(t)
	s := open[string, string](t, connect(t, server.options()), redisstore.Options{Prefix: prefix(t)})
	name := prefix(t) + "s:" + secretKey
	for _, make := range [][]string{{"SET", name, "v"}, {"HSET", name, "field", "v"}, {"HSET", name, "m", "1 2 3", "v", "v"}} {
		server.do(t, make...)
		before := server.do(t, "DUMP", name)
		_, err := s.Import(ctx, secretFolder(t, persist.Config{}), redisstore.CopyOptions{Overwrite: true})
		require.ErrorIs(t, err, redisstore.ErrForeign)
		discreet(t, err)
		require.Equal(t, before, server.do(t, "DUMP", name))
		if make[0] == "HSET" && make[2] == "m" {
			err = second(s.Export(ctx, persist.Config{Dir: filepath.Join(t.TempDir(), "back")}, redisstore.CopyOptions{}))
			require.ErrorIs(t, err, redisstore.ErrForeign)
		}
		server.do(t, "DEL", name)
	}
}

// Values that the store's codec can't decode are no entries of a folder.
func TestExportOfOtherTypes(t *testing.T) {
	ctx := t.Context()
	client := connect(t, plainServer(t).options())
	require.NoError(t, open[string, string](t, client, redisstore.Options{Prefix: prefix(t)}).Set(ctx, secretKey, secretValue))
	numbers := open[string, int](t, client, redisstore.Options{Prefix: prefix(t)})
	dir := filepath.Join(t.TempDir(), "back")
	discreet(t, second(numbers.Export(ctx, persist.Config{Dir: dir}, redisstore.CopyOptions{})))
	require.NoDirExists(t, dir)
}

// When the server goes away, the next Import ends what the first one has begun.
func TestImportWithoutServer(t *testing.T) {
	m := fill(t, persist.JSON{}, 500)
	server := startServer(t, "--appendonly", "yes", "--appendfsync", "always")
	o := redisstore.Options{Prefix: prefix(t), TTL: localTTL, IdleTimeout: localTTL / 2, Timeout: 2 * time.Second}
	s := open[string, goods](t, connect(t, server.options()), o)
	calls := 0
	first, err := s.Import(t.Context(), m.config, redisstore.CopyOptions{Progress: func(int, int) {
		if calls++; calls == 3 {
			server.kill()
		}
	}})
	require.ErrorIs(t, err, redisstore.ErrUnavailable)
	require.Less(t, first.Entries, 400)
	_, err = s.Export(t.Context(), persist.Config{Dir: filepath.Join(t.TempDir(), "back")}, redisstore.CopyOptions{})
	require.ErrorIs(t, err, redisstore.ErrUnavailable)

	server.start(t)
	s = open[string, goods](t, connect(t, server.options()), o)
	done, err := s.Import(t.Context(), m.config, redisstore.CopyOptions{})
	require.NoError(t, err)
	require.GreaterOrEqual(t, done.Present, first.Entries)
	require.Equal(t, 400, done.Present+done.Entries)
	require.Len(t, knownOnServer(t, s), 400)
}

// A closed Store copies nothing.
func TestCopyWhenClosed(t *testing.T) {
	s, err := redisstore.New[string, string](connect(t, plainServer(t).options()), redisstore.Options{Prefix: prefix(t)})
	require.NoError(t, err)
	require.NoError(t, s.Close())
	require.Equal(t, store.ErrClosed, second(s.Import(t.Context(), persist.Config{}, redisstore.CopyOptions{})))
	require.Equal(t, store.ErrClosed, second(s.Export(t.Context(), persist.Config{Dir: "none"}, redisstore.CopyOptions{})))
	require.NoDirExists(t, "none")
}
