package redisstore_test

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/rueidis"
	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/persist"
	"github.com/latchkey-go/latchkey/redisstore"
	"github.com/latchkey-go/latchkey/store"
)

// all returns the entries of a store by key.
func all[K comparable, V any](t testing.TB, s *redisstore.Store[K, V]) map[K]V {
	t.Helper()
	got := map[K]V{}
	for e, err := range s.All(t.Context()) {
		require.NoError(t, err)
		require.NotContains(t, got, e.Key)
		got[e.Key] = e.Value
	}
	n, err := s.Len(t.Context())
	require.NoError(t, err)
	require.Equal(t, len(got), n)
	return got
}

// keep sets each key to its place and finds it there again.
func keep[K comparable](t *testing.T, o rueidis.ClientOption, keys ...K) {
	t.Helper()
	s := open[K, int](t, connect(t, o), redisstore.Options{Prefix: prefix(t)})
	want := map[K]int{}
	for i, key := range keys {
		require.NoError(t, s.Set(t.Context(), key, i))
		want[key] = i
	}
	for key, i := range want {
		got, err := s.Get(t.Context(), key)
		require.NoError(t, err)
		require.Equal(t, i, got)
	}
	require.Equal(t, want, all(t, s))
}

// Any key is found again, whatever is in it, and is no other one.
func TestKeys(t *testing.T) {
	type point struct{ X, Y int }
	type id string
	engines(t, func(t *testing.T, o rueidis.ClientOption) {
		t.Run("strings", func(t *testing.T) {
			keep(t, o, "", "a", "A", "{a}", "{b}", "}{", "{}", "*", "?", "[a]", `\`, "%", "%41", "a b", "a\x00b",
				"\xff\xfe", "é", "é", "日本", "a:b", "s:a", strings.Repeat("long", 5000), "\r\n", "!")
		})
		t.Run("named strings", func(t *testing.T) { keep(t, o, id("a"), id("{a}")) })
		t.Run("ints", func(t *testing.T) { keep(t, o, 0, 1, -1, math.MaxInt64, math.MinInt64) })
		t.Run("uint8s", func(t *testing.T) { keep[uint8](t, o, 0, 1, 255) })
		t.Run("bools", func(t *testing.T) { keep(t, o, false, true) })
		t.Run("floats", func(t *testing.T) { keep(t, o, 0, math.Copysign(0, -1), 0.1, 1e300, -1) })
		t.Run("structs", func(t *testing.T) { keep(t, o, point{}, point{1, 2}, point{12, 0}) })
		t.Run("arrays", func(t *testing.T) { keep(t, o, [4]byte{}, [4]byte{1}, [4]byte{0, 1}) })
		t.Run("interfaces", func(t *testing.T) { keep[any](t, o, "a", "1", true, 1.0, 1.5) })
	})
}

// Stores that share a prefix and differ in the type of their keys share no key.
func TestKeyTypesDoNotMeet(t *testing.T) {
	client := connect(t, plainServer(t).options())
	o := redisstore.Options{Prefix: prefix(t)}
	ints, texts := open[int, string](t, client, o), open[string, string](t, client, o)
	bools, uints := open[bool, string](t, client, o), open[uint, string](t, client, o)
	structs := open[struct{ A int }, string](t, client, o)
	ctx := t.Context()
	require.NoError(t, ints.Set(ctx, 1, "int"))
	require.NoError(t, texts.Set(ctx, "1", "string"))
	require.NoError(t, uints.Set(ctx, 1, "uint"))
	require.NoError(t, texts.Set(ctx, "true", "string"))
	require.NoError(t, bools.Set(ctx, true, "bool"))
	require.NoError(t, texts.Set(ctx, `{"A":1}`, "string"))
	require.NoError(t, structs.Set(ctx, struct{ A int }{1}, "struct"))
	require.Empty(t, cmp.Diff(map[int]string{1: "int"}, all(t, ints)))
	require.Empty(t, cmp.Diff(map[uint]string{1: "uint"}, all(t, uints)))
	require.Empty(t, cmp.Diff(map[string]string{"1": "string", "true": "string", `{"A":1}`: "string"}, all(t, texts)))
	require.Empty(t, cmp.Diff(map[bool]string{true: "bool"}, all(t, bools)))
	require.Empty(t, cmp.Diff(map[struct{ A int }]string{{1}: "struct"}, all(t, structs)))
}

// A prefix is taken as it is, and begins no other one's keys.
func TestPrefixes(t *testing.T) {
	client := connect(t, plainServer(t).options())
	prefixes := []string{"p*", "p?", "[p]", `p\`, "p^", "pp", "p", "{p}:", "p s:"}
	for i, p := range prefixes {
		s := open[string, int](t, client, redisstore.Options{Prefix: prefix(t) + p})
		require.NoError(t, s.Set(t.Context(), "key", i))
	}
	for i, p := range prefixes {
		s := open[string, int](t, client, redisstore.Options{Prefix: prefix(t) + p})
		require.Empty(t, cmp.Diff(map[string]int{"key": i}, all(t, s)), p)
	}
}

func TestInvalidKeys(t *testing.T) {
	client := connect(t, plainServer(t).options())
	floats := open[float64, int](t, client, redisstore.Options{Prefix: prefix(t)})
	require.Equal(t, store.ErrInvalidKey, floats.Set(t.Context(), math.NaN(), 1))
	anys := open[any, int](t, client, redisstore.Options{Prefix: prefix(t)})
	require.Equal(t, store.ErrInvalidKey, anys.Set(t.Context(), []int{1}, 1))
	require.Equal(t, store.ErrInvalidKey, anys.Set(t.Context(), 1, 1), "JSON makes a float of it")
	hidden := open[struct{ a int }, int](t, client, redisstore.Options{Prefix: prefix(t)})
	require.Equal(t, store.ErrInvalidKey, hidden.Set(t.Context(), struct{ a int }{1}, 1), "JSON leaves it out")
	require.Empty(t, all(t, floats))
	require.Empty(t, all(t, hidden))
}

func TestKeyCodec(t *testing.T) {
	client := connect(t, plainServer(t).options())
	s := open[string, int](t, client, redisstore.Options{Prefix: prefix(t), KeyCodec: persist.Gob{}})
	require.NoError(t, s.Set(t.Context(), "a{b}", 1))
	require.Equal(t, map[string]int{"a{b}": 1}, all(t, s))

	sealed, err := persist.Encrypt(persist.JSON{}, bytes.Repeat([]byte{1}, persist.KeySize))
	require.NoError(t, err)
	_, err = redisstore.New[string, int](client, redisstore.Options{KeyCodec: sealed})
	require.ErrorContains(t, err, "KeyCodec")
}

// With encryption, the server sees no value.
func TestEncryptedValues(t *testing.T) {
	server := plainServer(t)
	key1, key2 := bytes.Repeat([]byte{1}, persist.KeySize), bytes.Repeat([]byte{2}, persist.KeySize)
	old, err := persist.Encrypt(persist.JSON{}, key1)
	require.NoError(t, err)
	rotated, err := persist.Encrypt(persist.JSON{}, key2, key1)
	require.NoError(t, err)
	client, ctx := connect(t, server.options()), t.Context()
	require.NoError(t, open[string, string](t, client, redisstore.Options{Prefix: prefix(t), Codec: old}).Set(ctx, "a", "secret"))
	require.NotContains(t, server.do(t, "HGET", prefix(t)+"s:a", "v"), "secret")
	s := open[string, string](t, client, redisstore.Options{Prefix: prefix(t), Codec: rotated})
	got, err := s.Update(ctx, "a", func(old string, _ bool) (string, error) { return old + "!", nil })
	require.NoError(t, err)
	require.Equal(t, "secret!", got)
	_, err = open[string, string](t, client, redisstore.Options{Prefix: prefix(t), Codec: old}).Get(ctx, "a")
	require.ErrorContains(t, err, "codec can't decode the value")
}
