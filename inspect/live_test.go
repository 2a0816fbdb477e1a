package inspect_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/inspect"
	"github.com/latchkey-go/latchkey/internal/testenv"
	"github.com/latchkey-go/latchkey/persist"
	"github.com/latchkey-go/latchkey/store"
)

// session is what the stores of these tests are of.
type session struct {
	User  string
	Items int
}

// shop is a page of two stores, with all that it can do.
func shop(t testing.TB, authorize func(*http.Request, inspect.Action) error) (*store.Store[string, session], http.Handler) {
	s := open(t, store.Options[string, session]{
		Capacity: 3000, TTL: 8 * time.Hour, IdleTimeout: time.Hour, Persist: persist.Config{Dir: t.TempDir()},
	})
	carts := open(t, store.Options[int, []string]{})
	for i := range 30 {
		require.NoError(t, carts.Set(i, []string{"tea"}))
	}
	return s, handler(t, inspect.Options{
		Stores: []inspect.Store{
			inspect.Source("sessions", s, inspect.SourceOptions[string, session]{
				Render: func(_ string, v session) string { return fmt.Sprintf("%s, %d items", v.User, v.Items) },
			}),
			inspect.Source("carts", carts, inspect.SourceOptions[int, []string]{
				Key: func(id int) string { return fmt.Sprint("cart ", id) },
			}),
		},
		Actions: allActions, Authorize: authorize,
	})
}

// The page goes on by itself: numbers and charts follow what happens in the store.
func TestLive(t *testing.T) {
	s, h := shop(t, everybody)
	b := newTab(t, 1280, 900, "light")
	b.do(chromedp.Navigate(mounted(t, h)))
	b.until(`document.getElementById("live-state").textContent === "Live"`)
	b.until(`document.querySelector('[data-text="entries entries"]').textContent === "0"`)
	line := `document.querySelector('[data-path="operations reads"]').getAttribute("d")`
	before := eval[string](b, line)
	for i := range 1000 {
		require.NoError(t, s.Set(fmt.Sprint(i), session{"Ada", i}))
		_, _ = s.Get(fmt.Sprint(i))
	}
	b.until(`document.querySelector('[data-text="entries entries"]').textContent === "1,000"`)
	b.until(`document.querySelector('[data-text="hits ratio"]').textContent === "100 %"`)
	require.NotEqual(t, before, eval[string](b, line))
	require.Greater(t, eval[float64](b, `document.querySelector('[data-path="entries entries"]').getBBox().height`), 0.0)

	b.do(chromedp.Click("#pause", chromedp.ByQuery)) // what moves can be stopped
	b.until(`document.getElementById("live-state").textContent === "Paused"`)
	require.NoError(t, s.Set("another", session{}))
	b.do(chromedp.Click("#pause", chromedp.ByQuery))
	b.until(`document.querySelector('[data-text="entries entries"]').textContent === "1,001"`)
	b.requireQuiet()
}

// What can be pressed does what it says, if that is allowed.
func TestBrowserActions(t *testing.T) {
	var may atomic.Bool
	may.Store(true)
	s, h := shop(t, func(_ *http.Request, a inspect.Action) error {
		if a != inspect.View && !may.Load() {
			return errNo
		}
		return nil
	})
	require.NoError(t, s.Set("a", session{"Ada", 1}))
	lease, err := s.TryLock("a", 0)
	require.NoError(t, err)
	b := newTab(t, 1280, 900, "dark")
	url := mounted(t, h)
	b.do(chromedp.Navigate(url))
	require.Equal(t, []string{"locked"}, b.texts("tbody .status"))
	b.do(chromedp.Click("tbody summary", chromedp.ByQuery))
	require.True(t, eval[bool](b, `document.querySelector("button[value=delete]").disabled`))
	b.follow("button[value=unlock]")
	require.Equal(t, []string{"The lease was taken from its holder."}, b.texts(".outcome"))
	require.Equal(t, store.ErrLeaseLost, lease.Unlock())
	b.follow("button[value=snapshot]")
	require.EqualValues(t, 1, s.Stats().Snapshots)
	b.do(chromedp.Click("tbody summary", chromedp.ByQuery))
	b.follow("button[value=delete]")
	require.Equal(t, []string{"The entry was deleted."}, b.texts(".outcome"))
	require.False(t, s.Has("a"))
	b.requireQuiet()

	require.NoError(t, s.Set("b", session{"Bob", 1}))
	b.do(chromedp.Navigate(url))
	may.Store(false)
	b.do(chromedp.Click("tbody summary", chromedp.ByQuery))
	response, err := chromedp.RunResponse(b.ctx, chromedp.Click("button[value=delete]", chromedp.ByQuery))
	require.NoError(t, err)
	require.EqualValues(t, http.StatusForbidden, response.Status)
	require.True(t, s.Has("b"))
}

// Another site can't press anything, though the browser has the cookie.
func TestCrossSite(t *testing.T) {
	s, h := shop(t, everybody)
	require.NoError(t, s.Set("a", session{"Ada", 1}))
	url := mounted(t, h)
	b := newTab(t, 1280, 900, "light")
	b.do(chromedp.Navigate(url), chromedp.Click("tbody summary", chromedp.ByQuery))
	form := eval[string](b, `document.querySelector("tbody form").outerHTML`)
	// All that the page's form has, on another site that has somehow got hold of it.
	form = strings.Replace(form, `action="action"`, `action="`+url+`action"`, 1)
	require.Contains(t, form, url)
	evil := mounted(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte(form))
	}))
	for _, host := range []string{"127.0.0.1", "localhost"} {
		b.do(chromedp.Navigate(strings.Replace(evil, "127.0.0.1", host, 1)))
		response, err := chromedp.RunResponse(b.ctx, chromedp.Click("button[value=delete]", chromedp.ByQuery))
		require.NoError(t, err)
		require.EqualValues(t, http.StatusForbidden, response.Status, host)
		require.True(t, s.Has("a"))
	}
}

