package store_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/persist"
	"github.com/latchkey-go/latchkey/store"
	"github.com/latchkey-go/latchkey/storetest"
)

// What stands in each key and value here, and in nothing else.
const (
	secretKey   = "Kiwi"
	secretValue = "Vine"
)

type secretStore = store.Store[string, string]

// quoting is a codec whose errors and panics tell all they know, for what says
// that it is bad.
func quoting(bad string, fail func(text string) error) *hooked {
	object := func(text string) error {
		if bytes.Contains([]byte(text), []byte(bad)) {
			return fail(text)
		}
		return nil
	}
	return &hooked{
		marshal:   func(v any) error { return object(fmt.Sprint(v)) },
		unmarshal: func(data []byte) error { return object(string(data)) },
	}
}

func failing(text string) error { return fmt.Errorf("I will not have %s", text) }

func panicking(text string) error { panic(failing(text)) }

// Whatever goes wrong, no error and no line of the log has a key or a value.
func TestSecrets(t *testing.T) {
	key := func(s string) string { return secretKey + s }
	value := func(s string) string { return secretValue + s }

	// misuse brings about the errors of a store's everyday life.
	misuse := func(t *testing.T, s *secretStore) (errs []error) {
		note := func(err error) { errs = append(errs, err) }
		require.NoError(t, s.Set(key("a"), value("1")))
		require.NoError(t, s.Set(key("b"), value("2"))) // evicts: OnRemove panics
		l := lock(t, s, key("b"))
		_, err := s.Get(key("none"))
		note(err)
		_, err = s.Get(key("b"))
		note(err)
		note(s.Set(key("b"), value("3")))
		note(s.Set(key("c"), value("3"))) // full
		_, err = s.TryLock(key("b"), -1)
		note(err)
		_, err = s.Resume(key("b"), 99)
		note(err)
		note(s.SetWithTTL(key("b"), value("3"), -1))
		note(s.Set(key("\xff"), value("3")))
		note(s.Set(key("bad"), value("3")))
		note(l.Set(value("bad")))
		require.NoError(t, l.Unlock())
		note(l.Set(value("4")))
		note(s.Set(key("b"), value("bad")))
		note(s.CompareAndSet(key("b"), 99, value("3")))
		_, err = s.Update(key("b"), func(old string, _ bool) (string, error) { return old + "bad", nil })
		note(err)
		errs = append(errs, errors.New(s.String()))
		return errs
	}

	for name, fail := range map[string]func(string) error{"errors": failing, "panics": panicking} {
		t.Run(name, func(t *testing.T) {
			var log logged
			clock := storetest.NewClock(t)
			good := store.Options[string, string]{
				Capacity: 1, Logger: log.logger(), Clock: clock,
				Persist:  persist.Config{Dir: folder(t), SnapshotInterval: time.Minute},
				OnRemove: func(r store.Removal[string, string]) { panic(fmt.Errorf("I had %v", r)) },
			}
			picky := good
			picky.Persist.Codec = quoting("bad", fail)
			s := open(t, picky)
			errs := misuse(t, s)
			note := func(err error) { errs = append(errs, err) }
			require.NoError(t, s.Snapshot(t.Context()))

			// A folder in use, then a snapshot with what can't be decoded.
			_, err := store.New(good)
			note(err)
			require.NoError(t, s.Close())
			s = open(t, good)
			require.NoError(t, s.Set(key("bad"), value("bad")))
			export := exported(t, s)
			require.NoError(t, s.Close())
			_, err = store.New(picky)
			note(err)
			memory := store.Options[string, string]{Persist: persist.Config{Codec: picky.Persist.Codec}}
			note(open(t, memory).Import(bytes.NewReader(export)))
			memory.Logger = log.logger()
			s = open(t, memory)
			require.NoError(t, s.Set(key("bad"), value("5")))
			note(s.Export(new(bytes.Buffer)))

			// Other types under the same name, and a damaged import.
			numbers := store.Options[string, int]{Logger: log.logger(), Persist: good.Persist}
			_, err = store.New(numbers)
			note(err)
			numbers.Persist.Schema = "string string"
			_, err = store.New(numbers)
			note(err)
			for i := range export {
				export[i] ^= 1
				note(open(t, memory).Import(bytes.NewReader(export)))
				export[i] ^= 1
			}

			// A damaged newest snapshot, and a smaller capacity.
			big := good
			big.Capacity = 10
			s = open(t, big)
			require.NoError(t, s.Set(key("c"), value("5")))
			require.NoError(t, s.Close())
			path := snapshots(t, good.Persist.Dir)
			newest := path[len(path)-1]
			require.NoError(t, os.WriteFile(newest, export, 0o600))
			s = open(t, good)
			require.Equal(t, 1, s.Stats().DamagedSnapshots)
			require.NoError(t, s.Set(key("d"), value("6")))

			// A disk that fails.
			require.NoError(t, os.RemoveAll(good.Persist.Dir))
			clock.Advance(time.Minute)
			require.NotZero(t, s.Stats().SnapshotErrors)
			note(s.Set(key("d"), value("7")))
			note(s.Delete(key("d")))
			note(s.Close())

			for _, err := range errs {
				require.Error(t, err)
				requireNoSecret(t, err.Error())
			}
			for _, part := range []string{"OnRemove", "still fails", "older snapshot"} {
				require.Contains(t, log.String(), part)
			}
			requireNoSecret(t, log.String())
		})
	}
}

func requireNoSecret(t *testing.T, text string) {
	t.Helper()
	require.NotContains(t, text, secretKey)
	require.NotContains(t, text, secretValue)
	require.NotContains(t, text, fmt.Sprintf("%x", secretKey))
	require.NotContains(t, text, fmt.Sprintf("%x", secretValue))
}

// A key or a value that is a number must not stand in the log as a stack's
// arguments in hex.
func TestSecretNumbers(t *testing.T) {
	const key, value = uint64(0xfeedfacecafe1234), uint64(0xabadcafe5678dead)
	var log logged
	s := open(t, store.Options[uint64, uint64]{
		Logger:   log.logger(),
		OnRemove: func(r store.Removal[uint64, uint64]) { tell(r.Key, r.Value) },
	})
	require.NoError(t, s.Set(key, value))
	require.NoError(t, s.Delete(key))
	require.Contains(t, log.String(), "OnRemove")
	require.NotContains(t, log.String(), "feedfacecafe1234")
	require.NotContains(t, log.String(), "abadcafe5678dead")
}

//go:noinline
func tell(key, value uint64) { panic(fmt.Sprint(key, value)) }
