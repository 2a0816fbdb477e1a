package inspect_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/inspect"
	"github.com/latchkey-go/latchkey/store"
)

// update is what is streamed.
type update struct {
	Texts, Paths map[string]string
	Bad          map[string]bool
}

// event reads the next event of a stream.
func event(t testing.TB, in *bufio.Reader) (u update, err error) {
	t.Helper()
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return u, err
		}
		if data, ok := strings.CutPrefix(line, "data: "); ok {
			require.NoError(t, json.Unmarshal([]byte(data), &u))
			end, err := in.ReadString('\n')
			require.NoError(t, err)
			require.Equal(t, "\n", end)
			return u, nil
		}
	}
}

// serve starts a real server, which ends its streams when the test ends.
func serve(t testing.TB, h http.Handler) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return server
}

// stream opens a stream of a real server.
func stream(t testing.TB, url string) (*bufio.Reader, *http.Response) {
	t.Helper()
	response, err := http.Get(url)
	require.NoError(t, err)
	t.Cleanup(func() { _ = response.Body.Close() })
	return bufio.NewReader(response.Body), response
}

// live returns the first that is streamed.
func live(t testing.TB, h http.Handler, path string) update {
	t.Helper()
	in, response := stream(t, serve(t, h).URL+path)
	require.Equal(t, http.StatusOK, response.StatusCode)
	require.Equal(t, "text/event-stream", response.Header.Get("Content-Type"))
	u, err := event(t, in)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	return u
}

// What is streamed is what the page shows, under the same keys, and goes on.
func TestStream(t *testing.T) {
	s := open(t, store.Options[string, int]{})
	server := serve(t, shown(t, s))
	require.NoError(t, s.Set("a", 1))
	in, _ := stream(t, server.URL+page+"live?store=sessions")
	first, err := event(t, in)
	require.NoError(t, err)
	require.Equal(t, "1", first.Texts["entries entries"])

	doc := read(t, shown(t, s), page)
	for _, c := range []struct{ attribute, of string }{{"data-text", "texts"}, {"data-path", "paths"}} {
		keys := doc.Find("[" + c.attribute + "]")
		require.Equal(t, map[string]int{"texts": len(first.Texts), "paths": len(first.Paths)}[c.of], keys.Length())
		for _, node := range keys.EachIter() {
			key := node.AttrOr(c.attribute, "")
			_, text := first.Texts[key]
			_, path := first.Paths[key]
			require.True(t, text || path, key)
		}
	}

	require.NoError(t, s.Set("b", 2))
	_, _ = s.Get("b")
	next, err := event(t, in) // a second later
	require.NoError(t, err)
	require.Equal(t, "2", next.Texts["entries entries"])
	require.Equal(t, "100 %", next.Texts["hits ratio"])
	require.NotEqual(t, first.Paths["entries entries"], next.Paths["entries entries"])
}

// A server that is shut down need not wait for streams.
func TestShutdown(t *testing.T) {
	server := serve(t, shown(t, open(t, store.Options[string, int]{})))
	in, _ := stream(t, server.URL+page+"live")
	_, err := event(t, in)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	require.NoError(t, server.Config.Shutdown(ctx))
	for err == nil {
		_, err = event(t, in)
	}
	require.Error(t, err)
}

// A stream outlives the server's WriteTimeout.
func TestStreamOutlivesWriteTimeout(t *testing.T) {
	server := httptest.NewUnstartedServer(shown(t, open(t, store.Options[string, int]{})))
	server.Config.WriteTimeout = 1500 * time.Millisecond
	server.Start()
	t.Cleanup(server.Close)
	in, _ := stream(t, server.URL+page+"live")
	for range 4 {
		_, err := event(t, in)
		require.NoError(t, err)
	}
}

func TestTooManyStreams(t *testing.T) {
	server := serve(t, shown(t, open(t, store.Options[string, int]{})))
	var last *http.Response
	for range 32 {
		in, response := stream(t, server.URL+page+"live")
		_, err := event(t, in)
		require.NoError(t, err)
		last = response
	}
	_, refused := stream(t, server.URL+page+"live")
	require.Equal(t, http.StatusServiceUnavailable, refused.StatusCode)
	require.NoError(t, last.Body.Close())
	require.Eventually(t, func() bool { // once the server has noticed
		response, err := http.Get(server.URL + page + "live")
		if err != nil {
			return false
		}
		_ = response.Body.Close()
		return response.StatusCode == http.StatusOK
	}, 20*time.Second, 100*time.Millisecond)
}

// unflushable is a writer that streams can't go through.
type unflushable struct{ header http.Header }

func (u unflushable) Header() http.Header            { return u.header }
func (unflushable) Write(b []byte) (int, error)      { return len(b), nil }
func (unflushable) WriteHeader(int)                  {}
func (unflushable) SetWriteDeadline(time.Time) error { return errors.ErrUnsupported }

// Behind middleware that can't flush, a stream ends at once.
func TestUnflushable(t *testing.T) {
	h := shown(t, open(t, store.Options[string, int]{}))
	h.ServeHTTP(unflushable{make(http.Header)}, httptest.NewRequest("GET", page+"live", nil))
}

// watcher looks at a stream in a bubble.
type watcher struct {
	end    context.CancelFunc
	header http.Header

	mu  sync.Mutex // guards out
	out bytes.Buffer
}

func (w *watcher) Header() http.Header { return w.header }
func (w *watcher) WriteHeader(int)     {}
func (w *watcher) Flush()              {}

