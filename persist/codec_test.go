package persist_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/internal/disk"
	"github.com/latchkey-go/latchkey/persist"
	"github.com/latchkey-go/latchkey/store"
	"github.com/latchkey-go/latchkey/storetest"
)

type session struct {
	User  string
	Since time.Time
	Cart  map[string]int
}

func key(b byte) []byte { return bytes.Repeat([]byte{b}, persist.KeySize) }

func encrypt(t testing.TB, inner persist.Codec, keys ...[]byte) persist.Codec {
	t.Helper()
	c, err := persist.Encrypt(inner, keys...)
	require.NoError(t, err)
	return c
}

func TestCodecs(t *testing.T) {
	t.Parallel()
	for _, c := range []persist.Codec{
		persist.JSON{},
		persist.Gob{},
		encrypt(t, persist.JSON{}, key(1)),
		encrypt(t, persist.Gob{}, key(1), key(2)),
		encrypt(t, encrypt(t, persist.JSON{}, key(1)), key(2)),
	} {
		t.Run(c.ID(), func(t *testing.T) {
			storetest.Codec(t, c, "session-42", session{"ada", time.Unix(1, 2).UTC(), map[string]int{"x": 1}})
		})
	}
}

func TestCodecIDs(t *testing.T) {
	for want, c := range map[string]persist.Codec{
		"json":                     persist.JSON{},
		"gob":                      persist.Gob{},
		"aes256gcm+gob":            encrypt(t, persist.Gob{}, key(1)),
		"aes256gcm+aes256gcm+json": encrypt(t, encrypt(t, persist.JSON{}, key(1)), key(1)),
	} {
		require.Equal(t, want, c.ID(), "it stands in files")
	}
}

func TestGobRefusesWhatIsLeftOver(t *testing.T) {
	data, err := persist.Gob{}.Marshal("text")
	require.NoError(t, err)
	var s string
	require.Error(t, persist.Gob{}.Unmarshal(append(data, 0), &s))
	require.Error(t, persist.Gob{}.Unmarshal(append(data, data...), &s))
}

func TestEncryptArguments(t *testing.T) {
	for _, size := range []int{0, 1, 16, 24, 31, 33, 64} {
		_, err := persist.Encrypt(persist.JSON{}, key(1), make([]byte, size))
		require.ErrorContains(t, err, fmt.Sprintf("key 2 of Encrypt: %d bytes long", size))
	}
	_, err := persist.Encrypt(persist.JSON{})
	require.ErrorContains(t, err, "needs a key")
	_, err = persist.Encrypt(nil, key(1))
	require.ErrorContains(t, err, "inner codec")
}

func TestEncryptKeepsNoKey(t *testing.T) {
	mine := key(1)
	c := encrypt(t, persist.JSON{}, mine)
	clear(mine)
	data, err := encrypt(t, persist.JSON{}, key(1)).Marshal("text")
	require.NoError(t, err)
	var s string
	require.NoError(t, c.Unmarshal(data, &s), "the caller may wipe the key")
}

func TestEncryptNeverRepeats(t *testing.T) {
	c := encrypt(t, persist.JSON{}, key(1))
	seen := make(map[string]bool)
	for range 1000 {
		data, err := c.Marshal("the same")
		require.NoError(t, err)
		require.False(t, seen[string(data)])
		seen[string(data)] = true
		require.NotContains(t, string(data), "same")
	}
}

func TestEncryptTellsAlteredData(t *testing.T) {
	c := encrypt(t, persist.JSON{}, key(1), key(2))
	const secret = "the secret text"
	data, err := c.Marshal(secret)
	require.NoError(t, err)
	altered := func(data []byte) {
		t.Helper()
		var s string
		err := c.Unmarshal(data, &s)
		require.Error(t, err)
		require.Empty(t, s)
		require.NotContains(t, err.Error(), "secret")
	}
	for i := range data {
		for bit := range 8 {
			bad := slices.Clone(data)
			bad[i] ^= 1 << bit
			altered(bad)
		}
		altered(data[:i])
	}
	altered(append(slices.Clone(data), 0))
	altered(nil)

	var s string
	err = encrypt(t, persist.JSON{}, key(3)).Unmarshal(data, &s)
	require.ErrorContains(t, err, "none of the keys given to Encrypt opens it")
	require.NoError(t, encrypt(t, persist.JSON{}, key(3), key(2), key(1)).Unmarshal(data, &s))
	require.Equal(t, secret, s)
}

