package main

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
)

// ask returns the answer to an operator's request.
func ask(h http.Handler, path, from, host string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.RemoteAddr, r.Host = from, host
	answer := httptest.NewRecorder()
	h.ServeHTTP(answer, r)
	return answer
}

const here = "127.0.0.1:40000"

func TestMetrics(t *testing.T) {
	a, server := start(t, t.TempDir())
	login(t, server, "Ada")
	login(t, server, "Bob").post("/logout")
	answer := ask(a.ops, "/metrics", here, "localhost:8081")
	require.Equal(t, http.StatusOK, answer.Code)
	require.Contains(t, answer.Body.String(), `latchkey_entries{store="sessions"} 1`)
	require.Contains(t, answer.Body.String(), `latchkey_removals_total{reason="deleted",store="sessions"} 1`)
	require.Contains(t, answer.Body.String(), "latchkey_journal_records_total")
}

func TestLivePage(t *testing.T) {
	a, server := start(t, t.TempDir())
	ada := login(t, server, "Ada")
	ada.post("/cart", "item", "tea")
	answer := ask(a.ops, "/debug/latchkey/", here, "localhost:8081")
	require.Equal(t, http.StatusOK, answer.Code)
	require.Contains(t, answer.Header().Get("Content-Security-Policy"), "default-src 'none'; script-src 'self'")
	page := answer.Body.String()
	require.Contains(t, page, "1 in the cart")
	require.NotContains(t, page, "Ada")
	require.NotContains(t, page, ada.cookie().Value)
	require.NotContains(t, page, `method="post"`, "nothing can be done there")
}

func TestOpsAreForThisMachine(t *testing.T) {
	a, server := start(t, t.TempDir())
	for _, path := range []string{"/metrics", "/debug/latchkey/", "/debug/latchkey/live"} {
		for _, c := range []struct{ from, host string }{
			{"192.0.2.7:40000", "localhost:8081"},
			{"[2001:db8::1]:40000", "localhost:8081"},
			{here, "shop.example:8081"}, // a name that was made to lead here
			{here, "localhost.shop.example"},
			{here, ""},
		} {
			require.Equal(t, http.StatusForbidden, ask(a.ops, path, c.from, c.host).Code, "%s %v", path, c)
		}
		response, err := browse(t, server).client.Get(server.URL + path)
		require.NoError(t, err)
		require.Contains(t, read(t, response), "404 ", "visitors don't get there")
	}
	for _, host := range []string{"localhost", "127.0.0.1:8081", "[::1]:8081", "[::1]"} {
		require.Equal(t, http.StatusOK, ask(a.ops, "/metrics", "[::1]:40000", host).Code, host)
	}
}
