package main

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/examples/sessions/shop"
)

// start serves the shop as a server before it would let it be seen: by HTTPS.
func start(t *testing.T, dir string) (*app, *httptest.Server) {
	a, err := open(settings{https: true, dir: dir, secret: "of this test"}, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	server := httptest.NewTLSServer(a.shop)
	t.Cleanup(func() {
		server.Close()
		require.NoError(t, a.close())
	})
	return a, server
}

func TestCart(t *testing.T) {
	a, server := start(t, t.TempDir())
	ada, bob := login(t, server, "Ada"), login(t, server, "Bob")
	require.Contains(t, ada.post("/cart", "item", "tea"), "<li>tea</li>")
	require.Contains(t, ada.post("/cart", "item", "milk"), "2 in your cart")
	require.Contains(t, bob.get(), "0 in your cart")
	require.Contains(t, ada.post("/checkout"), "0 in your cart")
	require.Contains(t, ada.post("/checkout"), "409 the cart is empty")
	require.Contains(t, ada.post("/logout"), "Welcome")
	require.Contains(t, ada.post("/cart", "item", "tea"), "Welcome")
	require.Contains(t, ada.post("/checkout"), "Welcome")
	require.Contains(t, bob.get(), "Hello, Bob")
	require.Equal(t, 1, a.sessions.Stats().Entries, "Bob's")
}

func TestAddsAtOnceAreNotLost(t *testing.T) {
	a, server := start(t, t.TempDir())
	ada := login(t, server, "Ada")
	const adds = 64
	var all sync.WaitGroup
	for i := range adds {
		all.Go(func() { ada.post("/cart", "item", fmt.Sprint("tea ", i)) })
	}
	all.Wait()
	page := ada.get()
	for i := range adds {
		require.Contains(t, page, fmt.Sprintf("<li>tea %d</li>", i))
	}
	require.Contains(t, page, fmt.Sprintf("%d in your cart", adds))
	require.Zero(t, a.sessions.Stats().Locked)
}

func TestOldCookieIsDead(t *testing.T) {
	_, server := start(t, t.TempDir())
	ada := login(t, server, "Ada")
	old := ada.cookie()
	require.Contains(t, ada.post("/logout"), "Welcome")
	require.Nil(t, ada.cookie())

	thief := browse(t, server)
	thief.take(old)
	require.Contains(t, thief.get(), "Welcome")
	require.Contains(t, thief.post("/cart", "item", "tea"), "Welcome")
}

// A token that was there before the login is worth nothing after it, and what was in
// its cart is not hers.
func TestLoginRenewsTheToken(t *testing.T) {
	_, server := start(t, t.TempDir())
	mallory := login(t, server, "Mallory")
	mallory.post("/cart", "item", "poison")
	known := mallory.cookie()
	ada := browse(t, server)
	ada.take(known)
	require.Contains(t, ada.get(), "Hello, Mallory")
	page := ada.post("/login", "user", "Ada")
	require.Contains(t, page, "Hello, Ada")
	require.Contains(t, page, "0 in your cart")
	require.NotEqual(t, known.Value, ada.cookie().Value)
	require.Contains(t, mallory.get(), "Welcome")
}

func TestRestart(t *testing.T) {
	dir := t.TempDir()
	a, server := start(t, dir)
	ada, bob := login(t, server, "Ada"), login(t, server, "Bob")
	ada.post("/cart", "item", "tea")
	old := bob.cookie()
	bob.post("/logout")
	require.NoError(t, a.close())
	require.Contains(t, ada.get(), "503 ", "no longer")

	_, server = start(t, dir)
	again := browse(t, server)
	again.take(ada.cookie())
	require.Contains(t, again.get(), "Hello, Ada")
	require.Contains(t, again.get(), "<li>tea</li>")
	again.take(old)
	require.Contains(t, again.get(), "Welcome")

	files, err := filepath.Glob(filepath.Join(dir, "*"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, name := range files {
		data, err := os.ReadFile(name)
		require.NoError(t, err)
		require.NotContains(t, string(data), ada.cookie().Value)
	}
}

func TestCookie(t *testing.T) {
	for _, https := range []bool{true, false} {
		a, err := open(settings{https: https}, slog.New(slog.DiscardHandler))
		require.NoError(t, err)
		request := httptest.NewRequest(http.MethodPost, "/login", strings.NewReader(url.Values{"user": {"Ada"}}.Encode()))
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		answer := httptest.NewRecorder()
		a.shop.ServeHTTP(answer, request)
		require.NoError(t, a.close())
		cookies := answer.Result().Cookies()
		require.Len(t, cookies, 1)
		c := cookies[0]
		require.Equal(t, https, c.Secure)
		require.Equal(t, https, strings.HasPrefix(c.Name, "__Host-"))
		require.True(t, c.HttpOnly)
		require.Equal(t, http.SameSiteLaxMode, c.SameSite)
		require.Equal(t, "/", c.Path)
		require.Empty(t, c.Domain)
	}
}

func TestBadInput(t *testing.T) {
	_, server := start(t, t.TempDir())
	nobody := browse(t, server)
	require.Contains(t, nobody.post("/login", "user", ""), "400 user: 1 to 100 bytes")
	require.Contains(t, nobody.post("/login", "user", strings.Repeat("a", 5000)), "413 ")
	require.Nil(t, nobody.cookie())

	ada := login(t, server, "Ada")
	require.Contains(t, ada.post("/cart", "item", "<script>"), "<li>&lt;script&gt;</li>")
	for range shop.MaxCart {
		ada.post("/cart", "item", "tea")
	}
	require.Contains(t, ada.post("/cart", "item", "tea"), "409 the cart is full")

	request, err := http.NewRequest(http.MethodPost, server.URL+"/logout", nil)
	require.NoError(t, err)
	request.Header.Set("Sec-Fetch-Site", "cross-site")
	response, err := ada.client.Do(request)
	require.NoError(t, err)
	require.Contains(t, read(t, response), "403 ")
	require.Contains(t, ada.get(), "Hello, Ada")
}
