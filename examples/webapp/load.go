package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// load has n visitors come to the shop, one after the other in n places, until ctx ends.
func load(ctx context.Context, shop string, n int, log *slog.Logger) {
	connections := &http.Transport{MaxIdleConnsPerHost: 2 * n}
	defer connections.CloseIdleConnections()
	var all sync.WaitGroup
	for range n {
		all.Go(func() {
			for ctx.Err() == nil {
				v := visitor{shop: shop, connections: connections}
				if err := v.visit(ctx); err != nil && ctx.Err() == nil {
					log.Warn("webapp: a visitor of -load was sent away", "error", err)
				}
			}
		})
	}
	all.Wait()
}

// visitor is one of the load. She keeps her cookie by hand: a jar would not send a
// Secure one by plain HTTP.
type visitor struct {
	shop        string
	connections *http.Transport
	cookie      *http.Cookie
}

var things = []string{"tea", "milk", "jam", "bread", "salt"}

// visit is a login, some looking and taking, maybe several things at once, a checkout,
// and mostly a logout.
func (v *visitor) visit(ctx context.Context) error {
	if err := v.do(ctx, http.MethodPost, "/login", "user", "visitor"); err != nil {
		return err
	}
	for range 1 + rand.IntN(8) {
		if err := v.take(ctx, 1+rand.IntN(3)); err != nil {
			return err
		}
		think(ctx)
		if err := v.do(ctx, http.MethodGet, "/"); err != nil {
			return err
		}
	}
	think(ctx)
	if err := v.do(ctx, http.MethodPost, "/checkout"); err != nil {
		return err
	}
	if rand.IntN(4) == 0 {
		return nil // the session idles out
	}
	if err := v.do(ctx, http.MethodPost, "/logout"); err != nil {
		return err
	}
	return v.do(ctx, http.MethodGet, "/") // with a cookie that is worth nothing any more
}

// take puts things into the cart, all at once.
func (v *visitor) take(ctx context.Context, n int) error {
	think(ctx)
	taken := make(chan error, n)
	for range n {
		go func() { taken <- v.do(ctx, http.MethodPost, "/cart", "item", things[rand.IntN(len(things))]) }()
	}
	var failed error
	for range n {
		if err := <-taken; err != nil {
			failed = err
		}
	}
	return failed
}

// think takes a moment.
func think(ctx context.Context) {
	select {
	case <-time.After(rand.N(200 * time.Millisecond)):
	case <-ctx.Done():
	}
}

// do sends a request.
func (v *visitor) do(ctx context.Context, method, path string, field ...string) error {
	form := url.Values{}
	if len(field) > 0 {
		form.Set(field[0], field[1])
	}
	r, err := http.NewRequestWithContext(ctx, method, v.shop+path, strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if v.cookie != nil {
		r.AddCookie(v.cookie)
	}
	response, err := v.connections.RoundTrip(r)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }() // all of it was read
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return err
	}
	if response.StatusCode >= http.StatusBadRequest {
		return fmt.Errorf("%s %s: %s", method, path, response.Status)
	}
	if c := response.Cookies(); path == "/login" && len(c) > 0 {
		v.cookie = c[0]
	}
	return nil
}
