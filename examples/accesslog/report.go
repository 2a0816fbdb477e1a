package main

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
)

// rows is the most rows that a table has.
const rows = 10

const stamp = "Mon 2006-01-02 15:04"

// report gathers what a replay shows at its end.
type report struct {
	timeline timeline
	hours    map[time.Time]*hour
	longest  []ended // longest first
	requests int
	created  int
	deaths   []time.Time
}

// hour is what happened in one hour of the log.
type hour struct {
	start                   time.Time
	requests, created, peak int
}

// ended is a session that goes no further.
type ended struct {
	Visitor
	Session
	how string
}

func newReport() *report {
	return &report{hours: map[time.Time]*hour{}}
}

// expired notes a session that died at the given time.
func (r *report) expired(v Visitor, s Session, at time.Time) {
	r.deaths = append(r.deaths, at)
	r.over(ended{v, s, "expired"})
}

// buried says that the sessions which expired lately, and which the store may
// name in any order, have left so many alive.
func (r *report) buried(live int) {
	slices.SortFunc(r.deaths, time.Time.Compare)
	for i, at := range r.deaths {
		r.timeline.set(at, live+len(r.deaths)-i-1)
	}
	r.deaths = r.deaths[:0]
}

func (r *report) evicted(v Visitor, s Session)  { r.over(ended{v, s, "evicted"}) }
func (r *report) survived(v Visitor, s Session) { r.over(ended{v, s, "still live"}) }

// request notes a request, and how many sessions are alive after it.
func (r *report) request(now time.Time, isNew bool, live int) {
	r.timeline.set(now, live)
	r.requests++
	start := now.Truncate(time.Hour)
	h := r.hours[start]
	if h == nil {
		h = &hour{start: start}
		r.hours[start] = h
	}
	h.requests++
	if isNew {
		r.created++
		h.created++
	}
	h.peak = max(h.peak, live)
}

// over keeps the session if it is among the longest.
func (r *report) over(e ended) {
	i, _ := slices.BinarySearchFunc(r.longest, e, func(a, b ended) int {
		return cmp.Or(
			cmp.Compare(b.lasted(), a.lasted()),
			cmp.Compare(b.Hits, a.Hits),
			a.First.Compare(b.First),
			cmp.Compare(a.Host, b.Host),
			cmp.Compare(a.Agent, b.Agent),
		)
	})
	if i < rows {
		r.longest = slices.Insert(r.longest, i, e)
		r.longest = r.longest[:min(len(r.longest), rows)]
	}
}

func (s Session) lasted() time.Duration { return s.Last.Sub(s.First) }

// about says in one line what was replayed.
func (r *report) about() string {
	const date = "2 January 2006"
	when := r.timeline.first.Format(date)
	if last := r.timeline.now.Format(date); last != when {
		when += " to " + last
	}
	return fmt.Sprintf("%s · %s requests, %s new sessions", when, humanize.Comma(int64(r.requests)), humanize.Comma(int64(r.created)))
}

// print writes the two tables. No visitor can be told from them.
func (r *report) print(w *bytes.Buffer) {
	r.printHours(w)
	r.printSessions(w)
}

func (r *report) printHours(w *bytes.Buffer) {
	hours := make([]*hour, 0, len(r.hours))
	for _, h := range r.hours {
		hours = append(hours, h)
	}
	slices.SortFunc(hours, func(a, b *hour) int {
		return cmp.Or(cmp.Compare(b.requests, a.requests), a.start.Compare(b.start))
	})
	const row = "%-23s %10s %13s %10s"
	fmt.Fprintf(w, row+"\n", "Busiest hours (UTC)", "requests", "new sessions", "most live")
	for _, h := range hours[:min(len(hours), rows)] {
		fmt.Fprintf(w, row+"  %s\n", h.start.Format(stamp), humanize.Comma(int64(h.requests)), humanize.Comma(int64(h.created)),
			humanize.Comma(int64(h.peak)), strings.Repeat("▪", max(1, 24*h.requests/hours[0].requests)))
	}
	fmt.Fprintln(w)
}

func (r *report) printSessions(w *bytes.Buffer) {
	const row = "%-23s %10s %13s %10s %10s  %-10s  %s\n"
	fmt.Fprintf(w, row, "Longest sessions (UTC)", "lasted", "hits", "pages", "bytes", "end", "visitor")
	for _, e := range r.longest {
		visitor := maskHost(e.Host)
		if e.Agent != "" {
			visitor += ", " + maskAgent(e.Agent)
		}
		fmt.Fprintf(w, row, e.First.Format(stamp), e.lasted(), humanize.Comma(int64(e.Hits)),
			humanize.Comma(int64(e.Pages)), humanize.Bytes(uint64(e.Bytes)), e.how, visitor)
	}
	fmt.Fprintln(w)
}
