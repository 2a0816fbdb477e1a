package inspect_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/inspect"
	"github.com/latchkey-go/latchkey/persist"
	"github.com/latchkey-go/latchkey/store"
)

func TestOptions(t *testing.T) {
	s := open(t, store.Options[string, int]{})
	one := inspect.Source("one", s, inspect.SourceOptions[string, int]{})
	for _, c := range []struct {
		name string
		o    inspect.Options
		want string // in the error; "" = none
	}{
		{"no store", inspect.Options{}, "Stores is empty"},
		{"a store of nothing", inspect.Options{Stores: []inspect.Store{{}}}, "Source did not make"},
		{
			"nil", inspect.Options{Stores: []inspect.Store{
				inspect.Source[string, int]("one", nil, inspect.SourceOptions[string, int]{}),
			}}, "made of nil",
		},
		{
			"no name",
			inspect.Options{Stores: []inspect.Store{inspect.Source("", s, inspect.SourceOptions[string, int]{})}},
			"no name",
		},
		{"a name that can't be seen", inspect.Options{Stores: []inspect.Store{inspect.Source("a\nb", s, inspect.SourceOptions[string, int]{})}}, "printable"},
		{"one name twice", inspect.Options{Stores: []inspect.Store{one, one}}, `two stores have the name "one"`},
		{"no Authorize", inspect.Options{Stores: []inspect.Store{one}, Actions: allActions}, "needs Options.Authorize"},
		{
			"no such action",
			inspect.Options{Stores: []inspect.Store{one}, Actions: []inspect.Action{"drop"}, Authorize: everybody},
			`has "drop"`,
		},
		{
			"View is no action",
			inspect.Options{Stores: []inspect.Store{one}, Actions: []inspect.Action{inspect.View}, Authorize: everybody},
			`has "view"`,
		},
		{"all is well", inspect.Options{Stores: []inspect.Store{one}, Actions: allActions, Authorize: everybody}, ""},
		{"to be read only", inspect.Options{Stores: []inspect.Store{one}}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			h, err := inspect.Handler(c.o)
			if c.want == "" {
				require.NoError(t, err)
				require.NotNil(t, h)
				return
			}
			require.ErrorContains(t, err, c.want)
			require.Nil(t, h)
		})
	}
}

// The page finds what is beside it wherever it is mounted.
func TestMounted(t *testing.T) {
	h := shown(t, open(t, store.Options[string, int]{}))
	for name, mount := range map[string]func(*http.ServeMux){
		"/debug/latchkey/": func(m *http.ServeMux) { m.Handle("/debug/latchkey/", h) },
		"/":                func(m *http.ServeMux) { m.Handle("/", h) },
		"/x/":              func(m *http.ServeMux) { m.Handle("/x/", http.StripPrefix("/x", h)) },
		"/y/z/":            func(m *http.ServeMux) { m.Handle("GET /y/z/", http.StripPrefix("/y/z/", h)) },
	} {
		t.Run(name, func(t *testing.T) {
			mux := http.NewServeMux()
			mount(mux)
			response := ask(mux, httptest.NewRequest("GET", name, nil))
			require.Equal(t, http.StatusOK, response.StatusCode)
			doc, err := goquery.NewDocumentFromReader(response.Body)
			require.NoError(t, err)
			beside := 0
			doc.Find("link, script, img").Each(func(_ int, e *goquery.Selection) {
				beside++
				url := e.AttrOr("href", e.AttrOr("src", ""))
				require.Regexp(t, `^(style\.css|script\.js|icon\.svg)\?v=[0-9a-f]{16}$`, url, "no outside resource")
				response := ask(mux, httptest.NewRequest("GET", name+url, nil))
				require.Equal(t, http.StatusOK, response.StatusCode, url)
				require.Contains(t, response.Header.Get("Cache-Control"), "immutable")
			})
			require.Equal(t, 4, beside)
		})
	}
}

func TestHeaders(t *testing.T) {
	h := shown(t, open(t, store.Options[string, int]{}))
	for _, url := range []string{"", "style.css", "script.js", "icon.svg", "nothing", "static/page.html", "action", "../../etc/passwd"} {
		response := ask(h, httptest.NewRequest("GET", page+url, nil))
		policy := response.Header.Get("Content-Security-Policy")
		require.Contains(t, policy, "default-src 'none'", url)
		require.NotContains(t, policy, "unsafe", url)
		require.Contains(t, policy, "frame-ancestors 'none'", url)
		require.Equal(t, "nosniff", response.Header.Get("X-Content-Type-Options"), url)
		require.Contains(t, response.Header.Get("Cache-Control"), "no-store", url)
		require.NotEmpty(t, response.Header.Get("Content-Type"), url)
	}
	doc := read(t, h, page)
	require.Zero(t, doc.Find("script:not([src]), style, [style], [onclick], [onload], base").Length(), "nothing inline")
}

func TestRoutes(t *testing.T) {
	h := shown(t, open(t, store.Options[string, int]{}))
	for _, c := range []struct {
		method, url string
		want        int
	}{
		{"GET", page, 200},
		{"HEAD", page, 200},
		{"POST", page, 405},
		{"DELETE", page, 405},
		{"GET", page + "style.css", 200},
		{"PUT", page + "style.css", 405},
		{"GET", page + "page.html", 404},
		{"GET", page + "nothing", 404},
		{"HEAD", page + "live", 404},
		{"POST", page + "live", 405},
		{"GET", page + "action", 405},
		{"HEAD", page + "action", 405},
		{"PUT", page + "action", 405},
	} {
		response := ask(h, httptest.NewRequest(c.method, c.url, nil))
		require.Equal(t, c.want, response.StatusCode, "%s %s", c.method, c.url)
		if c.want == 405 {
			require.NotEmpty(t, response.Header.Get("Allow"), "%s %s", c.method, c.url)
		}
	}
}

