package inspect_test

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/inspect"
	"github.com/latchkey-go/latchkey/store"
)

// What a row says of an entry.
func TestRow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, store.Options[string, int]{TTL: 48 * time.Hour, IdleTimeout: 90 * time.Minute, MaxLease: time.Minute})
		defer s.Close()
		require.NoError(t, s.Set("a", 1))
		require.NoError(t, s.SetWithTTL("b", 2, 40*time.Second))
		time.Sleep(30 * time.Second)
		for range 1234 {
			_, err := s.Get("a")
			require.NoError(t, err)
		}
		require.NoError(t, s.Set("a", 3))
		time.Sleep(10*time.Second - 1)
		l, err := s.TryLock("a", time.Minute)
		require.NoError(t, err)
		h := handler(t, inspect.Options{Stores: []inspect.Store{
			inspect.Source("sessions", s, inspect.SourceOptions[string, int]{
				Key: itself, Render: func(key string, v int) string { return fmt.Sprintf("%s is %d", key, v) },
			}),
		}})
		doc := read(t, h, page)
		require.Equal(t, []string{"a", "b"}, keys(doc))
		row := doc.Find("tbody tr").First()
		for label, want := range map[string]string{
			"Value": "a is 3", "Status": "locked", "Created": "39 s ago", "Written": "9 s ago",
			"Accessed": "9 s ago", "Accesses": "1,234", "Expires in": "1 d 23 h",
			"Lock": fmt.Sprintf("fence %d, 1 min left", l.Fence()),
		} {
			require.Equal(t, want, cell(row, label), label)
		}
		row = doc.Find("tbody tr").Eq(1)
		require.Equal(t, "active", cell(row, "Status"))
		require.Equal(t, "0 s", cell(row, "Expires in"))
		time.Sleep(time.Nanosecond)
		require.Equal(t, []string{"a"}, keys(read(t, h, page)), "b is dead")
	})
}

// crowd makes a store of n entries, of which no two are alike in anything.
func crowd(t *testing.T, n int) *store.Store[string, int] {
	s := open(t, store.Options[string, int]{Capacity: n, TTL: 100 * time.Hour, IdleTimeout: 99 * time.Hour})
	random := rand.New(rand.NewPCG(1, 2))
	for i := range n {
		key := fmt.Sprintf("key-%d-%d", random.IntN(1000), i)
		require.NoError(t, s.SetWithTTL(key, i, time.Duration(1+random.IntN(1000))*time.Hour))
		for range random.IntN(5) {
			_, _ = s.Get(key)
		}
		if random.IntN(10) == 0 {
			_, err := s.TryLock(key, time.Duration(1+random.IntN(20))*time.Second)
			require.NoError(t, err)
		}
		time.Sleep(time.Millisecond)
	}
	return s
}

// Any order, one way and back, shows every entry once and in its place.
func TestPaging(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 333
		s := crowd(t, n)
		defer s.Close()
		h := shown(t, s)
		all := make(map[string]store.Metadata)
		for key, m := range s.AllMetadata() {
			all[key] = m
		}
		never := time.Unix(1<<40, 0)
		lock := func(m store.Metadata) time.Time {
			if m.LockedUntil.IsZero() {
				return never
			}
			return m.LockedUntil
		}
		for sort, order := range map[string]func(a, b string) int{
			"key":      strings.Compare,
			"created":  func(a, b string) int { return all[a].Created.Compare(all[b].Created) },
			"updated":  func(a, b string) int { return all[a].Updated.Compare(all[b].Updated) },
			"accessed": func(a, b string) int { return all[a].Accessed.Compare(all[b].Accessed) },
			"expires":  func(a, b string) int { return all[a].Expires.Compare(all[b].Expires) },
			"accesses": func(a, b string) int { return cmp.Compare(all[a].Accesses, all[b].Accesses) },
			"lock":     func(a, b string) int { return lock(all[a]).Compare(lock(all[b])) },
		} {
			for _, sign := range []string{"", "-"} {
				if sign == "-" {
					up := order
					order = func(a, b string) int { return up(b, a) }
				}
				there, pages := walk(t, h, page+"?sort="+sign+sort, "Next")
				require.Equal(t, 7, pages, sign+sort)
				require.Len(t, there, n, sign+sort)
				require.True(t, slices.IsSortedFunc(there, order), sign+sort)
				require.Len(t, slices.Compact(slices.Sorted(slices.Values(there))), n, "each once")

				back, pages := walk(t, h, page+"?page=last&sort="+sign+sort, "Previous")
				require.Equal(t, 7, pages, sign+sort)
				require.Equal(t, there, back, "the same order")
			}
		}
	})
}

// walk follows a link from page to page, and returns the keys in their order.
func walk(t *testing.T, h http.Handler, url, way string) (all []string, pages int) {
	t.Helper()
	for url != "" {
		doc := read(t, h, url)
		some := keys(doc)
		first := len(all) + 1
		if way == "Previous" {
			all = append(slices.Clone(some), all...)
		} else {
			require.Contains(t, doc.Find(".pages p").Text(), fmt.Sprintf("%d–%d of 333", first, len(all)+len(some)))
			all = append(all, some...)
		}
		pages++
		require.Less(t, pages, 100)
		url = link(doc, way)
	}
	return all, pages
}

