package inspect_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"
	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/inspect"
	"github.com/latchkey-go/latchkey/store"
)

// open makes a store that is closed when the test ends.
func open[K comparable, V any](t testing.TB, o store.Options[K, V]) *store.Store[K, V] {
	t.Helper()
	s, err := store.New(o)
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// handler makes a page that must have what it needs.
func handler(t testing.TB, o inspect.Options) http.Handler {
	t.Helper()
	h, err := inspect.Handler(o)
	require.NoError(t, err)
	return h
}

// itself shows keys as they are.
func itself(key string) string { return key }

// shown makes a page of one store, with its keys.
func shown[V any](t testing.TB, s *store.Store[string, V]) http.Handler {
	return handler(t, inspect.Options{Stores: []inspect.Store{
		inspect.Source("sessions", s, inspect.SourceOptions[string, V]{Key: itself}),
	}})
}

// ask sends a request.
func ask(h http.Handler, r *http.Request) *http.Response {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

// read gets a page that must be there, and parses it.
func read(t testing.TB, h http.Handler, url string) *goquery.Document {
	t.Helper()
	response := ask(h, httptest.NewRequest("GET", url, nil))
	require.Equal(t, http.StatusOK, response.StatusCode, url)
	doc, err := goquery.NewDocumentFromReader(response.Body)
	require.NoError(t, err)
	return doc
}

const page = "/debug/latchkey/"

// keys returns the keys in the table.
func keys(doc *goquery.Document) (all []string) {
	doc.Find("tbody th").Each(func(_ int, th *goquery.Selection) { all = append(all, th.Text()) })
	for i := range all {
		all[i] = strings.TrimSpace(all[i])
	}
	return all
}

// cell returns a row's cell by the heading.
func cell(row *goquery.Selection, label string) string {
	return strings.TrimSpace(row.Find(`td[data-label="` + label + `"]`).Text())
}

// link returns where the link with the text given leads to; "" = there is none.
func link(doc *goquery.Document, text string) string {
	href := ""
	doc.Find("a").Each(func(_ int, a *goquery.Selection) {
		if strings.TrimSpace(a.Text()) == text {
			href, _ = a.Attr("href")
		}
	})
	if href == "" {
		return ""
	}
	href, _, _ = strings.Cut(href, "#")
	return page + href
}

// browser keeps a cookie and fills in forms, as a browser does that can only read.
type browser struct {
	t      testing.TB
	h      http.Handler
	cookie *http.Cookie
	doc    *goquery.Document
	header http.Header // sent with each form
}

func newBrowser(t testing.TB, h http.Handler) *browser {
	return &browser{t: t, h: h, header: http.Header{"Sec-Fetch-Site": {"same-origin"}}}
}

// open loads a page.
func (b *browser) open(url string) *browser {
	b.t.Helper()
	r := httptest.NewRequest("GET", url, nil)
	if b.cookie != nil {
		r.AddCookie(b.cookie)
	}
	response := ask(b.h, r)
	require.Equal(b.t, http.StatusOK, response.StatusCode)
	for _, c := range response.Cookies() {
		b.cookie = c
	}
	var err error
	b.doc, err = goquery.NewDocumentFromReader(response.Body)
	require.NoError(b.t, err)
	return b
}

// form returns what the form with a button for the action sends, of the row with the
// key given, or "" for that which is in no row.
func (b *browser) form(key, action string) url.Values {
	b.t.Helper()
	in := b.doc.Selection
	if key != "" {
		in = in.Find("tbody tr").FilterFunction(func(_ int, tr *goquery.Selection) bool {
			return strings.TrimSpace(tr.Find("th").Text()) == key
		})
	}
	form := in.Find(`form[method="post"]`).FilterFunction(func(_ int, f *goquery.Selection) bool {
		return f.Find(`button[value="`+action+`"]`).Length() > 0
	})
	require.Equal(b.t, 1, form.Length(), "forms with %s", action)
	values := url.Values{"action": {action}}
	form.Find("input").Each(func(_ int, in *goquery.Selection) {
		values.Set(in.AttrOr("name", ""), in.AttrOr("value", ""))
	})
	return values
}

// send posts a form.
func (b *browser) send(form url.Values) *http.Response {
	r := httptest.NewRequest("POST", page+"action", strings.NewReader(form.Encode()))
	r.Header = b.header.Clone()
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if b.cookie != nil {
		r.AddCookie(b.cookie)
	}
	return ask(b.h, r)
}

// press sends the form, follows where that leads, and returns what the page says.
func (b *browser) press(key, action string) string {
	b.t.Helper()
	response := b.send(b.form(key, action))
	require.Equal(b.t, http.StatusSeeOther, response.StatusCode)
	to, err := url.Parse(response.Header.Get("Location"))
	require.NoError(b.t, err)
	base, err := url.Parse(page + "action")
	require.NoError(b.t, err)
	b.open(base.ResolveReference(to).String())
	return b.doc.Find(".outcome").Text()
}

var errNo = errors.New("no")

// everybody lets everybody do everything.
func everybody(*http.Request, inspect.Action) error { return nil }

var allActions = []inspect.Action{inspect.Unlock, inspect.Delete, inspect.Snapshot}
