package persist_test

import (
	"fmt"
	"reflect"
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

type (
	visitV1 struct {
		User  string
		Count int
	}
	visitV2 struct {
		User  string
		Count int
		Since time.Time
	}
	visitV3 struct {
		Count string
	}
	tree struct {
		Name string
		Kids []*tree
	}
	forest   map[string]forest
	withAny  struct{ V any }
	lossless struct {
		User  string `json:"u"`
		Count int    `json:"c"`
	}
)

func describe(t testing.TB, v any) (persist.Codec, []byte) {
	c, description, err := persist.Gob{}.Describe(v)
	require.NoError(t, err)
	return c, description
}

// A description spares most of a value's encoding, and any value of the type comes
// back by it.
func TestGobDescribed(t *testing.T) {
	big := visitV2{User: strings.Repeat("x", 1<<17), Count: -1, Since: goldenTime}
	for _, v := range []any{
		"text", "", 7, -1 << 60, uint8(3), 1.5, true,
		[]byte{1, 0},
		[2]string{"a", ""},
		map[string]int{"a": 1},
		visitV1{"Ada", 1},
		visitV1{},
		visitV2{Since: goldenTime},
		big, goldenTime, time.Hour,
		tree{"root", []*tree{{Name: "leaf"}, {"branch", []*tree{{Name: "twig"}}}}},
		[]visitV1{{"Ada", 1}, {}},
		map[int][]tree{1: {{Name: "x"}}},
	} {
		into := func() reflect.Value { return reflect.New(reflect.TypeOf(v)) }
		c, description := describe(t, into().Interface())
		require.NotNil(t, c, "%T", v)
		require.Equal(t, "gob", c.ID())
		data, err := c.Marshal(v)
		require.NoError(t, err)
		whole, err := persist.Gob{}.Marshal(v)
		require.NoError(t, err)
		require.Less(t, len(data), len(whole))
		again, same, err := persist.Gob{}.Described(into().Interface(), description)
		require.NoError(t, err)
		require.True(t, same)
		for _, c := range []persist.Codec{c, again} {
			got := into()
			require.NoError(t, c.Unmarshal(data, got.Interface()))
			require.Empty(t, cmp.Diff(v, got.Elem().Interface()))
		}
	}
}

// Types whose values bring definitions of their own are encoded as before.
func TestGobThatIsNotDescribed(t *testing.T) {
	for _, v := range []any{new(any), new(withAny), new([]any), new(map[string]withAny), new(chan int)} {
		c, description := describe(t, v)
		require.Nil(t, c, "%T", v)
		require.Nil(t, description)
	}
	c, _ := describe(t, new(*visitV1))
	require.NotNil(t, c)
	_, err := func() (data []byte, err error) {
		defer func() { err = fmt.Errorf("%v", recover()) }()
		return c.Marshal((*visitV1)(nil))
	}()
	require.ErrorContains(t, err, "nil pointer")
	data, err := c.Marshal(&visitV1{"Ada", 2})
	require.NoError(t, err, "what came before is no hindrance")
	var v *visitV1
	require.NoError(t, c.Unmarshal(data, &v))
	require.Equal(t, &visitV1{"Ada", 2}, v)
}

// A type that has changed is noticed, and what was encoded before can be decoded
// as far as gob can.
func TestGobOfAnotherForm(t *testing.T) {
	c, description := describe(t, new(visitV1))
	data, err := c.Marshal(visitV1{"Ada", 2})
	require.NoError(t, err)

	newer, same, err := persist.Gob{}.Described(new(visitV2), description)
	require.NoError(t, err)
	require.False(t, same)
	var v visitV2
	require.NoError(t, newer.Unmarshal(data, &v))
	require.Equal(t, visitV2{User: "Ada", Count: 2}, v)

	_, same, err = persist.Gob{}.Described(new(lossless), description)
	require.NoError(t, err)
	require.True(t, same, "names of types and tags do not count")

	_, _, err = persist.Gob{}.Described(new(visitV3), description)
	require.Error(t, err, "no field fits")
	_, ok, _ := persist.Gob{}.Described(new(forest), description)
	require.False(t, ok)
	for n := range description {
		_, _, _ = persist.Gob{}.Described(new(visitV1), description[:n])
	}
}

// A store of gob values whose type has got a field goes on, in a journal too; what
// it restores is encoded anew, in a snapshot, before anything else.
func TestStoreOfAnotherForm(t *testing.T) {
	for _, sync := range []persist.Sync{persist.Always, persist.OnSnapshot} {
		d := disk.New()
		config := func(d *disk.Disk) persist.Config {
			return persist.Config{Dir: storeDir, FS: d, Sync: sync, Codec: persist.Gob{}, Schema: "visits"}
		}
		clock := storetest.NewClock(t)
		older := mustNew(t, store.Options[string, visitV1]{Clock: clock, Persist: config(d)})
		require.NoError(t, older.Set("a", visitV1{"Ada", 1}))
		require.NoError(t, older.Set("b", visitV1{"Bob", 2}))
		require.NoError(t, older.Sync())
		d = d.Crash(disk.KeepNone).Boot()
		newer := mustNew(t, store.Options[string, visitV2]{Clock: clock, Persist: config(d)})
		require.Equal(t, sync == persist.Always, newer.Stats().Snapshots == 1)
		require.NoError(t, newer.Set("a", visitV2{"Ada", 2, goldenTime}))
		require.NoError(t, newer.Sync())
		d = d.Crash(disk.KeepNone).Boot()
		again := mustNew(t, store.Options[string, visitV2]{Clock: clock, Persist: config(d)})
		require.Zero(t, again.Stats().Snapshots, "nothing left to renew")
		require.Empty(t, cmp.Diff(map[string]visitV2{"a": {"Ada", 2, goldenTime}, "b": {User: "Bob", Count: 2}}, contents(again)))
	}
}

// The description is sealed like what it describes.
func TestSealedDescription(t *testing.T) {
	c := encrypt(t, persist.Gob{}, key(1), key(2)).(persist.Describer)
	sealed, description, err := c.Describe(new(visitV1))
	require.NoError(t, err)
	require.NotContains(t, string(description), "Count")
	data, err := sealed.Marshal(visitV1{"Ada", 2})
	require.NoError(t, err)
	rotated := encrypt(t, persist.Gob{}, key(3), key(1)).(persist.Describer)
	reader, same, err := rotated.Described(new(visitV1), description)
	require.NoError(t, err)
	require.True(t, same)
	var v visitV1
	require.NoError(t, reader.Unmarshal(data, &v))
	require.Equal(t, visitV1{"Ada", 2}, v)
	require.True(t, reader.(persist.Renewer).Stale(data))
	_, _, err = encrypt(t, persist.Gob{}, key(2)).(persist.Describer).Described(new(visitV1), description)
	require.ErrorContains(t, err, "none of the keys given to Encrypt opens it")
	none, description, err := encrypt(t, persist.JSON{}, key(1)).(persist.Describer).Describe(new(visitV1))
	require.NoError(t, err)
	require.Nil(t, none)
	require.Nil(t, description)
}
