package shop

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
	url    string
}

func browse(t *testing.T, server *httptest.Server) *browser {
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	b := &browser{t, *server.Client(), server.URL}
	b.client.Jar = jar
	return b
}

// login returns a browser that is logged in.
func login(t *testing.T, server *httptest.Server, user string) *browser {
	b := browse(t, server)
	require.Contains(t, b.post("/login", "user", user), "Hello, ")
	return b
}

// get returns the page.
func (b *browser) get() string {
	response, err := b.client.Get(b.url)
	require.NoError(b.t, err)
	return b.read(response)
}

// post sends a form and returns the page that comes of it.
func (b *browser) post(path string, fields ...string) string {
	form := make(url.Values)
	for i := 0; i < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	response, err := b.client.PostForm(b.url+path, form)
	require.NoError(b.t, err)
	return b.read(response)
}

// read returns the body, with the status before it if that is an error's.
func (b *browser) read(response *http.Response) string {
	body, err := io.ReadAll(response.Body)
	require.NoError(b.t, err)
	require.NoError(b.t, response.Body.Close())
	if response.StatusCode != http.StatusOK {
		return strconv.Itoa(response.StatusCode) + " " + string(body)
	}
	return string(body)
}

func (b *browser) cookie() *http.Cookie {
	at, err := url.Parse(b.url)
	require.NoError(b.t, err)
	cookies := b.client.Jar.Cookies(at)
	require.Len(b.t, cookies, 1)
	return cookies[0]
}

// take puts another browser's cookie into this one.
func (b *browser) take(cookie *http.Cookie) {
	at, err := url.Parse(b.url)
	require.NoError(b.t, err)
	b.client.Jar.SetCookies(at, []*http.Cookie{cookie})
}
