package main

import (
	"bufio"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/internal/testenv"
)

// process is the program itself, running.
type process struct {
	t   *testing.T
	cmd *exec.Cmd
	url string
}

func build(t *testing.T) (binary string) {
	binary = filepath.Join(t.TempDir(), "sessions.exe")
	out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput()
	require.NoError(t, err, string(out))
	return binary
}

func start(t *testing.T, binary, dir string) *process {
	cmd := exec.CommandContext(t.Context(), binary, "-addr", "127.0.0.1:0", "-dir", dir)
	cmd.Stderr = t.Output()
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	line, err := bufio.NewReader(stdout).ReadString('\n')
	require.NoError(t, err)
	at, ok := strings.CutPrefix(strings.TrimSpace(line), "listening on ")
	require.True(t, ok, line)
	return &process{t, cmd, at}
}

// stop sends a signal and waits until the process has gone.
func (p *process) stop(signal os.Signal) error {
	require.NoError(p.t, p.cmd.Process.Signal(signal))
	return p.cmd.Wait()
}

// do sends a request with the cookie, by hand: a cookie jar would not send a
// Secure one over HTTP. It returns the page and the cookie after it.
func (p *process) do(method, path string, cookie *http.Cookie, form url.Values) (string, *http.Cookie) {
	request, err := http.NewRequest(method, p.url+path, strings.NewReader(form.Encode()))
	require.NoError(p.t, err)
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if cookie != nil {
		request.AddCookie(cookie)
	}
	response, err := http.DefaultTransport.RoundTrip(request)
	require.NoError(p.t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(p.t, err)
	if set := response.Cookies(); len(set) > 0 {
		cookie = set[0]
	}
	return string(body), cookie
}

func (p *process) login(user string) *http.Cookie {
	_, cookie := p.do(http.MethodPost, "/login", nil, url.Values{"user": {user}})
	require.NotNil(p.t, cookie)
	return cookie
}

func (p *process) page(cookie *http.Cookie) string {
	page, _ := p.do(http.MethodGet, "/", cookie, nil)
	return page
}

func TestLoginSurvivesKill(t *testing.T) {
	binary, dir := build(t), filepath.Join(t.TempDir(), "sessions")
	p := start(t, binary, dir)
	ada, bob := p.login("Ada"), p.login("Bob")
	p.do(http.MethodPost, "/cart", ada, url.Values{"item": {"tea"}})
	p.do(http.MethodPost, "/logout", bob, nil)
	require.Error(t, p.stop(os.Kill))

	p = start(t, binary, dir)
	require.Contains(t, p.page(ada), "Hello, Ada")
	require.Contains(t, p.page(ada), "<li>tea</li>")
	require.Contains(t, p.page(bob), "Welcome")
	require.Error(t, p.stop(os.Kill))

	requireNowhereIn(t, dir, ada.Value)
}

func TestShutdownSavesEverything(t *testing.T) {
	if runtime.GOOS == "windows" {
		testenv.Missing(t, "a system without SIGTERM")
	}
	binary, dir := build(t), filepath.Join(t.TempDir(), "sessions")
	p := start(t, binary, dir)
	ada := p.login("Ada")
	require.NoError(t, p.stop(syscall.SIGTERM))

	p = start(t, binary, dir)
	require.Contains(t, p.page(ada), "Hello, Ada")
	require.NoError(t, p.stop(syscall.SIGTERM))
	requireNowhereIn(t, dir, ada.Value)
}

// requireNowhereIn makes sure that a secret stands in no file of a folder, and
// that there are some.
func requireNowhereIn(t *testing.T, dir, secret string) {
	stored, err := filepath.Glob(filepath.Join(dir, "journal-*"))
	require.NoError(t, err)
	require.NotEmpty(t, stored)
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, f := range files {
		data, err := os.ReadFile(filepath.Join(dir, f.Name()))
		require.NoError(t, err)
		require.NotContains(t, string(data), secret)
	}
}

func TestCommandLine(t *testing.T) {
	require.NoError(t, check(nil, "", false))
	require.NoError(t, check(nil, "folder", true))
	require.ErrorContains(t, check([]string{"x"}, "", false), "flags alone")
	require.ErrorContains(t, check(nil, "", true), "-dir")
}
