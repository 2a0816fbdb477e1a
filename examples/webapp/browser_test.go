package main

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// browser keeps cookies and follows redirects.
type browser struct {
	t      *testing.T
	client http.Client
	at     *url.URL
}

func browse(t *testing.T, server *httptest.Server) *browser {
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	at, err := url.Parse(server.URL)
	require.NoError(t, err)
	b := &browser{t, *server.Client(), at}
	b.client.Jar = jar
	return b
}

// login returns a browser that is logged in.
func login(t *testing.T, server *httptest.Server, user string) *browser {
	b := browse(t, server)
	require.Contains(t, b.post("/login", "user", user), "Hello, "+user)
	return b
}

func (b *browser) get() string {
	response, err := b.client.Get(b.at.String())
	require.NoError(b.t, err)
	return read(b.t, response)
}

// post sends a form and returns the page that comes of it.
func (b *browser) post(path string, field ...string) string {
	form := url.Values{}
	if len(field) > 0 {
		form.Set(field[0], field[1])
	}
	response, err := b.client.PostForm(b.at.JoinPath(path).String(), form)
	require.NoError(b.t, err)
	return read(b.t, response)
}

// cookie returns the only cookie; nil if there is none.
func (b *browser) cookie() *http.Cookie {
	cookies := b.client.Jar.Cookies(b.at)
	if len(cookies) == 0 {
		return nil
	}
	require.Len(b.t, cookies, 1)
	return cookies[0]
}

// take puts a cookie into the browser.
func (b *browser) take(c *http.Cookie) {
	c = &http.Cookie{Name: c.Name, Value: c.Value, Path: "/", Secure: true}
	b.client.Jar.SetCookies(b.at, []*http.Cookie{c})
}

// read returns the body, with the status before it if that is an error's.
func read(t *testing.T, response *http.Response) string {
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	if response.StatusCode != http.StatusOK {
		return strconv.Itoa(response.StatusCode) + " " + string(body)
	}
	return string(body)
}
