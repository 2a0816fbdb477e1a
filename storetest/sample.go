package storetest

import (
	"fmt"
	"math"
	"reflect"
	"strings"
	"time"
)

// sample is a value to put through a codec.
type sample struct {
	name      string
	make      func() any // a new value each time, equal to those before
	users     bool       // the user's own: must not be refused
	mayChange bool       // may come back as another value
	big       bool
}

type (
	sampleID  string
	sampleKey struct {
		Tenant string
		ID     int64
	}
	sampleSession struct {
		User    sampleKey
		Name    string
		Admin   bool
		Score   float64
		Token   []byte
		Cart    map[string][]sampleItem
		Last    *sampleItem
		None    *sampleItem
		Started time.Time
		Idle    time.Duration
	}
	sampleItem struct {
		SKU   string
		Count int
		Tags  map[int]string
	}
)

// samples returns the suite's own samples and the user's values.
func samples(values []any) []sample {
	var list []sample
	for i, v := range values {
		if v == nil {
			continue // has no type to decode into
		}
		list = append(list, sample{
			name:  fmt.Sprintf("value %d (%T)", i+1, v),
			make:  func() any { return clone(reflect.ValueOf(v)).Interface() },
			users: true,
		})
	}
	add := func(name string, make func() any) { list = append(list, sample{name: name, make: make}) }
	for _, s := range []struct {
		name  string
		value any
	}{
		{"empty string", ""},
		{"string", "session-42"},
		{"unicode string", "späť 世界 \U0001f5dd e\u0301\u2028\ufeff"},
		{"control string", "\x00\t\r\n\x1f\x7f\"\\/<>&'"},
		{"named string", sampleID("id")},
		{"bool", true},
		{"int 0", 0},
		{"least int", math.MinInt},
		{"int8", int8(math.MinInt8)},
		{"int16", int16(math.MinInt16)},
		{"int32", int32(math.MaxInt32)},
		{"least int64", int64(math.MinInt64)},
		{"greatest int64", int64(math.MaxInt64)},
		{"int64 above 2^53", int64(1<<53 + 1)},
		{"uint8", uint8(math.MaxUint8)},
		{"uint32", uint32(math.MaxUint32)},
		{"greatest uint64", uint64(math.MaxUint64)},
		{"float32", float32(0.1)},
		{"float64", -0.1},
		{"greatest float64", math.MaxFloat64},
		{"least float64", math.SmallestNonzeroFloat64},
		{"infinity", math.Inf(-1)},
		{"array", [3]int{1, 0, -1}},
		{"struct", sampleKey{"t", -7}},
		{"zero struct", sampleSession{}},
		{"time", time.Date(2026, 2, 28, 23, 59, 59, 123456789, time.UTC)},
		{"time with a zone", time.Date(1969, 7, 20, 20, 17, 40, 0, time.FixedZone("", -5*3600))},
		{"zero time", time.Time{}},
		{"duration", time.Duration(math.MaxInt64)},
	} {
		add(s.name, func() any { return s.value })
	}
	add("bytes", func() any { return []byte{0, 1, 127, 128, 255} })
	add("no bytes", func() any { return []byte{} })
	add("nil bytes", func() any { return []byte(nil) })
	add("slice", func() any { return []string{"a", "", "c"} })
	add("nil slice", func() any { return []int(nil) })
	add("map", func() any { return map[string]int{"": 1, "b": -1} })
	add("map by int", func() any { return map[int]bool{math.MaxInt: true, -1: false} })
	add("empty map", func() any { return map[string]string{} })
	add("pointer to string", func() any { return new("p") })
	add("nil pointer", func() any { return (*sampleKey)(nil) })
	add("nested struct", func() any { return newSampleSession() })
	add("pointer to struct", func() any { s := newSampleSession(); return &s })
	// A store whose values are interfaces hands over a pointer to one.
	add("interface", func() any { var v any = "text"; return &v })
	add("nil interface", func() any { return new(any) })
	list = append(list,
		sample{name: "string that is not UTF-8", make: func() any { return "\xff\xfe\x80" }, mayChange: true},
		sample{name: "long string", make: func() any { return strings.Repeat("0123456789abcdef", 1<<14) }, big: true},
		sample{name: "long slice", make: func() any { return make([]int64, 1<<12) }, big: true},
	)
	return list
}

func newSampleSession() sampleSession {
	return sampleSession{
		User:  sampleKey{"tenant", 42},
		Name:  "Ada",
		Admin: true,
		Score: 1.5,
		Token: []byte{9, 8, 7},
		Cart: map[string][]sampleItem{
			"now":   {{SKU: "x", Count: 1, Tags: map[int]string{1: "one", -1: "less"}}, {SKU: "y"}},
			"later": {},
		},
		Last:    &sampleItem{SKU: "z", Count: -3},
		Started: time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC),
		Idle:    time.Minute,
	}
}