// A page of hostile keys and values runs none of them.
func TestHostileInBrowser(t *testing.T) {
	s := open(t, store.Options[string, string]{})
	for _, text := range hostile {
		require.NoError(t, s.Set(text, text))
	}
	h := handler(t, inspect.Options{Stores: []inspect.Store{
		inspect.Source("a < b", s, inspect.SourceOptions[string, string]{Key: itself, Render: func(_, v string) string { return v }}),
	}})
	b := newTab(t, 1280, 900, "light")
	b.do(chromedp.Navigate(mounted(t, h)))
	b.until(`document.getElementById("live-state").textContent === "Live"`)
	require.Len(t, b.texts("tbody tr"), len(hostile))
	require.Equal(t, []string{"a < b"}, b.texts("h1"))
	b.requireQuiet()
}

// For keyboards: the first Tab leads past what comes before the entries, and all can
// be reached.
func TestKeyboard(t *testing.T) {
	s, h := shop(t, everybody)
	require.NoError(t, s.Set("a", session{"Ada", 1}))
	b := newTab(t, 1280, 900, "light")
	b.do(chromedp.Navigate(mounted(t, h)), chromedp.KeyEvent("\t"))
	require.Equal(t, "Skip to the entries", eval[string](b, `document.activeElement.textContent`))
	require.GreaterOrEqual(t, eval[float64](b, `document.activeElement.getBoundingClientRect().top`), 0.0)
	b.do(chromedp.KeyEvent("\r"))
	b.until(`document.activeElement.id === "entries"`)
	b.do(chromedp.KeyEvent("\t"))
	require.Equal(t, "q", eval[string](b, `document.activeElement.id`))
	seen := make(map[string]bool)
	for range 20 {
		b.do(chromedp.KeyEvent("\t"))
		seen[eval[string](b, `document.activeElement.tagName + " " + (document.activeElement.textContent || "").trim().slice(0, 7)`)] = true
	}
	for _, want := range []string{"BUTTON Search", "A Key", "A Accesse", "SUMMARY Actions"} {
		require.True(t, seen[want], "%s in %v", want, seen)
	}
	b.requireQuiet()
}

// axe finds nothing wrong, in both themes and at two widths, with and without
// entries.
func TestAccessibility(t *testing.T) {
	axe, err := os.ReadFile("../.bin/axe-core/package/axe.min.js")
	if err != nil {
		testenv.Missing(t, "axe-core is not there (make chromium fetches it, with npm)")
	}
	s, h := shop(t, everybody)
	for i := range 120 {
		require.NoError(t, s.Set(fmt.Sprint(i), session{"Ada", i}))
	}
	_, err = s.TryLock("7", 0)
	require.NoError(t, err)
	url := mounted(t, h)
	for _, colours := range []string{"light", "dark"} {
		for _, width := range []int64{1280, 390} {
			b := newTab(t, width, 900, colours)
			queries := []string{"?status=locked", "?outcome=deleted"}
			if colours == "light" && width > 1000 {
				queries = append(queries, "?q=nobody", "?store=carts")
			}
			for _, query := range queries {
				b.do(chromedp.Navigate(url + query))
				b.until(`document.getElementById("live-state").textContent === "Live"`)
				b.do(chromedp.Evaluate(string(axe), nil))
				found := eval[[]struct {
					ID, Impact, Help string
					Nodes            []struct{ HTML string }
				}](b, `axe.run().then((r) => r.violations.map((v) => ({id: v.id, impact: v.impact, help: v.help,
					nodes: v.nodes.map((n) => ({html: n.html}))})))`)
				assert.Empty(t, found, "%s, %d wide, %q", colours, width, query)
			}
			require.LessOrEqual(t, eval[int64](b, `document.documentElement.scrollWidth`), width, "it does not scroll sideways")
			b.requireQuiet()
		}
	}
}

// Without JavaScript, the page can be read, searched and paged through.
func TestWithoutScript(t *testing.T) {
	s, h := shop(t, everybody)
	for i := range 120 {
		require.NoError(t, s.Set(fmt.Sprint(i), session{"Ada", i}))
	}
	b := newTab(t, 1280, 900, "light")
	b.do(emulation.SetScriptExecutionDisabled(true), chromedp.Navigate(mounted(t, h)))
	require.False(t, shows(b, "#pause"))
	require.True(t, shows(b, ".chart svg"))
	b.do(chromedp.SendKeys("#q", "ada, 11", chromedp.ByQuery))
	b.follow(".search button")
	var html string
	b.do(chromedp.OuterHTML("tbody", &html, chromedp.ByQuery))
	require.Equal(t, 11, strings.Count(html, "<tr ")) // 11, 110 to 119
	b.follow(".search a.button")
	b.follow(`.pages a[rel="next"]`)
	b.do(chromedp.OuterHTML(".pages p", &html, chromedp.ByQuery))
	require.Contains(t, html, "51–100 of 120 entries")
}

// shows reports whether an element is to be seen, without asking a script.
func shows(b *tab, selector string) bool {
	b.t.Helper()
	var nodes []*cdp.Node
	b.do(chromedp.Nodes(selector, &nodes, chromedp.ByQuery))
	seen := false
	b.do(chromedp.ActionFunc(func(ctx context.Context) error {
		_, err := dom.GetBoxModel().WithNodeID(nodes[0].NodeID).Do(ctx)
		seen = err == nil // it has no box
		return nil
	}))
	return seen
}
