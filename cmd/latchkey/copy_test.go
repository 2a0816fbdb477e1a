package main

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/redis/rueidis"
	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/internal/testenv"
	"github.com/latchkey-go/latchkey/persist"
	"github.com/latchkey-go/latchkey/redisstore"
	"github.com/latchkey-go/latchkey/store"
)

// server starts a server for a test and returns its URL.
func server(t testing.TB, args ...string) (url string) {
	t.Helper()
	return "unix://" + testenv.Redis(t, args...)
}

// online opens the store of a shop that has gone on to a server.
func online[K comparable, V any](t testing.TB, url string, codec persist.Codec) *redisstore.Store[K, V] {
	t.Helper()
	client, err := rueidis.NewClient(rueidis.MustParseURL(url))
	require.NoError(t, err)
	t.Cleanup(client.Close)
	s, err := redisstore.New[K, V](client, redisstore.Options{Prefix: "shop:", Codec: codec, TTL: time.Hour})
	require.NoError(t, err)
	return s
}

// today leaves the folder "sessions" with n entries of any types, the first one
// locked, and returns its fence.
func today[K comparable, V any](t testing.TB, codec persist.Codec, n int, entry func(int) (K, V)) (fence uint64) {
	t.Helper()
	t.Chdir(t.TempDir())
	s, err := store.New(store.Options[K, V]{TTL: time.Hour, Persist: persist.Config{Dir: "sessions", Codec: codec}})
	require.NoError(t, err)
	for i := range n {
		key, value := entry(i)
		require.NoError(t, s.Set(key, value))
	}
	key, _ := entry(0)
	l, err := s.TryLock(key, 0)
	require.NoError(t, err)
	require.NoError(t, s.Close())
	return l.Fence()
}

func visitor(i int) (string, session) {
	return customer(i), session{fmt.Sprint("hush ", i), []string{"<apple>"}}
}

// What is copied to a server is there for the shop's program, and back again.
func TestCopy(t *testing.T) {
	for _, codec := range []persist.Codec{persist.JSON{}, sealed(t, persist.JSON{})} {
		t.Run(codec.ID(), func(t *testing.T) {
			const n = 1000
			ctx := t.Context()
			url := server(t)
			fence := today(t, codec, n, visitor)
			key := shop{codec: codec}.keyFile(t)
			line := "copy --prefix shop: --idle 30m sessions " + url + key
			stays(t, "sessions", func() {
				require.Equal(t, "1,000 entries copied, 0 there already, 0 left out as expired; all read back, and as in the folder\n", latchkey(t, line).good(t))
				require.Contains(t, latchkey(t, line).good(t), "0 entries copied, 1000 there already")
			})
			s := online[string, session](t, url, codec)
			for i := range n {
				name, want := visitor(i)
				got, err := s.Peek(ctx, name)
				require.NoError(t, err)
				require.Equal(t, want, got)
			}
			l, err := s.Resume(ctx, customer(0), fence)
			require.NoError(t, err)
			require.NoError(t, l.Unlock(ctx))
			require.NoError(t, s.Set(ctx, customer(1), session{User: "hush"}))
			latchkey(t, line).failed(t, statusDamaged, "1 entries on the server are not those of the folder, and stay")
			require.Contains(t, latchkey(t, line+" --overwrite").good(t), "1 entry copied, 999 there already")

			back := "copy --prefix shop: --schema string␣main.session --codec " + codec.ID() + key + " " + url + " a/back"
			require.Equal(t, "1,000 entries of codec "+codec.ID()+" and schema \"string main.session\", in a/back\n", latchkey(t, back).good(t))
			latchkey(t, back).failed(t, statusFailed, "it holds a store already")
			again, err := store.New(store.Options[string, session]{Persist: persist.Config{Dir: "a/back", Codec: codec}})
			require.NoError(t, err)
			require.Equal(t, n, again.Len())
			got, err := again.Get(customer(7))
			require.NoError(t, err)
			_, want := visitor(7)
			require.Equal(t, want, got)
			require.NoError(t, again.Close())
		})
	}
}

type (
	point struct{ X, Y int }
	id    string
)

// Keys of any type are found again.
func TestCopyKinds(t *testing.T) {
	url := server(t)
	copied(t, url, "", func(i int) (int16, int) { return int16(-i), i })
	copied(t, url, "", func(i int) (uint8, int) { return uint8(i), i })
	copied(t, url, "", func(i int) (bool, int) { return i%2 == 0, i % 2 })
	copied(t, url, "--keys string", func(i int) (id, int) { return id(fmt.Sprintf("{customer}<%d>", i)), i })
	copied(t, url, "--keys json", func(i int) (point, int) { return point{i, -i}, i })
	copied(t, url, "--keys json", func(i int) (float64, int) { return float64(i) / 3, i })
}

