package storetest

import (
	"reflect"
	"sync"

	"github.com/latchkey-go/latchkey/persist"
)

// described is a codec that encodes as a Describer does in a store, and decodes as
// it does in the next process.
type described struct {
	persist.Describer

	mu    sync.Mutex // guards the fields below
	types map[reflect.Type]describedType
	r     *report
}

// describedType has the codecs for a type; nil = the Describer itself.
type describedType struct{ write, read persist.Codec }

// of returns the codecs for the type that a pointer points to.
func (d *described) of(t reflect.Type) describedType {
	d.mu.Lock()
	defer d.mu.Unlock()
	if known, ok := d.types[t]; ok {
		return known
	}
	var c describedType
	write, description, err := d.Describe(reflect.New(t).Interface())
	if err == nil && write != nil {
		read, same, err := d.Described(reflect.New(t).Interface(), description)
		switch {
		case err != nil:
			d.r.fault("%v: Described does not take what Describe returned: %v", t, err)
		case !same:
			d.r.fault("%v: Described takes what Describe just returned for something else: all would be encoded anew for ever", t)
		default:
			c = describedType{write, read}
		}
	}
	if err != nil {
		d.r.note("%v: Describe: %v", t, err)
	}
	d.types[t] = c
	return c
}

func (d *described) Marshal(v any) ([]byte, error) {
	t := reflect.TypeOf(v)
	if t.Kind() == reflect.Pointer && t.Elem().Kind() == reflect.Interface {
		t = t.Elem()
	}
	if c := d.of(t).write; c != nil {
		return c.Marshal(v)
	}
	return d.Describer.Marshal(v)
}

func (d *described) Unmarshal(data []byte, v any) error {
	if c := d.of(reflect.TypeOf(v).Elem()).read; c != nil {
		return c.Unmarshal(data, v)
	}
	return d.Describer.Unmarshal(data, v)
}

// checkDescribed puts a codec through it all once more, as a store uses it.
func checkDescribed(r *report, c persist.Codec, list []sample) {
	describer, ok := c.(persist.Describer)
	if !ok {
		return
	}
	d := &described{Describer: describer, types: make(map[reflect.Type]describedType), r: r}
	for _, check := range []func(*report, persist.Codec, []sample){
		checkRoundTrip, checkOwnership, checkGarbage, checkConcurrent,
	} {
		check(r, d, list)
	}
}
