package storetest_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"os"
	"os/exec"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/persist"
	"github.com/latchkey-go/latchkey/storetest"
)

type account struct {
	Name  string
	Until time.Time
	Roles map[string]bool
}

func examples() []any {
	return []any{
		"session-1",
		account{"ada", time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC), map[string]bool{"admin": true}},
		&account{Name: "pointed at"},
	}
}

func TestCodecOnGoodOnes(t *testing.T) {
	key := bytes.Repeat([]byte{7}, persist.KeySize)
	for _, inner := range []persist.Codec{persist.JSON{}, persist.Gob{}} {
		sealed, err := persist.Encrypt(inner, key)
		require.NoError(t, err)
		for _, c := range []persist.Codec{inner, sealed} {
			t.Run(c.ID(), func(t *testing.T) { storetest.Codec(t, c, examples()...) })
		}
	}
}

// What a codec refuses, or changes where it may, is told but is no fault.
func TestCodecNotes(t *testing.T) {
	faults, notes := storetest.Examine("", persist.JSON{})
	require.Empty(t, faults)
	all := strings.Join(notes, "\n")
	require.Contains(t, all, "string that is not UTF-8: comes back as another value")
	require.Contains(t, all, "infinity: refused: ")

	faults, notes = storetest.Examine("", persist.Gob{})
	require.Empty(t, faults)
	require.NotContains(t, strings.Join(notes, "\n"), "UTF-8")
}

func TestCodecDemandsTheUsersValues(t *testing.T) {
	faults, _ := storetest.Examine("", persist.JSON{}, math.NaN(), account{}, nil)
	require.Len(t, faults, 1)
	require.Contains(t, faults[0], "value 1 (float64): Marshal: ")
}

// broken is JSON but for what a test breaks.
type broken struct {
	id        func() string
	marshal   func(v any) ([]byte, error)
	unmarshal func(data []byte, v any) error
}

func (b broken) ID() string {
	if b.id != nil {
		return b.id()
	}
	return "broken"
}

func (b broken) Marshal(v any) ([]byte, error) {
	if b.marshal != nil {
		return b.marshal(v)
	}
	return json.Marshal(v)
}

func (b broken) Unmarshal(data []byte, v any) error {
	if b.unmarshal != nil {
		return b.unmarshal(data, v)
	}
	return json.Unmarshal(data, v)
}

func TestCodecFindsBrokenOnes(t *testing.T) {
	for _, test := range []struct {
		name  string
		codec persist.Codec
		check string // that must find it
		says  string
	}{
		{"no ID", broken{id: func() string { return "" }}, "ID", "empty"},
		{"an ID that is not UTF-8", broken{id: func() string { return "\xff" }}, "ID", "not UTF-8"},
		{"an ID that changes", changingID(), "ID", "files would not open again"},
		{"refuses all", broken{marshal: func(any) ([]byte, error) { return nil, errors.New("no") }}, "RoundTrip", "accepts nothing"},
		{"panics on all", broken{marshal: func(any) ([]byte, error) { panic("no") }}, "RoundTrip", "accepts nothing"},
		{"cannot read what it wrote", broken{unmarshal: func([]byte, any) error { return errors.New("no") }}, "RoundTrip", "Unmarshal of what Marshal made: no"},
		{"decodes nothing", broken{unmarshal: func([]byte, any) error { return nil }}, "RoundTrip", `string: went in as "session-42", came back as ""`},
		{"numbers through float64", broken{unmarshal: throughFloat}, "RoundTrip", "int64 above 2^53"},
		{"times to the second", broken{marshal: wholeSeconds}, "RoundTrip", "time: went in as"},
		{"long strings cut", broken{marshal: cutStrings}, "RoundTrip", "long string"},
		{"zero as an error", broken{unmarshal: refuseZero}, "RoundTrip", "zero struct"},
		{"changes the value", broken{marshal: changingMarshal}, "RoundTrip", "Marshal changed the value"},
		{"keeps the value", raw{}, "Ownership", "changes with the value it was given"},
		{"keeps the data", raw{copyOut: true}, "Ownership", "changes with the data it was given"},
		{"overwrites what it returned", reusing(), "Ownership", "overwritten by the next Marshal"},
		{"changes the data", broken{unmarshal: changingUnmarshal}, "Ownership", "Unmarshal changed the data"},
		{"panics on garbage", broken{unmarshal: panicking}, "Garbage", "panic: "},
		{"mixes up goroutines", mixing(), "Concurrent", "several goroutines"},
		{"always stale", renewing{stale: func([]byte) bool { return true }}, "Renewer", "for ever"},
		{"panics when asked for stale", renewing{stale: func([]byte) bool { panic("no") }}, "Renewer", "panic: no"},
		{"does not take its description", describing{described: func(any, []byte) (persist.Codec, bool, error) { return nil, false, errors.New("no") }}, "Described", "does not take what Describe returned: no"},
		{"takes it for another", describing{described: func(any, []byte) (persist.Codec, bool, error) { return persist.JSON{}, false, nil }}, "Described", "encoded anew for ever"},
		{"describes it badly", describing{described: func(any, []byte) (persist.Codec, bool, error) { return persist.Gob{}, true, nil }}, "Described", "Unmarshal of what Marshal made"},
		{"changes stale data", renewing{stale: func(b []byte) bool { b[0]++; return false }}, "Renewer", "changed the data"},
	} {
		t.Run(test.name, func(t *testing.T) {
			faults, _ := storetest.Examine(test.check, test.codec)
			require.Contains(t, strings.Join(faults, "\n"), test.says)
		})
	}
}

// describing is JSON that needs no description, and has one.
type describing struct {
	persist.JSON
	described func(v any, description []byte) (persist.Codec, bool, error)
}