func TestEncryptStale(t *testing.T) {
	stale := func(c persist.Codec, data []byte) bool { return c.(persist.Renewer).Stale(data) }
	before := encrypt(t, persist.JSON{}, key(1))
	after := encrypt(t, persist.JSON{}, key(2), key(1))
	data, err := before.Marshal("text")
	require.NoError(t, err)
	require.False(t, stale(before, data))
	require.True(t, stale(after, data), "sealed with the key that goes")
	data, err = after.Marshal("text")
	require.NoError(t, err)
	require.False(t, stale(after, data))
	require.True(t, stale(after, nil))

	// What is inside can be stale too.
	inside, err := encrypt(t, before, key(3)).Marshal("text")
	require.NoError(t, err)
	require.False(t, stale(encrypt(t, before, key(3)), inside))
	require.True(t, stale(encrypt(t, after, key(3)), inside))
}

// withKeys are options of a store that seals what it writes.
func withKeys(t testing.TB, d *disk.Disk, keys ...[]byte) store.Options[string, session] {
	return store.Options[string, session]{
		Clock:   storetest.NewClock(t),
		Persist: persist.Config{FS: d, Dir: storeDir, Codec: encrypt(t, persist.JSON{}, keys...)},
	}
}

func TestSealedStore(t *testing.T) {
	d := disk.New()
	want := map[string]session{
		"key-ada":  {User: "user-ada", Cart: map[string]int{"ware-1": 2}},
		"key-alan": {User: "user-alan"},
	}
	s := mustNew(t, withKeys(t, d, key(1)))
	for k, v := range want {
		require.NoError(t, s.Set(k, v))
	}
	require.NoError(t, s.Snapshot(context.Background()))
	require.NoError(t, s.Close())
	before := d.Image()
	for name, data := range before {
		for _, secret := range []string{"key-a", "user-a", "ware-"} {
			require.NotContains(t, string(data), secret, name)
		}
	}

	// Another key: told, and nothing changed.
	_, err := store.New(withKeys(t, d, key(2)))
	require.ErrorContains(t, err, "can't decode")
	require.NotContains(t, err.Error(), "key-a")
	require.True(t, before.Equal(d.Image()))

	// An unsealed store does not open it, nor the other way round.
	plain := withKeys(t, d, key(1))
	plain.Persist.Codec = persist.JSON{}
	_, err = store.New(plain)
	require.ErrorIs(t, err, persist.ErrCodecMismatch)
	_, err = store.New(options(t, d))
	require.ErrorIs(t, err, persist.ErrCodecMismatch)
	sealed := options(t, twoSnapshots(t).Boot())
	sealed.Persist.Codec = encrypt(t, persist.JSON{}, key(1))
	_, err = store.New(sealed)
	require.ErrorIs(t, err, persist.ErrCodecMismatch)

	require.Empty(t, cmp.Diff(want, contents(mustNew(t, withKeys(t, d, key(1))))))
}

