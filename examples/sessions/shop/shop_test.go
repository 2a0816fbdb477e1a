package shop

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/store"
	"github.com/latchkey-go/latchkey/storetest"
)

// open opens a shop in memory and serves it.
func open(t *testing.T) (*Shop, *httptest.Server, *storetest.Clock) {
	clock := storetest.NewClock(t)
	sessions, err := store.New(store.Options[string, Session]{TTL: 24 * time.Hour, IdleTimeout: 30 * time.Minute, Clock: clock})
	require.NoError(t, err)
	s := New(sessions.Shared(), slog.New(slog.DiscardHandler))
	server := httptest.NewTLSServer(s.Handler())
	t.Cleanup(func() {
		server.Close()
		require.NoError(t, sessions.Close())
	})
	return s, server, clock
}

// count returns how many sessions there are.
func count(t *testing.T, s *Shop) int {
	n, err := s.sessions.Len(t.Context())
	require.NoError(t, err)
	return n
}

func TestCart(t *testing.T) {
	s, server, _ := open(t)
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
	require.Equal(t, 1, count(t, s), "Bob's")
}

func TestAddsAtOnceAreNotLost(t *testing.T) {
	s, server, _ := open(t)
	ada := login(t, server, "Ada")
	const adds = 64
	var all sync.WaitGroup
	for i := range adds {
		all.Go(func() { ada.post("/cart", "item", fmt.Sprintf("tea %d", i)) })
	}
	all.Wait()
	page := ada.get()
	for i := range adds {
		require.Contains(t, page, fmt.Sprintf("<li>tea %d</li>", i))
	}

	// The worst moment for a second request: between a first one's reading
	// and its writing.
	var second sync.Once
	require.NoError(t, s.change(t.Context(), keyOf(ada.cookie().Value), func(session Session) (Session, error) {
		second.Do(func() { ada.post("/cart", "item", "milk") })
		session.Cart = append(slices.Clip(session.Cart), "jam")
		return session, nil
	}))
	page = ada.get()
	require.Contains(t, page, "<li>milk</li>")
	require.Contains(t, page, "<li>jam</li>")
	require.Contains(t, page, fmt.Sprintf("%d in your cart", adds+2))
}

// slowCheckout has b pay, and returns once it is at it. finish lets it come to
// its end and returns the page.
func slowCheckout(s *Shop, b *browser) (finish func() string) {
	paying, paid := make(chan struct{}), make(chan struct{})
	pay := sync.OnceFunc(func() { close(paid) })
	b.t.Cleanup(pay)
	s.pay = func(context.Context, []string) error {
		close(paying)
		<-paid
		return nil
	}
	page := make(chan string, 1)
	go func() { page <- b.post("/checkout") }()
	select {
	case <-paying:
	case page := <-page:
		b.t.Fatal("no checkout:", page)
	}
	return func() string {
		pay()
		return <-page
	}
}

func TestCheckoutHoldsTheSession(t *testing.T) {
	s, server, clock := open(t)
	ada := login(t, server, "Ada")
	ada.post("/cart", "item", "tea")
	finish := slowCheckout(s, ada)
	require.Contains(t, ada.post("/checkout"), "409 a checkout is under way")
	require.Contains(t, ada.post("/cart", "item", "milk"), "409 a checkout is under way")
	require.Contains(t, ada.get(), "1 in your cart")
	require.Contains(t, finish(), "0 in your cart")

	// One that takes longer than its lease changes nothing any more.
	ada.post("/cart", "item", "tea")
	finish = slowCheckout(s, ada)
	clock.Advance(30 * time.Second)
	require.Contains(t, ada.post("/cart", "item", "milk"), "2 in your cart")
	require.Contains(t, finish(), "2 in your cart")
}

func TestLogoutDuringSlowRequest(t *testing.T) {
	s, server, _ := open(t)
	ada := login(t, server, "Ada")
	ada.post("/cart", "item", "tea")
	id := ada.cookie()
	finish := slowCheckout(s, ada)
	require.Contains(t, ada.post("/logout"), "Welcome", "at once")
	require.Contains(t, finish(), "Welcome")
	require.Zero(t, count(t, s))

	thief := browse(t, server)
	thief.take(id)
	require.Contains(t, thief.get(), "Welcome")
}

func TestIdle(t *testing.T) {
	_, server, clock := open(t)
	ada := login(t, server, "Ada")
	for range 3 {
		clock.Advance(30*time.Minute - 1)
		require.Contains(t, ada.get(), "Hello, Ada")
	}
	clock.Advance(30 * time.Minute)
	require.Contains(t, ada.get(), "Welcome")
}

func TestCookie(t *testing.T) {
	s, server, _ := open(t)
	recorder := httptest.NewRecorder()
	request := httptest.NewRequest(http.MethodPost, "/login", strings.NewReader("user=Ada"))
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	s.Handler().ServeHTTP(recorder, request)
	cookies := recorder.Result().Cookies()
	require.Len(t, cookies, 1)
	c := cookies[0]
	require.True(t, c.Secure)
	require.True(t, c.HttpOnly)
	require.Equal(t, http.SameSiteLaxMode, c.SameSite)
	require.Equal(t, "/", c.Path)
	require.Empty(t, c.Domain)
	require.GreaterOrEqual(t, len(c.Value)*5, 128, "bits, at five in a letter")
	require.NotEqual(t, c.Value, login(t, server, "Ada").cookie().Value)
}

// An id that was there before the login is worth nothing after it.
func TestNoFixation(t *testing.T) {
	s, server, _ := open(t)
	known := login(t, server, "Mallory").cookie()
	ada := browse(t, server)
	ada.take(known)
	require.Contains(t, ada.get(), "Hello, Mallory")
	require.Contains(t, ada.post("/login", "user", "Ada"), "Hello, Ada")
	require.NotEqual(t, known.Value, ada.cookie().Value)
	_, err := s.sessions.Peek(t.Context(), keyOf(known.Value))
	require.Equal(t, store.ErrNotFound, err)
	_, err = s.sessions.Peek(t.Context(), keyOf(ada.cookie().Value))
	require.NoError(t, err)
}

func TestBadInput(t *testing.T) {
	_, server, _ := open(t)
	nobody := browse(t, server)
	for _, path := range []string{"/cart", "/checkout", "/logout"} {
		require.Contains(t, nobody.post(path, "item", "tea"), "Welcome", path)
	}
	for _, user := range []string{"", strings.Repeat("a", 101), "\xff"} {
		require.Contains(t, nobody.post("/login", "user", user), "400 user: 1 to 100 bytes")
	}
	require.Contains(t, nobody.post("/login", "user", strings.Repeat("a", 5000)), "413 ")

	ada := login(t, server, `<script>alert("Ada")</script>`)
	page := ada.post("/cart", "item", `"><img src=x>`)
	require.NotContains(t, page, "<script")
	require.NotContains(t, page, "<img")
	require.Contains(t, page, "&lt;img src=x&gt;")
	for range MaxCart {
		page = ada.post("/cart", "item", "tea")
	}
	require.Contains(t, page, "409 the cart is full")

	for _, header := range [][2]string{{"Sec-Fetch-Site", "cross-site"}, {"Origin", "https://elsewhere.example"}} {
		request, err := http.NewRequest(http.MethodPost, server.URL+"/logout", nil)
		require.NoError(t, err)
		request.Header.Set(header[0], header[1])
		response, err := ada.client.Do(request)
		require.NoError(t, err)
		require.Contains(t, ada.read(response), "403 ")
	}
	require.Contains(t, ada.get(), "Hello, ")
}