// An entry that goes, or one that comes, moves no other from its page.
func TestPagingWhileEntriesComeAndGo(t *testing.T) {
	s := open(t, store.Options[string, int]{})
	for i := range 150 {
		require.NoError(t, s.Set(fmt.Sprintf("k%03d", i), i))
	}
	h := shown(t, s)
	first := read(t, h, page+"?sort=key")
	for _, key := range []string{"k000", "k049", "k050"} {
		require.NoError(t, s.Delete(key))
	}
	require.NoError(t, s.Set("k01x", 0))
	second := read(t, h, link(first, "Next"))
	require.Equal(t, "k051", keys(second)[0])
	require.Contains(t, second.Find(".pages p").Text(), "50–99 of 148 entries")
	back := read(t, h, link(second, "Previous"))
	require.Equal(t, "k001", keys(back)[0])
	require.Contains(t, keys(back), "k01x")
	require.Contains(t, back.Find(".pages p").Text(), "1–49 of 148 entries")
	require.Empty(t, link(back, "Previous"))
	require.Empty(t, link(back, "First"))
}

func TestSearch(t *testing.T) {
	s := open(t, store.Options[string, int]{})
	for i := range 120 {
		require.NoError(t, s.Set(fmt.Sprintf("Visitor-%03d", i), i*i))
	}
	_, err := s.TryLock("Visitor-007", 0)
	require.NoError(t, err)
	keysOnly := shown(t, s)
	both := handler(t, inspect.Options{Stores: []inspect.Store{
		inspect.Source("sessions", s, inspect.SourceOptions[string, int]{
			Key: itself, Render: func(_ string, v int) string { return fmt.Sprintf("Cart of %d.", v) },
		}),
	}})
	search := func(h http.Handler, query string) *goquery.Document {
		return read(t, h, page+"?sort=key&"+query)
	}
	require.Equal(t, []string{"Visitor-007"}, keys(search(keysOnly, "q=-007")))
	require.Equal(t, []string{"Visitor-110"}, keys(search(keysOnly, "q="+url.QueryEscape("  vISITOR-110 "))))
	require.Empty(t, keys(search(keysOnly, "q=cart")), "values are not shown, nor looked at")
	require.Equal(t, []string{"Visitor-011"}, keys(search(both, "q="+url.QueryEscape("OF 121."))))
	require.Equal(t, []string{"Visitor-007"}, keys(search(keysOnly, "status=locked")))
	require.Len(t, keys(search(keysOnly, "status=active&q=-00")), 9)
	require.Empty(t, keys(search(keysOnly, "status=locked&q=-008")))

	doc := search(keysOnly, "q=-1")
	require.Contains(t, doc.Find(".pages p").Text(), "1–20 of 20 matches")
	require.Equal(t, "-1", doc.Find("#q").AttrOr("value", ""))
	all := read(t, keysOnly, link(doc, "Show all"))
	require.Contains(t, all.Find(".pages p").Text(), "1–50 of 120 entries")

	found := search(keysOnly, "q=visitor&status=active") // pages of a search
	require.Contains(t, found.Find(".pages p").Text(), "1–50 of 119 matches")
	next := read(t, keysOnly, link(found, "Next"))
	require.Contains(t, next.Find(".pages p").Text(), "51–100 of 119 matches")
	require.Equal(t, "visitor", next.Find("#q").AttrOr("value", ""))
	require.Equal(t, "active", next.Find("#status option[selected]").AttrOr("value", ""))
}

// The headings sort, say how, and turn the order round.
func TestHeadings(t *testing.T) {
	s := open(t, store.Options[string, int]{})
	for _, key := range []string{"b", "a", "c"} {
		require.NoError(t, s.Set(key, 0))
	}
	h := shown(t, s)
	doc := read(t, h, page)
	require.Equal(t, "descending", doc.Find("th[aria-sort]").AttrOr("aria-sort", ""))
	require.Equal(t, "Accessed", strings.TrimSpace(doc.Find("th[aria-sort]").Text()))
	doc = read(t, h, link(doc, "Key"))
	require.Equal(t, []string{"a", "b", "c"}, keys(doc))
	require.Equal(t, "ascending", doc.Find("th[aria-sort]").AttrOr("aria-sort", ""))
	doc = read(t, h, link(doc, "Key"))
	require.Equal(t, []string{"c", "b", "a"}, keys(doc))
}

// Sorted by hashes, where keys are not shown.
func TestSortByHiddenKeys(t *testing.T) {
	s := open(t, store.Options[string, int]{})
	for i := range 120 {
		require.NoError(t, s.Set(fmt.Sprint(i), 0))
	}
	h := handler(t, inspect.Options{Stores: []inspect.Store{inspect.Source("s", s, inspect.SourceOptions[string, int]{})}})
	doc := read(t, h, page+"?sort=key")
	first := keys(doc)
	require.True(t, slices.IsSorted(first))
	second := keys(read(t, h, link(doc, "Next")))
	require.True(t, slices.IsSorted(second))
	require.Less(t, first[len(first)-1], second[0])
}

// A request that has no time left says that it has not seen all.
func TestOutOfTime(t *testing.T) {
	s := open(t, store.Options[string, int]{Capacity: 5000})
	for i := range 5000 {
		require.NoError(t, s.Set(fmt.Sprint(i), 0))
	}
	ctx, cancel := context.WithCancel(context.Background())
	rendered := 0
	h := handler(t, inspect.Options{Stores: []inspect.Store{
		inspect.Source("s", s, inspect.SourceOptions[string, int]{
			Key: itself,
			Render: func(string, int) string {
				if rendered++; rendered == 2000 {
					cancel()
				}
				return ""
			},
		}),
	}})
	r := httptest.NewRequest("GET", page+"?q=x", nil).WithContext(ctx)
	doc, err := goquery.NewDocumentFromReader(ask(h, r).Body)
	require.NoError(t, err)
	require.Contains(t, doc.Find(".outcome.warn").Text(), "not enough time")
	require.Less(t, rendered, 3100)
}
