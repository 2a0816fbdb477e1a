package inspect

import (
	"math"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/latchkey-go/latchkey/store"
)

// query is what the table is asked for.
type query struct {
	Store  string
	Search string
	Status store.Status // 0 = any
	Sort   string       // a column's name
	Down   bool         // the highest first

	way  way
	from position
}

// way is where a page of the table begins.
type way int

const (
	fromFirst way = iota
	afterFrom
	beforeFrom // the last ones before it
	fromLast   // the last ones of all
)

// maxSearch is the longest text that is searched for, in bytes.
const maxSearch = 256

// parseQuery returns what the URL asks for. What makes no sense counts as not there.
func parseQuery(v url.Values, s *secrets) query {
	q := query{Store: v.Get("store"), Search: strings.TrimSpace(v.Get("q")), Sort: "accessed", Down: true}
	if len(q.Search) > maxSearch {
		q.Search = q.Search[:maxSearch]
	}
	if !utf8.ValidString(q.Search) {
		q.Search = strings.ToValidUTF8(q.Search, "")
	}
	switch v.Get("status") {
	case "active":
		q.Status = store.Active
	case "locked":
		q.Status = store.Locked
	}
	if name, down := strings.CutPrefix(v.Get("sort"), "-"); sorts[name] != nil || name == "key" {
		q.Sort, q.Down = name, down
	}
	for name, way := range map[string]way{"after": afterFrom, "before": beforeFrom} {
		if p, ok := s.opened(v.Get(name), q.purpose()); ok {
			q.from, q.way = p, way
		}
	}
	if q.way == fromFirst && v.Get("page") == "last" {
		q.way = fromLast
	}
	return q
}

// purpose returns what positions of the query are good for.
func (q query) purpose() string { return q.values().Encode() }

// values returns the query as a URL has it, without where the page begins.
func (q query) values() url.Values {
	v := url.Values{"store": {q.Store}, "sort": {q.Sort}}
	if q.Down {
		v.Set("sort", "-"+q.Sort)
	}
	if q.Search != "" {
		v.Set("q", q.Search)
	}
	switch q.Status {
	case store.Active:
		v.Set("status", "active")
	case store.Locked:
		v.Set("status", "locked")
	}
	return v
}

// with returns the URL of the query with one more parameter, or another value for
// one that it has.
func (q query) with(name, value string) string {
	v := q.values()
	v.Set(name, value)
	return "?" + v.Encode()
}

// sorts has the columns to sort by, but for the key, and the number that each goes by.
var sorts = map[string]func(*store.Metadata) int64{
	"created":  func(m *store.Metadata) int64 { return m.Created.UnixNano() },
	"updated":  func(m *store.Metadata) int64 { return m.Updated.UnixNano() },
	"accessed": func(m *store.Metadata) int64 { return m.Accessed.UnixNano() },
	"expires":  func(m *store.Metadata) int64 { return orNever(m.Expires) },
	"accesses": func(m *store.Metadata) int64 { return int64(m.Accesses) },
	"lock":     func(m *store.Metadata) int64 { return orNever(m.LockedUntil) },
}

// orNever returns a time as a number, the highest for none.
func orNever(t time.Time) int64 {
	if t.IsZero() {
		return math.MaxInt64
	}
	return t.UnixNano()
}
