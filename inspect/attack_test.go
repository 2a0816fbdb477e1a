package inspect_test

import (
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/PuerkitoBio/goquery"
	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/inspect"
	"github.com/latchkey-go/latchkey/store"
)

// hostile are texts that would do something if they were not taken for text.
var hostile = map[string]string{
	"script":      `<script>alert(1)</script>`,
	"attribute":   `" onmouseover="alert(1)" x="`,
	"single":      `' onfocus='alert(1)' autofocus='`,
	"image":       `<img src=x onerror=alert(1)>`,
	"end":         `</table></main></body></html><h1>mine</h1>`,
	"comment":     `<!-- `,
	"template":    `{{.Token}}{{template "chart"}}`,
	"header":      "a\r\nSet-Cookie: evil=1\r\n\r\n<h1>mine</h1>",
	"event":       "a\n\ndata: {\"texts\":{}}\n\n",
	"nul":         "a\x00b",
	"not UTF-8":   "\xff\xfe<b>\xc3",
	"direction":   "abc\u202egnp.exe",
	"zero width":  "a\u200bb\ufeffc",
	"separators":  "a\u2028b\u2029c",
	"javascript":  `javascript:alert(1)`,
	"query":       `a&sort=-created&page=last#x?store=b`,
	"path":        `../../action`,
	"many quotes": strings.Repeat(`"'<>&`, 1000),
	"1 MB":        strings.Repeat("<b>", 1<<20/3),
	"empty":       "",
	"spaces":      "   ",
}

