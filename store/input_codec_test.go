package store_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/persist"
	"github.com/latchkey-go/latchkey/store"
)

// hooked is JSON with somebody who looks on, and may object.
type hooked struct {
	persist.JSON
	marshal   func(v any) error       // nil = nobody looks
	unmarshal func(data []byte) error // nil = nobody looks
}

func (c *hooked) Marshal(v any) ([]byte, error) {
	if c.marshal != nil {
		if err := c.marshal(v); err != nil {
			return nil, err
		}
	}
	return c.JSON.Marshal(v)
}

func (c *hooked) Unmarshal(data []byte, v any) error {
	if c.unmarshal != nil {
		if err := c.unmarshal(data); err != nil {
			return err
		}
	}
	return c.JSON.Unmarshal(data, v)
}

// unlucky is the value that codecs here fail for, and part of no other text.
const unlucky = 13_131_313

var errUnlucky = errors.New("no 13131313 here")

// failures are the ways to fail for one value. told says whether the cause can
// be had from the error.
var failures = []struct {
	name string
	fail func() error
	told bool
}{
	{"an error", func() error { return errUnlucky }, true},
	{"a panic with an error", func() error { panic(errUnlucky) }, true},
	{"a panic with a text", func() error { panic(errUnlucky.Error()) }, false},
	{"a panic of the runtime", func() error { return make([]error, 1)[max(unlucky, 1)] }, false},
}

// requireFailed checks the error of a call that a codec made fail.
func requireFailed(t *testing.T, told bool, err error) {
	t.Helper()
	require.ErrorContains(t, err, "codec")
	require.NotContains(t, err.Error(), "13131313")
	require.NotContains(t, err.Error(), "the-key")
	require.Error(t, errors.Unwrap(err))
	require.Equal(t, told, errors.Is(err, errUnlucky))
}

// A value that can't be encoded fails the call that brings it, and nothing else.
func TestCodecFailsForOneValue(t *testing.T) {
	calls := map[string]func(s *store.Store[string, int], key string, value int) error{
		"SetIfAbsent": func(s *store.Store[string, int], _ string, value int) error {
			_, err := s.SetIfAbsent("the-key-that-is-new", value)
			return err
		},
		"Lease.Set": func(s *store.Store[string, int], key string, value int) error {
			l, err := s.TryLock(key, 0)
			if err != nil {
				return err
			}
			return errors.Join(l.Set(value), l.Unlock())
		},
	}
	for name, call := range overwrites {
		calls[name] = call
	}
	for _, f := range failures {
		for name, call := range calls {
			t.Run(f.name+"/"+name, func(t *testing.T) {
				codec := &hooked{marshal: func(v any) error {
					if v == unlucky {
						return f.fail()
					}
					return nil
				}}
				o := inFolder(folder(t))
				o.Persist.Codec = codec
				s := open(t, o)
				set(t, s, "the-key", "other")
				err := call(s, "the-key", unlucky)
				if joined, ok := err.(interface{ Unwrap() []error }); ok {
					err = joined.Unwrap()[0]
				}
				requireFailed(t, f.told, err)
				want := map[string]int{"the-key": 1, "other": 2}
				require.Equal(t, want, content(s))
				m, _ := s.Metadata("the-key")
				require.EqualValues(t, 1, m.Revision)

				require.NoError(t, s.Snapshot(t.Context()))
				require.NoError(t, s.Set("the-key", 3))
				require.NoError(t, s.Close())
				want["the-key"] = 3
				require.Equal(t, want, content(open(t, o)))
			})
		}
	}
}

// Without a folder nobody is asked, until there is an Export.
func TestCodecFailsInExport(t *testing.T) {
	for _, f := range failures {
		t.Run(f.name, func(t *testing.T) {
			codec := &hooked{marshal: func(v any) error {
				if v == unlucky {
					return f.fail()
				}
				return nil
			}}
			s := open(t, options{Persist: persist.Config{Codec: codec}})
			set(t, s, "a", "b")
			require.NoError(t, s.Set("the-key", unlucky))
			requireFailed(t, f.told, s.Export(new(bytes.Buffer)))
			require.Equal(t, 3, s.Len())

			require.NoError(t, s.Delete("the-key"))
			var export bytes.Buffer
			require.NoError(t, s.Export(&export))
			require.NoError(t, s.Clear())
			require.NoError(t, s.Import(&export))
			require.Equal(t, map[string]int{"a": 1, "b": 2}, content(s))
		})
	}
}

