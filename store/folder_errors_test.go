package store_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/persist"
	"github.com/latchkey-go/latchkey/store"
)

// requireOfFolder makes sure that an error says of which folder it is, once, and
// nothing of what is in it.
func requireOfFolder(t *testing.T, err error, dir string) {
	t.Helper()
	require.Error(t, err)
	require.Equal(t, 1, strings.Count(err.Error(), dir+":"), err)
	require.LessOrEqual(t, strings.Count(strings.ReplaceAll(err.Error(), dir, ""), "store: "), 1, err)
	requireNoSecret(t, err.Error())
}

// Whatever is wrong with what a folder holds, the error of opening it names the folder.
func TestErrorsNameTheFolder(t *testing.T) {
	errCodec := errors.New("codec: I will not have it")
	refuse := func(part string) persist.Codec {
		return &hooked{unmarshal: func(data []byte) error {
			if strings.Contains(string(data), part) {
				return fmt.Errorf("%s: %w", data, errCodec)
			}
			return nil
		}}
	}
	type stringOptions = store.Options[string, string]
	for name, test := range map[string]struct {
		spoil func(o *stringOptions)
		want  error
	}{
		"a key":   {func(o *stringOptions) { o.Persist.Codec = refuse(secretKey) }, errCodec},
		"a value": {func(o *stringOptions) { o.Persist.Codec = refuse(secretValue) }, errCodec},
		"a codec that panics": {func(o *stringOptions) {
			o.Persist.Codec = &hooked{unmarshal: func(data []byte) error { panic(fmt.Errorf("%s: %w", data, errCodec)) }}
		}, errCodec},
		"a Weigher that panics": {func(o *stringOptions) {
			o.Weigher = func(key, value string) uint32 { panic(fmt.Errorf("%s %s: %w", key, value, errCodec)) }
		}, errCodec},
		"keys that become one": {func(o *stringOptions) { o.Persist.Codec = forgetful{} }, persist.ErrCorrupt},
		"no room":              {func(o *stringOptions) { o.Capacity = 1 }, store.ErrFull},
		"another codec":        {func(o *stringOptions) { o.Persist.Codec = persist.Gob{} }, persist.ErrCodecMismatch},
		"another type":         {func(o *stringOptions) { o.Persist.Schema = "other" }, persist.ErrTypeMismatch},
	} {
		t.Run(name, func(t *testing.T) {
			o := stringOptions{Persist: persist.Config{Dir: folder(t)}}
			s := open(t, o)
			for _, n := range []string{"1", "2"} {
				require.NoError(t, s.Set(secretKey+n, secretValue+n))
				_, err := s.TryLock(secretKey+n, 0)
				require.NoError(t, err)
			}
			require.NoError(t, s.Close())
			test.spoil(&o)
			_, err := store.New(o)
			require.ErrorIs(t, err, test.want)
			requireOfFolder(t, err, o.Persist.Dir)
		})
	}
}

// forgetful is JSON whose keys are all one when they are decoded.
type forgetful struct{ persist.JSON }

func (c forgetful) Unmarshal(data []byte, v any) error {
	if text, ok := v.(*string); ok && strings.Contains(string(data), secretKey) {
		*text = "one"
		return nil
	}
	return c.JSON.Unmarshal(data, v)
}

// So does the error of one value that is decoded later, when it is read.
func TestErrorsOfReadingNameTheFolder(t *testing.T) {
	var log logged
	o := store.Options[string, string]{Capacity: manyEntries, Persist: persist.Config{Dir: folder(t)}}
	s := open(t, o)
	const key = secretKey + "4998"
	for i := range manyEntries {
		value := "good"
		if i == 4998 {
			value = secretValue
		}
		require.NoError(t, s.Set(fmt.Sprint(secretKey, i), value))
	}
	require.NoError(t, s.Close())
	o.Logger, o.Persist.Codec = log.logger(), quoting(secretValue, failing)
	s = open(t, o)
	_, err := s.Get(key)
	requireOfFolder(t, err, o.Persist.Dir)
	_, ok := s.Peek(key)
	require.False(t, ok)
	for _, err := range s.Shared().All(t.Context()) {
		if err != nil {
			requireOfFolder(t, err, o.Persist.Dir)
		}
	}
	require.Len(t, content(s), manyEntries-1)
	require.Contains(t, log.String(), o.Persist.Dir)
	requireNoSecret(t, log.String())
}

// An import is of no folder, and its errors name none.
func TestErrorsOfImportNameNoFolder(t *testing.T) {
	o := store.Options[string, string]{Persist: persist.Config{Dir: folder(t)}}
	s := open(t, o)
	require.NoError(t, s.Set(secretKey, secretValue))
	require.NoError(t, s.Snapshot(t.Context()))
	path := snapshots(t, o.Persist.Dir)
	in, err := os.Open(path[len(path)-1])
	require.NoError(t, err)
	o.Persist.Dir, o.Persist.Codec = folder(t), quoting(secretValue, failing)
	err = open(t, o).Import(in)
	require.ErrorContains(t, err, "codec can't decode a stored value")
	require.NotContains(t, err.Error(), "folder")
	require.NoError(t, in.Close())
}