func copied[K comparable](t *testing.T, url, flags string, entry func(int) (K, int)) {
	t.Helper()
	today(t, persist.JSON{}, 20, entry)
	latchkey(t, "copy --prefix shop: "+flags+" sessions "+url).good(t)
	s := online[K, int](t, url, nil)
	for i := range 20 {
		key, want := entry(i)
		got, err := s.Peek(t.Context(), key)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
}

// Whenever a signal comes, copying goes on with the next call, or has left nothing.
func TestCopyInterrupted(t *testing.T) {
	today(t, persist.JSON{}, 200, visitor)
	for length := 0; ; length++ {
		url := server(t)
		got := latchkeyUntil(newFuse(t, length), t, strings.NewReader(""), "copy --prefix shop: sessions "+url)
		latchkey(t, "copy --prefix shop: sessions "+url).good(t)
		n, err := online[string, session](t, url, nil).Len(t.Context())
		require.NoError(t, err)
		require.Equal(t, 200, n)
		if got.status == statusGood {
			break
		}
		require.Equal(t, "latchkey: interrupted\n", got.stderr)
		length += length / 8
	}
	url := server(t)
	latchkey(t, "copy --prefix shop: sessions "+url).good(t)
	for length := 0; ; length++ {
		got := latchkeyUntil(newFuse(t, length), t, strings.NewReader(""), "copy --prefix shop: --codec json --schema string␣main.session "+url+" a/back")
		if got.status == statusGood {
			break
		}
		require.Equal(t, "latchkey: interrupted\n", got.stderr)
		require.Equal(t, []string{"sessions"}, here(t))
	}
}

// Whoever gets it wrong is told what, and no password.
func TestCopyMistakes(t *testing.T) {
	today(t, persist.JSON{}, 2, visitor)
	url := server(t, "--requirepass", "hush")
	require.NoError(t, os.WriteFile("password", []byte("hush\n"), 0o600))
	require.NoError(t, os.WriteFile("wrong", []byte("hush hush\n"), 0o600))
	socket := strings.TrimPrefix(url, "unix://")
	for _, test := range []struct {
		line   string
		status int
		says   string
	}{
		{"copy sessions other", statusUsage, "one of FROM and TO must be a folder"},
		{"copy redis://a redis://b", statusUsage, "one of FROM and TO must be a folder"},
		{"copy " + url + " new", statusUsage, "--codec and --schema are missing"},
		{"copy --codec json sessions " + url, statusUsage, "are for a new folder"},
		{"copy --overwrite --codec json --schema int␣int " + url + " new", statusUsage, "--overwrite is for entries on a server"},
		{"copy --keys none sessions " + url, statusUsage, `--keys is "none"`},
		{"copy --codec json --schema main.id␣int " + url + " new", statusUsage, "the keys are of type main.id: say by --keys"},
		{"copy --codec gob --schema int␣int " + url + " new", statusUsage, `codec "gob", which is not known here`},
		{"copy --codec aes256gcm+json --schema int␣int " + url + " new", statusUsage, "--key-file must have"},
		{"copy --idle -1s sessions " + url, statusUsage, "--idle is -1s"},
		{"copy sessions redis://user:hush@%zz", statusUsage, "that is no URL"},
		{"copy sessions http://user:hush@host", statusUsage, "that is no URL"},
		{"copy none " + url, statusFailed, "no store there"},
		{"copy sessions unix://hush:hush@/none/s", statusFailed, "server unavailable: is it running, and the address right?"},
		{"copy sessions " + url, statusFailed, "the server answered NOAUTH"},
		{"copy --pass-file wrong sessions " + url, statusFailed, "the server answered WRONGPASS"},
		{"copy --pass-file none sessions " + url, statusFailed, "open none"},
	} {
		t.Run(test.line, func(t *testing.T) {
			latchkey(t, test.line).failed(t, test.status, test.says)
			require.NoDirExists(t, "new")
		})
	}
	latchkey(t, "copy --pass-file password sessions "+url).good(t)
	latchkey(t, "copy sessions unix://:hush@"+socket).good(t)

	// Of another codec's folder nothing is copied.
	today(t, persist.Gob{}, 2, visitor)
	latchkey(t, "copy sessions "+url).failed(t, statusUsage, `codec "gob"`)
}

// A folder that is damaged is not copied in part.
func TestCopyOfDamage(t *testing.T) {
	url := server(t)
	jsonShop.work(t)
	damage(t, newestSnapshot(t), smashed("customer-3"))
	latchkey(t, "copy sessions "+url).failed(t, statusDamaged, `"latchkey salvage" saves`)
	n, err := online[string, session](t, url, nil).Len(t.Context())
	require.NoError(t, err)
	require.Zero(t, n)
}
