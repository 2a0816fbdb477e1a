package store_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/internal/disk"
	"github.com/latchkey-go/latchkey/persist"
	"github.com/latchkey-go/latchkey/store"
)

// manyEntries is more than are decoded at once when a store is opened.
const manyEntries = 5000

// restored returns the options of a store that finds many entries in its folder,
// with values that are their keys' numbers, or what value makes of them.
func restored(t testing.TB, codec persist.Codec, value func(i int) int) options {
	d := disk.New()
	o := journaled(d, persist.EverySecond)
	o.Capacity, o.Persist.Codec = 2*manyEntries, persist.JSON{}
	s := open(t, o)
	for i := range manyEntries {
		require.NoError(t, s.Set(fmt.Sprint("key-", i), value(i)))
	}
	require.NoError(t, s.Close())
	o.Persist.FS, o.Persist.Codec = d.Image().Boot(), codec
	return o
}

func same(i int) int { return i }

// Values are decoded when they are first read, once each.
func TestValuesAreDecodedWhenRead(t *testing.T) {
	var decoded atomic.Int64
	codec := &hooked{unmarshal: func(data []byte) error {
		if !strings.Contains(string(data), "key") {
			decoded.Add(1)
		}
		return nil
	}}
	s := open(t, restored(t, codec, same))
	require.Less(t, decoded.Load(), int64(manyEntries/2))
	require.Equal(t, manyEntries, s.Len())
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for i := range manyEntries {
				v, err := s.Get(fmt.Sprint("key-", i))
				if err != nil || v != i {
					t.Errorf("key-%d: %d, %v", i, v, err)
				}
			}
		})
	}
	all.Wait()
	before := decoded.Load()
	require.GreaterOrEqual(t, before, int64(manyEntries))
	require.Len(t, content(s), manyEntries)
	require.Equal(t, before, decoded.Load(), "they are kept")
}

// Whatever reads a value gets it decoded.
func TestEveryReaderDecodes(t *testing.T) {
	const key, last = "key-4999", 4999
	for name, read := range map[string]func(s *store.Store[string, int]) (int, error){
		"Get":   func(s *store.Store[string, int]) (int, error) { return s.Get(key) },
		"Entry": func(s *store.Store[string, int]) (int, error) { e, err := s.Entry(key); return e.Value, err },
		"Peek":  func(s *store.Store[string, int]) (int, error) { v, _ := s.Peek(key); return v, nil },
		"All":   func(s *store.Store[string, int]) (int, error) { return content(s)[key], nil },
		"Update": func(s *store.Store[string, int]) (seen int, err error) {
			_, err = s.Update(key, func(old int, _ bool) (int, error) { seen = old; return old, nil })
			return seen, err
		},
		"Lease.Get": func(s *store.Store[string, int]) (int, error) {
			l, err := s.TryLock(key, 0)
			if err != nil {
				return 0, err
			}
			return l.Get()
		},
	} {
		t.Run(name, func(t *testing.T) {
			v, err := read(open(t, restored(t, persist.JSON{}, same)))
			require.NoError(t, err)
			require.Equal(t, last, v)
		})
	}
	for name, remove := range map[string]func(s *store.Store[string, int]) error{
		"Delete":  func(s *store.Store[string, int]) error { return s.Delete(key) },
		"Set":     func(s *store.Store[string, int]) error { return s.Set(key, 0) },
		"Clear":   (*store.Store[string, int]).Clear,
		"Resize":  func(s *store.Store[string, int]) error { _, err := s.Resize(1); return err },
		"Resize2": func(s *store.Store[string, int]) error { _, err := s.Resize(manyEntries - 10); return err },
	} {
		t.Run("OnRemove of "+name, func(t *testing.T) {
			var gone removals[string, int]
			o := restored(t, persist.JSON{}, same)
			o.OnRemove = gone.add
			require.NoError(t, remove(open(t, o)))
			events := gone.take()
			require.NotEmpty(t, events)
			for _, r := range events {
				require.Equal(t, r.Key, fmt.Sprint("key-", r.Value))
			}
		})
	}
}

// A value that can't be decoded is told to those who read it, and is in nobody
// else's way; what was written stays in the folder.
func TestOneValueCannotBeDecoded(t *testing.T) {
	const bad = 4998
	var log logged
	var gone removals[string, int]
	value := func(i int) int {
		if i == bad {
			return unlucky
		}
		return i
	}
	o := restored(t, &hooked{unmarshal: func(data []byte) error {
		if strings.Contains(string(data), "13131313") {
			return errUnlucky
		}
		return nil
	}}, value)
	o.Logger, o.OnRemove = log.logger(), gone.add
	s := open(t, o)
	const key = "key-4998"
	_, err := s.Get(key)
	requireFailed(t, true, err)
	_, err = s.Update(key, func(int, bool) (int, error) { return 1, nil })
	requireFailed(t, true, err)
	_, ok := s.Peek(key)
	require.False(t, ok)
	require.True(t, s.Has(key))
	require.Equal(t, manyEntries, s.Len())
	require.Len(t, content(s), manyEntries-1)
	require.Contains(t, log.String(), "can't be decoded")
	require.NotContains(t, log.String(), "13131313")
	require.NotContains(t, log.String(), key)
	l, err := s.TryLock(key, 0)
	require.NoError(t, err)
	_, err = l.Get()
	requireFailed(t, true, err)
	require.NoError(t, l.Unlock())

	d := o.Persist.FS.(*disk.Disk)
	require.NoError(t, s.Snapshot(t.Context()))
	o2 := o
	o2.Persist.FS, o2.Persist.Codec = d.Image().Boot(), persist.JSON{}
	v, err := open(t, o2).Get(key)
	require.NoError(t, err, "with a codec that can")
	require.Equal(t, unlucky, v)

	require.NoError(t, s.Delete(key))
	require.Equal(t, []removed{{Key: key, Value: 0, Reason: store.ReasonDeleted}}, gone.take(), "it is gone all the same")
}

// A codec that fits none of the values is told when the store is opened.
func TestNoValueCanBeDecoded(t *testing.T) {
	refuses := errors.New("not of mine")
	o := restored(t, &hooked{unmarshal: func(data []byte) error {
		if !strings.Contains(string(data), "key") {
			return refuses
		}
		return nil
	}}, same)
	_, err := store.New(o)
	require.ErrorIs(t, err, refuses)
	require.ErrorContains(t, err, "decode a stored value")
}

// An entry may go while its value is being decoded.
func TestRemovalWhileAValueIsDecoded(t *testing.T) {
	for name, remove := range map[string]func(s *store.Store[string, int]) error{
		"Delete": func(s *store.Store[string, int]) error { return s.Delete("key-4999") },
		"Clear":  func(s *store.Store[string, int]) error { return s.Clear() },
		"Delete and Set": func(s *store.Store[string, int]) error {
			return errors.Join(s.Delete("key-4999"), s.Set("key-4999", 1))
		},
	} {
		t.Run(name, func(t *testing.T) {
			var s *store.Store[string, int]
			codec := &hooked{unmarshal: func(data []byte) error {
				if s != nil && string(data) == "4999" {
					return remove(s)
				}
				return nil
			}}
			s = open(t, restored(t, codec, same))
			value, err := s.Get("key-4999")
			if name == "Delete and Set" {
				require.NoError(t, err)
				require.Equal(t, 1, value)
			} else {
				require.Equal(t, store.ErrNotFound, err)
			}
		})
	}
}
