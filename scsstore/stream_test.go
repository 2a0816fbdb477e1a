package scsstore_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/scsstore"
)

// served serves sessions over HTTP, with a client that keeps its cookie.
func served(t testing.TB, handler http.Handler) (*httptest.Server, *http.Client) {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	client := server.Client()
	client.Jar = jar
	return server, client
}

func fetch(t testing.TB, client *http.Client, url string) string {
	t.Helper()
	response, err := client.Get(url)
	require.NoError(t, err)
	defer func() { require.NoError(t, response.Body.Close()) }()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, response.StatusCode, string(body))
	return string(body)
}

// streams serves a stream that gives its session back once it has begun, a socket
// of its own protocol, and what http.ResponseController offers.
func streams(manager *scs.SessionManager, s *scsstore.Store, more <-chan string) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", shop(manager))
	mux.Handle("/stream", manager.LoadAndSave(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		manager.Put(r.Context(), "streamed", true)
		w.WriteHeader(http.StatusOK)
		s.Release(r.Context())
		control := http.NewResponseController(w)
		for {
			if err := control.Flush(); err != nil {
				panic(err)
			}
			line, ok := <-more
			if !ok {
				return
			}
			_, _ = fmt.Fprintln(w, line)
		}
	})))
	mux.Handle("/socket", manager.LoadAndSave(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		hello := "hello, " + manager.GetString(r.Context(), "user")
		conn, rw, err := w.(http.Hijacker).Hijack()
		if err != nil {
			panic(err)
		}
		defer func() { _ = conn.Close() }()
		_, _ = rw.WriteString("HTTP/1.1 101 Switching Protocols\r\n\r\n" + hello + "\n")
		_ = rw.Flush()
		line, _ := rw.ReadString('\n')
		_, _ = rw.WriteString("you said " + line)
		_ = rw.Flush()
	})))
	mux.Handle("/control", manager.LoadAndSave(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		control := http.NewResponseController(w)
		for _, err := range []error{
			control.SetReadDeadline(time.Now().Add(time.Minute)), control.SetWriteDeadline(time.Now().Add(time.Minute)),
			control.EnableFullDuplex(),
		} {
			if err != nil {
				panic(err)
			}
		}
		_, _ = io.WriteString(w, "ok")
	})))
	return mux
}

func TestStreams(t *testing.T) {
	s := scsstore.New(memory(t))
	manager := managed(s)
	more := make(chan string)
	readOnly := func(r *http.Request) bool { return r.URL.Path == "/socket" }
	handler := scsstore.Exclusive(manager, scsstore.Options{ReadOnly: readOnly})(streams(manager, s, more))
	server, client := served(t, handler)
	require.Equal(t, "ok", fetch(t, client, server.URL+"/login"))
	require.Equal(t, "ok", fetch(t, client, server.URL+"/control"))

	stream, err := client.Get(server.URL + "/stream")
	require.NoError(t, err)
	lines := bufio.NewScanner(stream.Body)
	more <- "one"
	require.True(t, lines.Scan())
	require.Equal(t, "one", lines.Text(), "before the handler has ended")
	require.Equal(t, "1", fetch(t, client, server.URL+"/add"), "while the stream goes on")
	more <- "two"
	require.True(t, lines.Scan())
	require.Equal(t, "two", lines.Text())
	close(more)
	require.False(t, lines.Scan())
	require.NoError(t, stream.Body.Close())
	require.Equal(t, true, sessionValue(t, manager, "streamed"))
	require.Equal(t, "2", fetch(t, client, server.URL+"/add"))

	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	request, err := http.NewRequest(http.MethodGet, server.URL+"/socket", nil)
	require.NoError(t, err)
	for _, cookie := range client.Jar.Cookies(request.URL) {
		request.AddCookie(cookie)
	}
	require.NoError(t, request.Write(conn))
	in := bufio.NewReader(conn)
	answer, err := http.ReadResponse(in, request)
	require.NoError(t, err)
	require.Equal(t, http.StatusSwitchingProtocols, answer.StatusCode)
	line, err := in.ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "hello, Ada\n", line)
	require.Equal(t, "3", fetch(t, client, server.URL+"/add"), "while the socket is open")
	_, err = io.WriteString(conn, "bye\n")
	require.NoError(t, err)
	line, err = in.ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "you said bye\n", line)
}

// After Release, what a handler does to its session is refused.
func TestCommitAfterRelease(t *testing.T) {
	s := scsstore.New(memory(t))
	manager := managed(s)
	mux := http.NewServeMux()
	mux.Handle("/", shop(manager))
	mux.Handle("/released", manager.LoadAndSave(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		s.Release(r.Context())
		s.Release(r.Context())
		manager.Put(r.Context(), "user", "late")
	})))
	b := &browser{t: t, handler: scsstore.Exclusive(manager, scsstore.Options{})(mux)}
	b.want("/login", "ok")
	status, _ := b.get("/released")
	require.Equal(t, http.StatusConflict, status)
	b.want("/user", "Ada")
	s.Release(t.Context()) // of no request
}