// A value that can't be decoded stops a restore, which leaves the folder as it
// is, and an Import, which leaves the store as it is.
func TestCodecFailsInRestore(t *testing.T) {
	for _, f := range failures {
		t.Run(f.name, func(t *testing.T) {
			codec := &hooked{unmarshal: func(data []byte) error {
				if string(data) == "13131313" {
					return f.fail()
				}
				return nil
			}}
			o := inFolder(saved(t, "a", "b"))
			s := open(t, o)
			require.NoError(t, s.Set("the-key", unlucky))
			var export bytes.Buffer
			require.NoError(t, s.Export(&export))
			require.NoError(t, s.Close())
			before := files(t, o.Persist.Dir)

			picky := o
			picky.Persist.Codec = codec
			_, err := store.New(picky)
			require.Equal(t, f.told, errors.Is(err, errUnlucky))
			require.ErrorContains(t, err, "codec")
			require.NotContains(t, err.Error(), "13131313")
			require.NotErrorIs(t, err, persist.ErrCorrupt)
			require.Equal(t, before, files(t, o.Persist.Dir))
			require.Equal(t, 3, open(t, o).Len())

			other := open(t, options{Persist: persist.Config{Codec: codec}})
			set(t, other, "mine")
			requireFailed(t, f.told, other.Import(&export))
			require.Equal(t, map[string]int{"mine": 1}, content(other))
		})
	}
}

// byKey is every method that takes a key, as one that returns an error; what
// returns none must find nothing.
func byKey[K comparable](s *store.Store[K, int], key K) map[string]error {
	get := func(_ int, err error) error { return err }
	found := func(ok bool) error {
		if ok {
			return errStill
		}
		return store.ErrInvalidKey
	}
	all := map[string]error{
		"Get":           get(s.Get(key)),
		"Set":           s.Set(key, 2),
		"SetWithTTL":    s.SetWithTTL(key, 2, store.NoExpiry),
		"CompareAndSet": s.CompareAndSet(key, 0, 2),
		"Update":        get(s.Update(key, func(int, bool) (int, error) { return 2, errors.New("f ran") })),
		"Touch":         s.Touch(key),
		"Delete":        s.Delete(key),
		"Has":           found(s.Has(key)),
		"ForceUnlock":   found(s.ForceUnlock(key)),
	}
	_, all["Entry"] = s.Entry(key)
	_, all["SetIfAbsent"] = s.SetIfAbsent(key, 2)
	_, all["TryLock"] = s.TryLock(key, 0)
	_, all["Lock"] = s.Lock(context.Background(), key, 0)
	_, all["Resume"] = s.Resume(key, 1)
	_, ok := s.Peek(key)
	all["Peek"] = found(ok)
	_, ok = s.Metadata(key)
	all["Metadata"] = found(ok)
	_, ok = s.Status(key)
	all["Status"] = found(ok)
	return all
}

// testInvalidKeys checks that bad keys are refused everywhere, and good ones of
// the same type are not.
func testInvalidKeys[K comparable](t *testing.T, name string, good K, bad ...K) {
	t.Run(name, func(t *testing.T) {
		s := open(t, store.Options[K, int]{Capacity: 2})
		require.NoError(t, s.Set(good, 1))
		for _, key := range bad {
			for method, err := range byKey(s, key) {
				require.Same(t, store.ErrInvalidKey, err, method)
			}
		}
		require.Equal(t, map[K]int{good: 1}, content(s))
		require.NoError(t, s.Touch(good))
	})
}

type (
	point struct {
		name string
		x, y float64
	}
	boxed  struct{ any }
	named  interface{ Name() string }
	plain  string
	listed []string
)

func (p plain) Name() string  { return string(p) }
func (l listed) Name() string { return l[0] }