func (w *watcher) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.out.Write(b)
}

func watch(h http.Handler) *watcher {
	ctx, end := context.WithCancel(context.Background())
	w := &watcher{end: end, header: make(http.Header)}
	go h.ServeHTTP(w, httptest.NewRequest("GET", page+"live", nil).WithContext(ctx))
	synctest.Wait()
	return w
}

// last returns what was streamed last.
func (w *watcher) last(t testing.TB) (u update) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	events := strings.Split(strings.TrimSpace(w.out.String()), "\n\n")
	_, data, ok := strings.Cut(events[len(events)-1], "data: ")
	require.True(t, ok)
	require.NoError(t, json.Unmarshal([]byte(data), &u))
	return u
}

// Samples are taken once a second while somebody looks and five minutes after, and
// then not at all.
func TestSampling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, store.Options[string, int]{})
		defer s.Close()
		h := shown(t, s)
		counted := func() int { // vertices of a line
			path := read(t, h, page).Find(`[data-path="entries entries"]`).AttrOr("d", "")
			return strings.Count(path, "l") + strings.Count(path, "M")
		}
		time.Sleep(time.Hour)
		require.Equal(t, 1, counted(), "none were taken before")
		time.Sleep(10 * time.Second)
		synctest.Wait()
		require.Equal(t, 11, counted(), "nor is one taken for a look")
		w := watch(h)
		defer w.end()
		time.Sleep(20 * time.Minute)
		synctest.Wait()
		require.Equal(t, 301, counted(), "those of five minutes")
		w.end()
		synctest.Wait()
		time.Sleep(4 * time.Minute)
		require.Equal(t, 301, counted(), "that was a look")
		time.Sleep(6 * time.Minute)
		require.Equal(t, 1, counted(), "it had ended")
		time.Sleep(6 * time.Minute)
	})
}

// Charts show what has happened, when it has.
func TestCharts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, store.Options[string, int]{Capacity: 10})
		defer s.Close()
		h := handler(t, inspect.Options{Stores: []inspect.Store{
			inspect.Source("sessions", s, inspect.SourceOptions[string, int]{}),
		}})
		w := watch(h)
		defer w.end()
		require.Equal(t, "–", w.last(t).Texts["hits ratio"])
		require.Equal(t, "–", w.last(t).Texts["operations reads"])
		time.Sleep(50 * time.Millisecond)
		for i := range 40 { // four times what fits
			require.NoError(t, s.Set(string(rune('a'+i)), i))
			for range 3 {
				_, _ = s.Get(string(rune('a' + i)))
			}
			_, _ = s.Get("nobody")
			time.Sleep(100 * time.Millisecond)
		}
		synctest.Wait()
		u := w.last(t)
		for key, want := range map[string]string{
			"hits ratio": "75 %", "hits top": "100 %",
			"operations reads": "40/s", "operations writes": "10/s", "operations refused": "0/s", "operations top": "50/s",
			"entries entries": "10", "entries capacity": "10", "entries top": "10",
			"removals evicted": "10/s", "removals expired": "0/s", "age median": "1 s", "age youngest": "1 s",
			"card sessions entries": "10", "card sessions hits": "75 %", "card sessions operations": "50/s",
			"locks locked": "0", "waits p99": "–",
		} {
			require.Equal(t, want, u.Texts[key], key)
		}
		require.Equal(t, "M2960 0h0l10 0l10 0l10 0l10 0", u.Paths["entries capacity"])
		require.Equal(t, "M2970 160h0l10 0l10 0l10 0", u.Paths["operations reads"], "40 of 50, 800 high")

		a := string(rune('a' + 39))
		l, err := s.TryLock(a, 0)
		require.NoError(t, err)
		go func() {
			l, err := s.Lock(context.Background(), a, 0)
			if err == nil {
				_ = l.Unlock()
			}
		}()
		time.Sleep(1500 * time.Millisecond)
		_, err = s.Get(a)
		require.Equal(t, store.ErrLocked, err)
		time.Sleep(500 * time.Millisecond)
		synctest.Wait()
		require.Equal(t, "1", w.last(t).Texts["locks waiting"])
		require.Equal(t, "1/s", w.last(t).Texts["operations refused"])
		require.NoError(t, l.Unlock())
		time.Sleep(time.Second)
		synctest.Wait()
		require.Equal(t, "2 s", w.last(t).Texts["waits p99"])
		time.Sleep(time.Minute)
		synctest.Wait()
		require.Equal(t, "–", w.last(t).Texts["waits p99"], "nobody has waited lately")
		require.Equal(t, "–", w.last(t).Texts["hits ratio"])
		require.Equal(t, "0/s", w.last(t).Texts["operations reads"])
		require.Equal(t, 1, strings.Count(w.last(t).Paths["hits ratio"], "M"))
		w.end()
		time.Sleep(kept)
	})
}

const kept = 6 * time.Minute // longer than samples are taken after a look

// A store with a Weigher has a chart of its weight.
func TestWeightChart(t *testing.T) {
	s := open(t, store.Options[string, int]{Weigher: func(string, int) uint32 { return 700 }})
	h := shown(t, s)
	require.Zero(t, read(t, h, page).Find(`[data-path="weight weight"]`).Length())
	for _, key := range []string{"a", "b"} {
		require.NoError(t, s.Set(key, 1))
	}
	doc := read(t, shown(t, s), page)
	require.Equal(t, "1.4k", doc.Find(`[data-text="weight weight"]`).Text())
}