// Several stores of several types are on one page, one of them in full.
func TestStores(t *testing.T) {
	type point struct{ X, Y int }
	sessions := open(t, store.Options[string, int]{Persist: persist.Config{Dir: t.TempDir()}})
	points := open(t, store.Options[point, []string]{Capacity: 5})
	require.NoError(t, sessions.Set("a", 1))
	require.NoError(t, sessions.Snapshot(context.Background()))
	for i := range 3 {
		require.NoError(t, points.Set(point{i, 0}, nil))
	}
	h := handler(t, inspect.Options{Stores: []inspect.Store{
		inspect.Source("sessions", sessions, inspect.SourceOptions[string, int]{Key: itself}),
		inspect.Source("points & lines", points, inspect.SourceOptions[point, []string]{
			Key: func(p point) string { return fmt.Sprint(p.X, ":", p.Y) },
		}),
	}})
	doc := read(t, h, page)
	require.Equal(t, "sessions", doc.Find("h1").Text())
	require.Equal(t, []string{"a"}, keys(doc))
	require.Equal(t, "On disk, with a journal", doc.Find(".kind").Text())
	require.Equal(t, 2, doc.Find(".card").Length())
	require.Contains(t, doc.Find(".facts").Text(), "Last snapshot")
	require.Contains(t, doc.Find(".card").Eq(1).Text(), "3 entries")

	other := doc.Find(".card").Eq(1).AttrOr("href", "")
	doc = read(t, h, page+other)
	require.Equal(t, "points & lines", doc.Find("h1").Text())
	require.Equal(t, "In memory only", doc.Find(".kind").Text())
	require.Zero(t, doc.Find(".facts").Length())
	require.ElementsMatch(t, []string{"0:0", "1:0", "2:0"}, keys(doc))
	require.Equal(t, "page", doc.Find(".card").Eq(1).AttrOr("aria-current", ""))

	doc = read(t, h, page+"?store=nothing")
	require.Equal(t, "sessions", doc.Find("h1").Text(), "the first")
}

// Neither keys nor values are shown unless that is allowed, and not in what is
// streamed either.
func TestHidden(t *testing.T) {
	s := open(t, store.Options[string, string]{})
	require.NoError(t, s.Set("secret-key", "secret-value"))
	h := handler(t, inspect.Options{Stores: []inspect.Store{
		inspect.Source("sessions", s, inspect.SourceOptions[string, string]{}),
	}})
	text := func(url string) string {
		body, err := io.ReadAll(ask(h, httptest.NewRequest("GET", url, nil)).Body)
		require.NoError(t, err)
		return string(body)
	}
	require.NotContains(t, text(page), "secret")
	hash := keys(read(t, h, page))
	require.Len(t, hash, 1)
	require.Regexp(t, "^[0-9a-f]{16}$", hash[0])
	require.Equal(t, hash, keys(read(t, h, page)), "it holds")

	require.Equal(t, hash, keys(read(t, h, page+"?q="+strings.ToUpper(hash[0][:5]))))
	require.Empty(t, keys(read(t, h, page+"?q=secret")), "what isn't shown can't be guessed by searching")
	require.Empty(t, keys(read(t, h, page+"?q=secret-key")))

	again := handler(t, inspect.Options{Stores: []inspect.Store{
		inspect.Source("sessions", s, inspect.SourceOptions[string, string]{}),
	}})
	require.NotEqual(t, hash, keys(read(t, again, page)), "another handler has other hashes")

	before, _ := s.Metadata("secret-key")
	require.Zero(t, before.Accesses, "to look leaves no trace")
}

// View is asked for with everything that is served.
func TestAuthorizeView(t *testing.T) {
	s := open(t, store.Options[string, int]{})
	var asked []inspect.Action
	h := handler(t, inspect.Options{
		Stores: []inspect.Store{inspect.Source("sessions", s, inspect.SourceOptions[string, int]{})},
		Authorize: func(r *http.Request, a inspect.Action) error {
			asked = append(asked, a)
			if r.Header.Get("X-Who") != "operator" {
				return fmt.Errorf("secret reason")
			}
			return nil
		},
	})
	for _, url := range []string{"", "live", "style.css", "action", "nothing"} {
		response := ask(h, httptest.NewRequest("GET", page+url, nil))
		require.Equal(t, http.StatusForbidden, response.StatusCode, url)
		body, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		require.NotContains(t, string(body), "secret")
	}
	require.Len(t, asked, 5)
	require.NotContains(t, asked, inspect.Unlock)
	r := httptest.NewRequest("GET", page, nil)
	r.Header.Set("X-Who", "operator")
	require.Equal(t, http.StatusOK, ask(h, r).StatusCode)
}

// A store that is closed is shown as it is: with nothing in it.
func TestClosedStore(t *testing.T) {
	s := open(t, store.Options[string, int]{Clock: nil, TTL: time.Hour})
	require.NoError(t, s.Set("a", 1))
	h := shown(t, s)
	require.Len(t, keys(read(t, h, page)), 1)
	require.NoError(t, s.Close())
	doc := read(t, h, page+"?q=a")
	require.Empty(t, keys(doc))
	require.Contains(t, doc.Find(".empty").Text(), "No entry matches")
}