// A new key goes in front; after a restart and a snapshot the old one may go.
func TestKeyRotation(t *testing.T) {
	d := disk.New()
	want := map[string]session{"a": {User: "ada"}, "b": {User: "alan"}}
	s := mustNew(t, withKeys(t, d, key(1)))
	for k, v := range want {
		require.NoError(t, s.Set(k, v))
	}
	require.NoError(t, s.Close())

	s = mustNew(t, withKeys(t, d, key(2), key(1)))
	require.Empty(t, cmp.Diff(want, contents(s)))
	require.NoError(t, s.Sync(), "nothing was written, but there is something to renew")
	require.EqualValues(t, 1, s.Stats().Snapshots)
	d = d.Image().Boot()

	s = mustNew(t, withKeys(t, d, key(2)))
	require.Empty(t, cmp.Diff(want, contents(s)))
	require.NoError(t, s.Sync())
	require.Zero(t, s.Stats().Snapshots, "nothing left to renew")
	require.NoError(t, s.Close())
	_, err := store.New(withKeys(t, d, key(1)))
	require.Error(t, err, "the old key opens the newest snapshot no more")

	// The generation before is still sealed with the old key: without that
	// it can't be gone back to, and this is told.
	img := d.Image()
	img[newer][100] ^= 1
	_, err = store.New(withKeys(t, img.Boot(), key(2)))
	require.ErrorContains(t, err, "can't decode")
	require.Empty(t, cmp.Diff(want, contents(mustNew(t, withKeys(t, img.Boot(), key(2), key(1))))))
}

// Keys of one type that look alike do not become one, and those that do not
// survive the codec are refused.
func TestKeysSurviveTheCodec(t *testing.T) {
	o := store.Options[any, int]{Clock: storetest.NewClock(t), Persist: persist.Config{FS: disk.New(), Dir: storeDir}}
	s := mustNew(t, o)
	require.NoError(t, s.Set("1", 1))
	require.ErrorIs(t, s.Set(1, 2), store.ErrInvalidKey, "JSON makes a float64 of it")
	require.NoError(t, s.Set(1.0, 3))
	require.ErrorIs(t, s.Set([2]int{1, 2}, 4), store.ErrInvalidKey)
	s = reopen(t, s, o)
	require.Empty(t, cmp.Diff(map[any]int{"1": 1, 1.0: 3}, contents(s)))

	o2 := options(t, disk.New())
	s2 := mustNew(t, o2)
	require.ErrorIs(t, s2.Set("\xff", 1), store.ErrInvalidKey, "JSON makes U+FFFD of it")
	require.NoError(t, s2.Set("\ufffd", 2))
	s2 = reopen(t, s2, o2)
	require.Empty(t, cmp.Diff(map[string]int{"\ufffd": 2}, contents(s2)))

	o2 = options(t, disk.New())
	o2.Persist.Codec = persist.Gob{}
	s2 = mustNew(t, o2)
	require.NoError(t, s2.Set("\xff", 1))
	require.NoError(t, s2.Set("\xfe", 2))
	require.NoError(t, s2.Set("", 3))
	s2 = reopen(t, s2, o2)
	require.Empty(t, cmp.Diff(map[string]int{"\xff": 1, "\xfe": 2, "": 3}, contents(s2)))
}

// A value is saved as it was handed over, and one that can't be encoded fails
// its own Set and nothing else.
func TestValuesAreEncodedWhenSet(t *testing.T) {
	o := store.Options[string, any]{Clock: storetest.NewClock(t), Persist: persist.Config{FS: disk.New(), Dir: storeDir}}
	s := mustNew(t, o)
	cart := map[string]any{"ware": "one"}
	require.NoError(t, s.Set("a", cart))
	require.NoError(t, s.Snapshot(context.Background()))
	cart["ware"] = "another"
	cart["self"] = func() {}
	for _, bad := range []any{func() {}, make(chan int), cart} {
		err := s.Set("a", bad)
		var unsupported *json.UnsupportedTypeError
		require.ErrorAs(t, err, &unsupported)
		require.False(t, strings.Contains(err.Error(), "ware"))
	}
	m, _ := s.Metadata("a")
	require.EqualValues(t, 1, m.Revision)
	require.NoError(t, s.Set("b", nil))
	require.NoError(t, s.Snapshot(context.Background()))
	s = reopen(t, s, o)
	require.Empty(t, cmp.Diff(map[string]any{"a": map[string]any{"ware": "one"}, "b": nil}, contents(s)))
}
