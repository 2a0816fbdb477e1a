package scsstore_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/scsstore"
)

// The session's cookie is what the manager's options make of it.
func TestCookie(t *testing.T) {
	manager := managed(scsstore.New(memory(t)))
	manager.Cookie.Name, manager.Cookie.Path, manager.Cookie.Domain = "sid", "/shop", "example.com"
	manager.Cookie.Secure, manager.Cookie.SameSite, manager.Cookie.Partitioned = true, http.SameSiteStrictMode, true
	b := &browser{t: t, handler: scsstore.Exclusive(manager, scsstore.Options{})(shop(manager))}
	for _, path := range []string{"/login", "/add"} {
		b.want(path, map[string]string{"/login": "ok", "/add": "1"}[path])
		want := &http.Cookie{
			Name: "sid", Path: "/shop", Domain: "example.com",
			Secure: true, HttpOnly: true, SameSite: http.SameSiteStrictMode, Partitioned: true,
			MaxAge: b.cookie.MaxAge, Expires: b.cookie.Expires,
		}
		require.Empty(t, cmp.Diff(want, b.cookie, cmpopts.IgnoreFields(http.Cookie{}, "Raw", "RawExpires", "Value")))
		require.InDelta(t, manager.Lifetime.Seconds(), b.cookie.MaxAge, 60)
	}
	b.want("/user", "Ada")
}

// Junk in the cookie is no session and no error, and nothing of it comes back.
func TestJunkCookies(t *testing.T) {
	engines(t, func(t *testing.T, in shared, _ time.Duration) {
		manager := managed(scsstore.New(in))
		handler := scsstore.Exclusive(manager, scsstore.Options{})(shop(manager))
		for name, junk := range map[string]string{
			"empty": "session=", "quoted": `session="a b"`, "binary": "session=\x00\xff", "CR LF": "session=a\r\nSet-Cookie: b=c",
			"HTML": "session=<script>alert(1)</script>", "two": "session=a; session=b", "no pair": "session", "Redis": "session=*",
			"large": "session=" + strings.Repeat("x", 1<<20), "many": strings.Repeat("session=a;", 10_000),
		} {
			r := httptest.NewRequest(http.MethodGet, "/user", nil)
			r.Header["Cookie"] = []string{junk}
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r)
			require.Equal(t, http.StatusOK, w.Code, name)
			require.Empty(t, w.Body.String(), name)
			require.NotContains(t, w.Header(), "Set-Cookie", name)
		}
		n, err := in.Len(t.Context())
		require.NoError(t, err)
		require.Zero(t, n)
	})
}

// What a session holds comes back as it was, through locks and renewals.
func TestLargeValues(t *testing.T) {
	engines(t, func(t *testing.T, in shared, _ time.Duration) {
		manager := managed(scsstore.New(in))
		values := map[string]string{
			"html": `<script>alert("x")</script>`, "lines": "a\r\nSet-Cookie: b=c\r\n\r\n", "binary": "\x00\xff\xfe",
			"large": string(bytes.Repeat([]byte("0123456789abcde\n"), 1<<16)), "empty": "",
		}
		handler := manager.LoadAndSave(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			for name, value := range values {
				if r.URL.Path == "/put" {
					manager.Put(r.Context(), name, value)
				} else if diff := cmp.Diff(value, manager.Get(r.Context(), name)); diff != "" {
					t.Error(name)
				}
			}
			if r.URL.Path == "/renew" {
				if err := manager.RenewToken(r.Context()); err != nil {
					t.Error(err)
				}
			}
		}))
		b := &browser{t: t, handler: scsstore.Exclusive(manager, scsstore.Options{})(handler)}
		for _, path := range []string{"/put", "/look", "/renew", "/put", "/look"} {
			b.want(path, "")
		}
	})
}

// Errors, which an ErrorFunc may show, tell nothing of the session.
func TestErrorsTellNoToken(t *testing.T) {
	engines(t, func(t *testing.T, in shared, _ time.Duration) {
		o := newOffice(t, in, scsstore.Options{}, put)
		token := o.browser.cookie.Value
		slow := o.start("/slow")
		o.browser.with().want("/logout", "ok")
		o.finish <- struct{}{}
		late := <-slow
		require.Equal(t, 409, late.status)
		require.NotContains(t, late.body, token)
	})
}
