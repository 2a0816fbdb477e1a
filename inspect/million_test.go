package inspect_test

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/inspect"
	"github.com/latchkey-go/latchkey/internal/testenv"
	"github.com/latchkey-go/latchkey/store"
)

// million makes a page of a store with a million entries; fewer under the race
// detector.
func million(t testing.TB) (*store.Store[string, int], http.Handler, int) {
	n := 1_000_000
	if testenv.Race {
		n = 50_000
	}
	s := open(t, store.Options[string, int]{Capacity: n, TTL: 24 * time.Hour})
	for i := range n {
		require.NoError(t, s.Set(fmt.Sprintf("visitor-%07d", i), i))
	}
	return s, shown(t, s), n
}

// Search, order and pages work with a million entries, and in a real browser.
func TestMillion(t *testing.T) {
	s, h, n := million(t)
	b := newTab(t, 1280, 900, "light")
	b.do(chromedp.Navigate(mounted(t, h)))
	last := fmt.Sprintf("visitor-%07d", n-1)
	require.Equal(t, last, b.texts("tbody th")[0], "the latest is first")
	require.Equal(t, []string{fmt.Sprintf("1–50 of %s entries", grouped(n))}, b.texts(".pages p"))

	b.do(chromedp.SendKeys("#q", "or-0012345", chromedp.ByQuery))
	b.follow(".search button")
	require.Equal(t, []string{"visitor-0012345"}, b.texts("tbody th"))
	b.follow(".search a.button")

	b.follow("thead th:first-child a") // by key
	require.Equal(t, "visitor-0000000", b.texts("tbody th")[0])
	b.follow(`.pages a[rel="next"]`)
	require.Equal(t, "visitor-0000050", b.texts("tbody th")[0])
	b.follow(`.pages li:last-child a`)
	rows := b.texts("tbody th")
	require.Equal(t, last, rows[len(rows)-1])
	b.follow(`.pages a[rel="prev"]`)
	require.Equal(t, fmt.Sprintf("visitor-%07d", n-100), b.texts("tbody th")[0])
	b.requireQuiet()
	require.Empty(t, b.texts(".outcome.warn"), "there was time for all")
	require.EqualValues(t, n, s.Stats().Sets)
}

func grouped(n int) string {
	if n >= 1_000_000 {
		return fmt.Sprintf("%d,%03d,%03d", n/1_000_000, n/1000%1000, n%1000)
	}
	return fmt.Sprintf("%d,%03d", n/1000, n%1000)
}

// Pages that are looked for at the same time wait for each other, and each is right.
func TestManyReadersOfManyEntries(t *testing.T) {
	s := open(t, store.Options[string, int]{Capacity: 20_000})
	for i := range 20_000 {
		require.NoError(t, s.Set(fmt.Sprintf("k%05d", i), i))
	}
	h := handler(t, inspect.Options{Stores: []inspect.Store{
		inspect.Source("s", s, inspect.SourceOptions[string, int]{Key: itself, Render: func(_ string, v int) string { return fmt.Sprint(v) }}),
	}})
	server := serve(t, h)
	done := make(chan string)
	for i := range 16 {
		go func() {
			response, err := http.Get(server.URL + page + "?q=" + url.QueryEscape(fmt.Sprintf("k%05d", 1000*i)))
			if err != nil {
				done <- err.Error()
				return
			}
			defer response.Body.Close()
			doc, err := goquery.NewDocumentFromReader(response.Body)
			if err != nil || len(keys(doc)) != 1 {
				done <- fmt.Sprint(err, keys(doc))
				return
			}
			done <- ""
		}()
	}
	for range 16 {
		require.Empty(t, <-done)
	}
}