// named returns of a text what can be a store's name.
func named(text string) string {
	var b strings.Builder
	for _, r := range text[:min(len(text), 100)] {
		if unicode.IsPrint(r) && r != utf8.RuneError {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// harmless requires that a page is made of nothing but what the template has.
func harmless(t *testing.T, doc *goquery.Document) {
	t.Helper()
	require.Equal(t, 1, doc.Find("script").Length())
	require.Regexp(t, `^script\.js`, doc.Find("script").AttrOr("src", ""))
	require.Equal(t, 1, doc.Find("h1").Length())
	require.Equal(t, 1, doc.Find("table").Length())
	require.Equal(t, 1, doc.Find("img").Length())
	require.Equal(t, 1, doc.Find("footer").Length())
	doc.Find("*").Each(func(_ int, e *goquery.Selection) {
		for _, a := range e.Nodes[0].Attr {
			require.False(t, strings.HasPrefix(a.Key, "on"), a.Key)
			if a.Key == "href" || a.Key == "action" || a.Key == "src" {
				require.NotRegexp(t, `(?i)^\s*(javascript|data|https?|/)`, a.Val)
			}
		}
	})
}

// Keys, values and names that are hostile are shown as text.
func TestHostileText(t *testing.T) {
	for name, text := range hostile {
		t.Run(name, func(t *testing.T) {
			s := open(t, store.Options[string, string]{})
			require.NoError(t, s.Set(text, text))
			require.NoError(t, s.Set("x", "y"))
			storeName := "s" + named(text)
			h := handler(t, inspect.Options{
				Stores: []inspect.Store{
					inspect.Source(storeName, s, inspect.SourceOptions[string, string]{Key: itself, Render: func(_, v string) string { return v }}),
				},
				Actions: allActions, Authorize: everybody,
			})
			b := newBrowser(t, h).open(page + "?sort=key&q=" + url.QueryEscape(text[:min(len(text), 300)]))
			harmless(t, b.doc)
			b.open(page + "?sort=key")
			harmless(t, b.doc)
			rows := b.doc.Find("tbody tr")
			require.Equal(t, 2, rows.Length())
			html, err := b.doc.Html()
			require.NoError(t, err)
			require.Less(t, len(html), 150_000, "what is long is cut")
			for _, r := range b.doc.Find("tbody").Text() {
				require.True(t, r == '\n' || r >= ' ', "%q", r)
				require.NotContains(t, "\u202e\u200b\ufeff\u2028\u2029\ufffd", string(r))
			}
			var of *goquery.Selection
			rows.Each(func(_ int, tr *goquery.Selection) {
				if strings.TrimSpace(tr.Find("th").Text()) != "x" {
					of = tr
				}
			})
			id := of.Find(`input[name="id"]`).AttrOr("value", "")
			form := b.form("x", "delete")
			form.Set("id", id)
			response := b.send(form)
			require.Equal(t, http.StatusSeeOther, response.StatusCode)
			require.Empty(t, response.Cookies())
			require.NotContains(t, response.Header.Get("Location"), "\n")
			require.False(t, s.Has(text), "by its hash")
			require.True(t, s.Has("x"))
		})
	}
}

// What is streamed is one line of JSON, whatever a store's name is.
func TestHostileStream(t *testing.T) {
	for name, text := range hostile {
		t.Run(name, func(t *testing.T) {
			s := open(t, store.Options[string, int]{})
			h := handler(t, inspect.Options{Stores: []inspect.Store{
				inspect.Source("s"+named(text), s, inspect.SourceOptions[string, int]{}),
			}})
			u := live(t, h, page+"live?store="+url.QueryEscape("s"+text[:min(len(text), 1000)]))
			require.Contains(t, u.Texts, "card s"+named(text)+" entries")
			require.Equal(t, "0", u.Texts["entries entries"])
		})
	}
}

// A Key or Render that panics is shown to have.
func TestPanics(t *testing.T) {
	s := open(t, store.Options[string, int]{})
	require.NoError(t, s.Set("a", 1))
	h := handler(t, inspect.Options{Stores: []inspect.Store{
		inspect.Source("s", s, inspect.SourceOptions[string, int]{
			Key:    func(string) string { panic("secret") },
			Render: func(string, int) string { panic(fmt.Errorf("secret")) },
		}),
	}})
	for _, query := range []string{"", "?q=a", "?sort=key"} {
		doc := read(t, h, page+query)
		require.NotContains(t, doc.Text(), "secret")
		require.Equal(t, []string{"(panicked with a string)"}, keys(doc))
		require.Equal(t, "(panicked with a *fmt.wrapError)", strings.Replace(cell(doc.Find("tbody tr"), "Value"), "*errors.errorString", "*fmt.wrapError", 1))
	}
}

// Parameters that make no sense count as not there.
func TestJunk(t *testing.T) {
	s := open(t, store.Options[string, int]{})
	for i := range 120 {
		require.NoError(t, s.Set(fmt.Sprintf("k%03d", i), i))
	}
	h := shown(t, s)
	want := keys(read(t, h, page))
	require.Len(t, want, 50)
	next := read(t, h, page+"?sort=key")
	after := link(next, "Next")
	cursor, err := url.Parse(after)
	require.NoError(t, err)
	good := cursor.Query().Get("after")
	require.NotEmpty(t, good)
	require.NotContains(t, good, "k049")
	for _, query := range []string{
		"sort=nothing", "sort=--key", "sort=-", "sort=" + strings.Repeat("-", 10_000), "status=7", "status=LOCKED",
		"page=99999999999999999999", "page=-1", "page=first", "page=2",
		"after=x", "after=" + strings.Repeat("A", 100_000), "before=%00%ff", "after=" + good[:len(good)-2] + "AA",
		"after=" + good,  // of another order
		"before=" + good, // likewise
		"store=nothing&x", "%zz", ";;", "q=%20%20", "outcome=<script>", "outcome=nothing", "sort=key%00",
		fmt.Sprintf("page=%d", uint64(math.MaxUint64)), "sort[]=key", "q[$ne]=1",
	} {
		doc := read(t, h, page+"?"+query)
		harmless(t, doc)
		require.Equal(t, want, keys(doc), query)
		require.Empty(t, doc.Find(".outcome").Text(), query)
	}
	require.Equal(t, "k050", keys(read(t, h, after))[0], "as it was given it is good")
	require.Empty(t, keys(read(t, h, page+"?q="+strings.Repeat("k", 100_000))), "a search is cut, and finds nothing")
	require.Equal(t, 256, len(read(t, h, page+"?q="+strings.Repeat("k", 100_000)).Find("#q").AttrOr("value", "")))
}

// An operation is done only by POST, from the page, in the browser that has its
// cookie, if it is offered, and if Authorize says yes.
func TestForged(t *testing.T) {
	s := open(t, store.Options[string, int]{})
	require.NoError(t, s.Set("a", 1))
	var asked []inspect.Action
	may := true
	h := handler(t, inspect.Options{
		Stores:  []inspect.Store{inspect.Source("sessions", s, inspect.SourceOptions[string, int]{Key: itself})},
		Actions: []inspect.Action{inspect.Delete},
		Authorize: func(_ *http.Request, a inspect.Action) error {
			if asked = append(asked, a); a != inspect.View && !may {
				return errNo
			}
			return nil
		},
	})
	b := newBrowser(t, h).open(page)
	require.True(t, b.cookie.HttpOnly)
	require.Equal(t, http.SameSiteStrictMode, b.cookie.SameSite)
	require.Empty(t, b.cookie.Path, "for the page alone")
	good := b.form("a", "delete")
	other := newBrowser(t, h).open(page)

	change := func(name, value string) url.Values {
		form := url.Values{}
		for k, v := range good {
			form[k] = v
		}
		form.Set(name, value)
		return form
	}
	for _, c := range []struct {
		name   string
		form   url.Values
		header http.Header
		cookie *http.Cookie
		want   int
	}{
		{"another site", good, http.Header{"Sec-Fetch-Site": {"cross-site"}}, b.cookie, 403},
		{"the same site, another origin", good, http.Header{"Sec-Fetch-Site": {"same-site"}}, b.cookie, 403},
		{"an old browser, another origin", good, http.Header{"Origin": {"https://evil.example"}}, b.cookie, 403},
		{"no origin at all", good, http.Header{"Origin": {"null"}}, b.cookie, 403},
		{"no cookie", good, nil, nil, 403},
		{"an empty cookie", good, nil, &http.Cookie{Name: b.cookie.Name, Value: ""}, 403},
		{"another browser's cookie", good, nil, other.cookie, 403},
		{"another browser's token", change("token", other.form("a", "delete").Get("token")), nil, b.cookie, 403},
		{"no token", change("token", ""), nil, b.cookie, 403},
		{"half a token", change("token", good.Get("token")[:20]), nil, b.cookie, 403},
		{"not offered", change("action", "unlock"), nil, b.cookie, 403},
		{"to view", change("action", "view"), nil, b.cookie, 403},
		{"no such action", change("action", "drop table"), nil, b.cookie, 403},
		{"no such store", change("store", "other"), nil, b.cookie, 404},
		{"too large", change("back", strings.Repeat("x", 100_000)), nil, b.cookie, 400},
		{"no such entry", change("id", "0123"), nil, b.cookie, 303},
		{"an entry by its key", change("id", "a"), nil, b.cookie, 303},
	} {
		t.Run(c.name, func(t *testing.T) {
			forger := &browser{t: t, h: h, cookie: c.cookie, header: c.header}
			if c.header == nil {
				forger.header = http.Header{"Sec-Fetch-Site": {"same-origin"}}
			}
			response := forger.send(c.form)
			require.Equal(t, c.want, response.StatusCode)
			require.True(t, s.Has("a"))
		})
	}

	get := httptest.NewRequest("GET", page+"action?"+good.Encode(), nil)
	get.AddCookie(b.cookie)
	require.Equal(t, http.StatusMethodNotAllowed, ask(h, get).StatusCode)
	inURL := httptest.NewRequest("POST", page+"action?"+good.Encode(), nil)
	inURL.AddCookie(b.cookie)
	require.Equal(t, http.StatusForbidden, ask(h, inURL).StatusCode, "what is in the URL is no form")
	require.True(t, s.Has("a"))

	may, asked = false, nil
	response := b.send(good)
	require.Equal(t, http.StatusForbidden, response.StatusCode)
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.Equal(t, "You may not do that.\n", string(body))
	require.Equal(t, []inspect.Action{inspect.View, inspect.Delete}, asked)
	require.True(t, s.Has("a"))

	may = true
	require.Equal(t, http.StatusSeeOther, b.send(good).StatusCode)
	require.False(t, s.Has("a"))
}

// Where the page goes back to is the page, whatever a form says.
func TestRedirect(t *testing.T) {
	s := open(t, store.Options[string, int]{})
	require.NoError(t, s.Set("a", 1))
	h := handler(t, inspect.Options{
		Stores:  []inspect.Store{inspect.Source("sessions", s, inspect.SourceOptions[string, int]{Key: itself})},
		Actions: allActions, Authorize: everybody,
	})
	b := newBrowser(t, h).open(page)
	for _, back := range []string{"https://evil.example", "//evil.example", "q=%0d%0aX-Evil:1", "\r\nX: y", "javascript:alert(1)", "store=x&q=//evil.example"} {
		form := b.form("a", "delete")
		form.Set("back", back)
		form.Set("id", "nobody")
		response := b.send(form)
		require.Equal(t, http.StatusSeeOther, response.StatusCode)
		require.Regexp(t, `^(/debug/latchkey/|\./)\?[-\w&=%+.]*$`, response.Header.Get("Location"))
		require.Empty(t, response.Header.Get("X-Evil"))
	}
}
