package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"sync"
	"testing"
	"unicode/utf8"

	"github.com/latchkey-go/latchkey/persist"
)

// Codec puts a codec through what a store asks of one. Run it under -race too.
//
// The suite brings keys and values of many kinds: text, numbers to their
// extremes, bytes, structs, nested maps and slices, pointers, times, zero
// values, big ones. A codec may refuse a kind with an error, which is logged;
// what it accepts must come back equal, be it truncated, shared with the caller
// or encoded by several goroutines at once. Empty and nil slices and maps count
// as equal, as do two times at the same instant. A string that is not UTF-8 may
// change, which is logged.
//
// A [persist.Describer] is put through it once more with descriptions.
//
// values are examples of what your store holds, keys among them: the codec must
// not refuse these. If your store's values are interfaces, give pointers to
// some, as the store does.
func Codec(t *testing.T, c persist.Codec, values ...any) {
	t.Helper()
	for _, check := range codecChecks {
		t.Run(check.name, func(t *testing.T) {
			var r report
			check.run(&r, c, samples(values))
			for _, note := range r.notes {
				t.Log(note)
			}
			for _, fault := range r.faults {
				t.Error(fault)
			}
		})
	}
}

var codecChecks = []struct {
	name string
	run  func(*report, persist.Codec, []sample)
}{
	{"ID", checkID},
	{"RoundTrip", checkRoundTrip},
	{"Ownership", checkOwnership},
	{"Garbage", checkGarbage},
	{"Concurrent", checkConcurrent},
	{"Renewer", checkRenewer},
	{"Described", checkDescribed},
}

// report is what a check has found.
type report struct{ faults, notes []string }

func (r *report) fault(format string, args ...any) {
	r.faults = append(r.faults, fmt.Sprintf(format, args...))
}

func (r *report) note(format string, args ...any) {
	r.notes = append(r.notes, fmt.Sprintf(format, args...))
}

func checkID(r *report, c persist.Codec, list []sample) {
	id := c.ID()
	if id == "" {
		r.fault("ID is empty: it must name the encoding")
	}
	if !utf8.ValidString(id) {
		r.fault("ID %q is not UTF-8: it would not survive in the files", id)
	}
	for _, s := range list {
		_, _ = marshal(c, s.make())
		if now := c.ID(); now != id {
			r.fault("ID was %q and is %q: files would not open again", id, now)
			return
		}
	}
}

func checkRoundTrip(r *report, c persist.Codec, list []sample) {
	accepted := 0
	for _, s := range list {
		want := s.make()
		data, err := marshal(c, want)
		switch {
		case err != nil && s.users:
			r.fault("%s: Marshal: %v", s.name, err)
			continue
		case err != nil:
			r.note("%s: refused: %v", s.name, err)
			continue
		}
		accepted++
		if !equal(want, s.make()) {
			r.fault("%s: Marshal changed the value it was given", s.name)
		}
		got, err := unmarshal(c, data, want)
		switch {
		case err != nil:
			r.fault("%s: Unmarshal of what Marshal made: %v", s.name, err)
		case equal(got, want):
		case s.mayChange:
			r.note("%s: comes back as another value", s.name)
		default:
			r.fault("%s: went in as %s, came back as %s", s.name, brief(want), brief(got))
		}
	}
	if accepted == 0 {
		r.fault("Marshal accepts nothing: give Codec examples of what your store holds")
	}
}

// checkOwnership makes sure that encodings, values and the memory they came
// from are independent of each other.
func checkOwnership(r *report, c persist.Codec, list []sample) {
	for _, s := range list {
		want := s.make()
		data, err := marshal(c, want)
		if err != nil || s.mayChange {
			continue
		}
		kept := bytes.Clone(data)
		scribble(want)
		if !bytes.Equal(data, kept) {
			r.fault("%s: what Marshal returned changes with the value it was given", s.name)
		}
		want = s.make()
		_, _ = marshal(c, s.make())
		if !bytes.Equal(data, kept) {
			r.fault("%s: what Marshal returned is overwritten by the next Marshal", s.name)
		}
		data = kept
		got, err := unmarshal(c, data, want)
		if err != nil {
			continue // checkRoundTrip tells of it
		}
		again, err := unmarshal(c, data, want)
		if err != nil || !equal(again, got) {
			r.fault("%s: Unmarshal changed the data it was given", s.name)
			continue
		}
		for i := range data {
			data[i] ^= 0xff
		}
		if !equal(again, got) || !equal(got, want) {
			r.fault("%s: what Unmarshal returned changes with the data it was given", s.name)
		}
	}
}