func TestInvalidKeys(t *testing.T) {
	nan := math.NaN()
	testInvalidKeys(t, "float64", math.Inf(1), nan, -nan)
	testInvalidKeys(t, "float32", float32(0), float32(nan))
	testInvalidKeys(t, "complex128", 1i, complex(nan, 0), complex(0, nan))
	testInvalidKeys(t, "struct", point{"a", 1, 2}, point{"a", 1, nan}, point{y: nan})
	testInvalidKeys(t, "array", [3]float64{}, [3]float64{0, 0, nan})
	testInvalidKeys(t, "array of structs", [2]point{}, [2]point{{}, {x: nan}})
	testInvalidKeys(t, "any", any("a"), any(nan), any([]int{1}), any(map[int]int{}), any(func() {}),
		any(boxed{[]int{}}), any([1]any{nan}), any(point{x: nan}))
	testInvalidKeys(t, "struct with any", boxed{1}, boxed{nan}, boxed{[]int{}}, boxed{boxed{func() {}}})
	testInvalidKeys(t, "interface", named(plain("a")), named(listed{"a"}))
}

// A key that its codec makes another one of would meet that one's entry after a
// restart.
func TestKeysThatTheCodecLoses(t *testing.T) {
	o := inFolder(folder(t))
	s := open(t, o)
	set(t, s, "good", "\ufffd")
	for _, key := range []string{"\xff", "a\xc3", "\xed\xa0\x80"} {
		require.ErrorIs(t, s.Set(key, 3), store.ErrInvalidKey)
		require.False(t, s.Has(key))
	}
	require.NoError(t, s.Close())
	require.Equal(t, map[string]int{"good": 1, "\ufffd": 2}, content(open(t, o)))

	o = inFolder(folder(t))
	o.Persist.Codec = persist.Gob{}
	s = open(t, o)
	set(t, s, "\xff", "\xfe", "\ufffd")
	require.NoError(t, s.Close())
	require.Equal(t, map[string]int{"\xff": 1, "\xfe": 2, "\ufffd": 3}, content(open(t, o)))

	unexported := open(t, store.Options[point, int]{Persist: persist.Config{Dir: folder(t)}})
	require.ErrorIs(t, unexported.Set(point{name: "a"}, 1), store.ErrInvalidKey)
	require.NoError(t, unexported.Set(point{}, 1))
}

// nameless has the ID that it says.
type nameless struct {
	persist.JSON
	id func() string
}

func (c nameless) ID() string { return c.id() }

func TestCodecsWithoutID(t *testing.T) {
	for want, id := range map[string]func() string{
		"codec store_test.nameless has no ID; it must name its encoding": func() string { return "" },
		"codec can't tell its ID": func() string { panic("none") },
	} {
		o := inFolder(folder(t))
		o.Persist.Codec = nameless{id: id}
		_, err := store.New(o)
		require.ErrorContains(t, err, want)
		require.NoDirExists(t, o.Persist.Dir)
	}
}

// Who opens a folder with another key of Encrypt is told what to do.
func TestOtherEncryptionKey(t *testing.T) {
	o := inFolder(folder(t))
	sealed := func(key byte) options {
		codec, err := persist.Encrypt(persist.JSON{}, bytes.Repeat([]byte{key}, persist.KeySize))
		require.NoError(t, err)
		o.Persist.Codec = codec
		return o
	}
	s := open(t, sealed(1))
	set(t, s, "a")
	require.NoError(t, s.Close())
	_, err := store.New(sealed(2))
	require.EqualError(t, err, "store: folder "+o.Persist.Dir+": codec can't decode a stored key as one of this type: "+
		"persist: none of the keys given to Encrypt opens it; add the one it was sealed with")
	require.Equal(t, map[string]int{"a": 1}, content(open(t, sealed(1))))
}

// A value that is of another type now has the codec's own error in its chain.
func TestOtherTypeUnderTheSameSchema(t *testing.T) {
	o := inFolder(folder(t))
	o.Persist.Schema = "kept"
	s := open(t, o)
	set(t, s, "a")
	require.NoError(t, s.Close())
	_, err := store.New(store.Options[string, []string]{Persist: o.Persist})
	require.ErrorContains(t, err, "codec can't decode a stored value as one of this type (*json.UnmarshalTypeError")
	var cause *json.UnmarshalTypeError
	require.ErrorAs(t, err, &cause)
	require.Error(t, errors.Unwrap(err))
}
