package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// visitor is somebody at the shop. Her browser follows no redirection, so that each
// step is one request.
type visitor struct {
	shop   string // its address
	cookie *http.Cookie
}

// do sends a request and returns the page, and which node has answered.
func (v *visitor) do(ctx context.Context, method, path string, form url.Values) (page, node string, err error) {
	r, err := http.NewRequestWithContext(ctx, method, "http://"+v.shop+path, strings.NewReader(form.Encode()))
	if err != nil {
		return "", "", err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if v.cookie != nil {
		r.AddCookie(v.cookie)
	}
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return "", "", err
	}
	defer func() { _ = response.Body.Close() }() // all of it was read
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return "", "", err
	}
	for _, c := range response.Cookies() {
		v.cookie = c
	}
	if response.StatusCode >= http.StatusBadRequest {
		return "", "", fmt.Errorf("%s: %s", response.Status, strings.TrimSpace(string(body)))
	}
	return string(body), response.Header.Get("Node"), nil
}

// login returns which node has logged her in.
func (v *visitor) login(ctx context.Context, user string) (node string, err error) {
	_, node, err = v.do(ctx, http.MethodPost, "/login", url.Values{"user": {user}})
	return node, err
}

// add puts a thing into the cart, and tries again until a node says that it is there.
func (v *visitor) add(ctx context.Context, item string) (node string, err error) {
	for {
		_, node, err = v.do(ctx, http.MethodPost, "/cart", url.Values{"item": {item}})
		if err == nil || !strings.HasPrefix(err.Error(), "502") {
			return node, err
		}
	}
}

// cart returns what is in the cart, and which node has told so.
func (v *visitor) cart(ctx context.Context) (items []string, node string, err error) {
	page, node, err := v.do(ctx, http.MethodGet, "/", nil)
	for line := range strings.Lines(page) {
		if item, ok := strings.CutPrefix(strings.TrimSpace(line), "<li>"); ok {
			items = append(items, strings.TrimSuffix(item, "</li>"))
		}
	}
	return items, node, err
}
