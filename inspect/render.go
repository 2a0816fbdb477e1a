package inspect

import (
	"bytes"
	"net/http"
	"slices"
	"time"

	"github.com/latchkey-go/latchkey/store"
)

// pageView is the page.
type pageView struct {
	Version string
	Name    string // of the store that is shown in full
	Outcome string
	statsView
	table tableView
	Form  formView
}

// formView is what forms with actions carry.
type formView struct {
	Store, Token, Back       string
	Unlock, Delete, Snapshot bool
}

// Any reports whether rows have anything to do.
func (f formView) Any() bool { return f.Unlock || f.Delete }

// Table returns the table, for the template.
func (v pageView) Table() tableView { return v.table }

type tableView struct {
	Search, Status, Sort string // as in the URL
	Filtered             bool
	ClearURL             string
	KeysShown            bool
	ValuesShown          bool
	Columns              []columnView
	Rows                 []rowView
	Count                string
	Partial              bool
	First, Previous      string // URLs; "" = there is no such page
	Next, Last           string
}

type columnView struct {
	Name, Title, URL string
	Sorted           string // for aria-sort
}

type rowView struct {
	ID, Key, FullKey, Value, Status string
	Locked                          bool
	Fence, LockedFor                string
	Created, Updated, Accessed      timeView
	Expires                         timeView
	Accesses, Revision              string
}

// timeView is a time, as seen from now.
type timeView struct{ Text, Full string }

// The longest keys and values that are shown, in characters.
const (
	maxKey   = 64
	maxFull  = 500
	maxValue = 200
)

func (h *handler) page(w http.ResponseWriter, r *http.Request) {
	samples := h.sampler.look()
	q := parseQuery(r.URL.Query(), h.secrets)
	i := h.shown(q.Store)
	shown := h.o.Stores[i]
	q.Store = shown.name
	found := h.walk(r.Context(), shown.source, q)
	now := time.Now()
	last := samples[i][len(samples[i])-1]
	v := pageView{
		Version: version, Name: shown.name, Outcome: outcomes[r.URL.Query().Get("outcome")],
		statsView: viewStats(h.o.Stores, samples, i, now),
		table:     h.viewTable(shown, q, found, now),
		Form: formView{
			Store: shown.name, Token: h.token(w, r), Back: q.values().Encode(),
			Unlock:   slices.Contains(h.o.Actions, Unlock),
			Delete:   slices.Contains(h.o.Actions, Delete),
			Snapshot: slices.Contains(h.o.Actions, Snapshot) && last.Durable,
		},
	}
	var b bytes.Buffer
	if err := pageTemplate.Execute(&b, v); err != nil {
		h.o.Logger.Error("latchkey: the page can't be made", "error", err)
		refuse(w, http.StatusInternalServerError, "The page can't be made.")
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(b.Bytes())
}

func (h *handler) viewTable(shown Store, q query, found page, now time.Time) tableView {
	keys, values := shown.source.shows()
	all := query{Store: q.Store, Sort: q.Sort, Down: q.Down}
	t := tableView{
		Search: q.Search, Status: q.values().Get("status"), Sort: q.values().Get("sort"),
		Filtered: q.Search != "" || q.Status != 0, ClearURL: all.with("sort", q.values().Get("sort")),
		KeysShown: keys, ValuesShown: values,
		Columns: columns(q, values), Partial: found.partial, Count: countOf(found, q.Search != "" || q.Status != 0),
	}
	for _, r := range found.rows {
		t.Rows = append(t.Rows, viewRow(r, keys, now))
	}
	if n := len(found.rows); n > 0 {
		if found.first > 1 {
			t.First = "?" + q.values().Encode()
			t.Previous = q.with("before", h.secrets.sealed(found.rows[0].at, q.purpose()))
		}
		if found.first+n-1 < found.total {
			t.Next = q.with("after", h.secrets.sealed(found.rows[n-1].at, q.purpose()))
			t.Last = q.with("page", "last")
		}
	} else if q.way != fromFirst {
		t.First = "?" + q.values().Encode()
	}
	return t
}

// countOf returns which entries are on a page, of how many.
func countOf(p page, filtered bool) string {
	what := "entries"
	if filtered {
		what = "matches"
	}
	if len(p.rows) == 0 {
		return "No " + what
	}
	return count(p.first) + "–" + count(p.first+len(p.rows)-1) + " of " + count(p.total) + " " + what
}

func columns(q query, values bool) (all []columnView) {
	for _, c := range []columnView{
		{Name: "key", Title: "Key"},
		{Title: "Value"},
		{Title: "Status"},
		{Name: "created", Title: "Created"},
		{Name: "updated", Title: "Written"},
		{Name: "accessed", Title: "Accessed"},
		{Name: "accesses", Title: "Accesses"},
		{Name: "expires", Title: "Expires in"},
		{Name: "lock", Title: "Lock"},
	} {
		if c.Title == "Value" && !values {
			continue
		}
		if c.Name != "" {
			other := q
			other.Sort, other.Down = c.Name, c.Name == "created" || c.Name == "updated" || c.Name == "accessed" || c.Name == "accesses"
			if q.Sort == c.Name {
				other.Down = !q.Down
				c.Sorted = "ascending"
				if q.Down {
					c.Sorted = "descending"
				}
			}
			c.URL = "?" + other.values().Encode()
		}
		all = append(all, c)
	}
	return all
}

func viewRow(r row, keyShown bool, now time.Time) rowView {
	v := rowView{
		ID: r.id, Key: printable(r.key, maxKey), FullKey: printable(r.key, maxFull), Value: printable(r.value, maxValue),
		Status:   map[store.Status]string{store.Active: "active", store.Locked: "locked", store.Expired: "expired"}[r.Status],
		Created:  viewTime(r.Created, now),
		Updated:  viewTime(r.Updated, now),
		Accessed: viewTime(r.Accessed, now),
		Expires:  timeView{"never", ""},
		Accesses: count(r.Accesses), Revision: count(r.Revision),
	}
	if !keyShown {
		v.Key = r.key[:16] // enough to tell them apart
	}
	if !r.Expires.IsZero() {
		v.Expires = timeView{in(r.Expires, now), r.Expires.Format(time.RFC3339)}
	}
	if !r.LockedUntil.IsZero() {
		v.Locked, v.Fence, v.LockedFor = true, count(r.Fence), in(r.LockedUntil, now)
	}
	return v
}

func viewTime(t, now time.Time) timeView { return timeView{ago(t, now), t.Format(time.RFC3339)} }