// checkGarbage makes sure that damaged data is survived: an error is best, some
// value may be all that the encoding allows, a panic is a fault.
func checkGarbage(r *report, c persist.Codec, list []sample) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, s := range list {
		data, err := marshal(c, s.make())
		if err != nil || s.big {
			continue
		}
		for range 32 {
			garbage := make([]byte, random.IntN(64))
			for i := range garbage {
				garbage[i] = byte(random.Uint32())
			}
			flipped := bytes.Clone(data)
			if len(flipped) > 0 {
				flipped[random.IntN(len(flipped))] ^= 1 << random.IntN(8)
			}
			cut := data[:random.IntN(len(data)+1)]
			for _, bad := range [][]byte{garbage, flipped, cut, nil} {
				if _, err := unmarshal(c, bad, s.make()); errors.As(err, new(panicked)) {
					r.fault("%s: Unmarshal of damaged data: %v", s.name, err)
					return
				}
			}
		}
	}
}

func checkConcurrent(r *report, c persist.Codec, list []sample) {
	const goroutines, rounds = 8, 4
	var mu sync.Mutex // guards r
	var all sync.WaitGroup
	start := make(chan struct{})
	for g := range goroutines {
		all.Go(func() {
			<-start
			for i := range rounds * len(list) {
				s := list[(i+g*7)%len(list)]
				want := s.make()
				data, err := marshal(c, want)
				if err != nil || s.mayChange || s.big {
					continue
				}
				got, err := unmarshal(c, data, want)
				if err != nil || !equal(got, want) {
					mu.Lock()
					r.fault("%s: does not come back when several goroutines use the codec (error: %v)", s.name, err)
					mu.Unlock()
					return
				}
			}
		})
	}
	close(start)
	all.Wait()
}

func checkRenewer(r *report, c persist.Codec, list []sample) {
	renewer, ok := c.(persist.Renewer)
	if !ok {
		return
	}
	for _, s := range list {
		data, err := marshal(c, s.make())
		if err != nil {
			continue
		}
		kept := bytes.Clone(data)
		stale, err := isStale(renewer, data)
		switch {
		case err != nil:
			r.fault("%s: Stale: %v", s.name, err)
		case stale:
			r.fault("%s: Stale reports what Marshal just made: it would be marshaled anew for ever", s.name)
		case !bytes.Equal(data, kept):
			r.fault("%s: Stale changed the data it was given", s.name)
		}
	}
}

// panicked is a panic of a codec as an error.
type panicked struct{ value any }

func (p panicked) Error() string { return fmt.Sprintf("panic: %v", p.value) }

func contain(err *error) {
	if v := recover(); v != nil {
		*err = panicked{v}
	}
}

func marshal(c persist.Codec, v any) (data []byte, err error) {
	defer contain(&err)
	return c.Marshal(v)
}

// unmarshal decodes data into a new value of the type of like, as a store does:
// like is a value, or a pointer to an interface.
func unmarshal(c persist.Codec, data []byte, like any) (v any, err error) {
	defer contain(&err)
	t := reflect.TypeOf(like)
	if t.Kind() == reflect.Pointer && t.Elem().Kind() == reflect.Interface {
		into := reflect.New(t.Elem()).Interface()
		err = c.Unmarshal(data, into)
		return into, err
	}
	into := reflect.New(t)
	err = c.Unmarshal(data, into.Interface())
	return into.Elem().Interface(), err
}

func isStale(c persist.Renewer, data []byte) (stale bool, err error) {
	defer contain(&err)
	return c.Stale(data), nil
}

// brief shows a value in a line.
func brief(v any) string {
	const most = 200
	text := fmt.Sprintf("%#v", v)
	if len(text) > most {
		text = text[:most] + "…"
	}
	return text
}