func (d describing) Describe(any) (persist.Codec, []byte, error) {
	return persist.JSON{}, []byte("nothing special"), nil
}

func (d describing) Described(v any, description []byte) (persist.Codec, bool, error) {
	return d.described(v, description)
}

// The faults fail the test that asked.
func TestCodecFailsTheTest(t *testing.T) {
	if os.Getenv("STORETEST_BROKEN_CODEC") == "1" {
		storetest.Codec(t, broken{unmarshal: throughFloat})
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestCodecFailsTheTest$", "-test.v")
	cmd.Env = append(os.Environ(), "STORETEST_BROKEN_CODEC=1")
	out, err := cmd.CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(out), "--- FAIL: TestCodecFailsTheTest/RoundTrip")
	require.Contains(t, string(out), "int64 above 2^53: went in as 9007199254740993, came back as 9007199254740992")
	require.Contains(t, string(out), "--- PASS: TestCodecFailsTheTest/ID")
}

func TestEqual(t *testing.T) {
	noon := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	one, two := 1, 2
	for _, test := range []struct {
		name string
		a, b any
		want bool
	}{
		{"ints", 1, 1, true},
		{"other ints", 1, 2, false},
		{"types", 1, int64(1), false},
		{"nil and something", nil, 1, false},
		{"nils", nil, nil, true},
		{"NaN", math.NaN(), math.NaN(), true},
		{"the same instant", noon, noon.In(time.FixedZone("", 3600)), true},
		{"another instant", noon, noon.Add(1), false},
		{"an instant inside", []any{noon}, []any{noon.Local()}, true},
		{"empty and nil slices", []int{}, []int(nil), true},
		{"empty and nil maps", map[int]int{}, map[int]int(nil), true},
		{"lengths", []int{1}, []int{1, 2}, false},
		{"elements", [2]int{1, 2}, [2]int{1, 3}, false},
		{"maps", map[string]int{"a": 1}, map[string]int{"a": 1}, true},
		{"map values", map[string]int{"a": 1}, map[string]int{"a": 2}, false},
		{"map keys", map[string]int{"a": 1}, map[string]int{"b": 1}, false},
		{"map lengths", map[string]int{"a": 1}, map[string]int{}, false},
		{"pointers to equals", &one, new(1), true},
		{"pointers to others", &one, &two, false},
		{"nil pointer", &one, (*int)(nil), false},
		{"unexported fields", struct{ a, b any }{1, "x"}, struct{ a, b any }{1, "y"}, false},
	} {
		require.Equal(t, test.want, storetest.Equal(test.a, test.b), test.name)
		require.Equal(t, test.want, storetest.Equal(test.b, test.a), test.name)
	}
}

func changingID() persist.Codec {
	n := 0
	return broken{id: func() string { n++; return strings.Repeat("x", n) }}
}

func throughFloat(data []byte, v any) error {
	if err := json.Unmarshal(data, v); err != nil {
		return err
	}
	if n := reflect.ValueOf(v).Elem(); n.Kind() == reflect.Int64 {
		n.SetInt(int64(float64(n.Int())))
	}
	return nil
}

func wholeSeconds(v any) ([]byte, error) {
	if t, ok := v.(time.Time); ok {
		v = t.Truncate(time.Second)
	}
	return json.Marshal(v)
}

func cutStrings(v any) ([]byte, error) {
	if s, ok := v.(string); ok {
		v = s[:min(len(s), 1<<10)]
	}
	return json.Marshal(v)
}

func refuseZero(data []byte, v any) error {
	if err := json.Unmarshal(data, v); err != nil {
		return err
	}
	if reflect.ValueOf(v).Elem().IsZero() {
		return errors.New("nothing there")
	}
	return nil
}

func changingMarshal(v any) ([]byte, error) {
	data, err := json.Marshal(v)
	if s, ok := v.([]string); ok {
		slices.Reverse(s)
	}
	return data, err
}

func changingUnmarshal(data []byte, v any) error {
	err := json.Unmarshal(data, v)
	clear(data)
	return err
}

func panicking(data []byte, v any) error {
	err := json.Unmarshal(data, v)
	if syntax := new(json.SyntaxError); errors.As(err, &syntax) {
		panic(syntax)
	}
	return err
}

// raw hands bytes through without a copy.
type raw struct{ copyOut bool }

func (raw) ID() string { return "raw" }

func (r raw) Marshal(v any) ([]byte, error) {
	b, ok := v.([]byte)
	if !ok {
		return nil, errors.New("not bytes")
	}
	if r.copyOut {
		b = bytes.Clone(b)
	}
	return b, nil
}

func (raw) Unmarshal(data []byte, v any) error {
	*v.(*[]byte) = data
	return nil
}

// reusing returns the same memory each time, with a mark that changes.
func reusing() persist.Codec {
	var calls byte
	memory := make([]byte, 1<<20)
	return broken{marshal: func(v any) ([]byte, error) {
		data, err := json.Marshal(v)
		calls++
		n := copy(memory, data)
		n += copy(memory[n:], []byte{" \t"[calls%2]})
		return memory[:n], err
	}}
}

// mixing encodes what the last caller wants.
func mixing() persist.Codec {
	var mu sync.Mutex
	var wanted any
	return broken{marshal: func(v any) ([]byte, error) {
		mu.Lock()
		wanted = v
		mu.Unlock()
		for range 20 {
			runtime.Gosched()
		}
		mu.Lock()
		defer mu.Unlock()
		return json.Marshal(wanted)
	}}
}

type renewing struct {
	persist.JSON
	stale func([]byte) bool
}

func (r renewing) Stale(data []byte) bool { return r.stale(data) }
