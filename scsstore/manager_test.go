package scsstore_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/scsstore"
	"github.com/latchkey-go/latchkey/store"
)

// shop serves pages that use sessions as users of scs do.
func shop(manager *scs.SessionManager) http.Handler {
	mux := http.NewServeMux()
	page := func(path string, f func(ctx context.Context) (string, error)) {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			answer, err := f(r.Context())
			if err != nil {
				manager.ErrorFunc(w, r, err)
				return
			}
			_, _ = w.Write([]byte(answer))
		})
	}
	page("/user", func(ctx context.Context) (string, error) { return manager.GetString(ctx, "user"), nil })
	page("/login", func(ctx context.Context) (string, error) {
		err := manager.RenewToken(ctx)
		manager.Put(ctx, "user", "Ada")
		return "ok", err
	})
	page("/remember", func(ctx context.Context) (string, error) { manager.RememberMe(ctx, true); return "ok", nil })
	page("/renew", func(ctx context.Context) (string, error) { return "ok", manager.RenewToken(ctx) })
	page("/logout", func(ctx context.Context) (string, error) { return "ok", manager.Destroy(ctx) })
	page("/add", func(ctx context.Context) (string, error) {
		n := manager.GetInt(ctx, "n") + 1
		manager.Put(ctx, "n", n)
		return fmt.Sprint(n), nil
	})
	return manager.LoadAndSave(mux)
}

// An idle timeout ends what nobody uses, the lifetime what anybody does.
func TestTimeouts(t *testing.T) {
	wrappers := map[string]func(*scs.SessionManager, http.Handler) http.Handler{
		"plain": func(_ *scs.SessionManager, h http.Handler) http.Handler { return h },
		"exclusive": func(m *scs.SessionManager, h http.Handler) http.Handler {
			return scsstore.Exclusive(m, scsstore.Options{})(h)
		},
		"read only": func(m *scs.SessionManager, h http.Handler) http.Handler {
			readOnly := func(r *http.Request) bool { return r.URL.Path == "/user" }
			return scsstore.Exclusive(m, scsstore.Options{ReadOnly: readOnly})(h)
		},
	}
	for name, wrap := range wrappers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			engines(t, func(t *testing.T, in shared, unit time.Duration) {
				manager := managed(scsstore.New(in))
				manager.Lifetime, manager.IdleTimeout = 12*unit, 4*unit
				b := &browser{t: t, handler: wrap(manager, shop(manager))}
				b.want("/login", "ok")
				for range 4 { // used all the time
					pass(5 * unit / 2)
					b.want("/user", "Ada")
				}
				pass(5 * unit / 2)
				b.want("/user", "") // 12.5 units old

				b.want("/login", "ok")
				pass(5 * unit)
				b.want("/user", "") // idle

				manager.IdleTimeout = 0
				b.want("/login", "ok")
				pass(8 * unit)
				b.want("/add", "1")
				pass(2 * unit)
				b.want("/user", "Ada")
				pass(3 * unit)
				b.want("/user", "") // 13 units old, written 5 ago
			})
		})
	}
}

// Sessions have the life that scs gives them, whatever the store gives its entries.
func TestTTLOfTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in, err := store.New(store.Options[string, []byte]{TTL: time.Second})
		require.NoError(t, err)
		defer func() { require.NoError(t, in.Close()) }()
		manager := managed(scsstore.New(in.Shared()))
		b := &browser{t: t, handler: scsstore.Exclusive(manager, scsstore.Options{})(shop(manager))}
		b.want("/login", "ok")
		b.want("/add", "1")
		pass(manager.Lifetime - time.Second)
		b.want("/add", "2")
		pass(time.Second)
		b.want("/user", "")
	})
}

func TestTokens(t *testing.T) {
	engines(t, func(t *testing.T, in shared, _ time.Duration) {
		manager := managed(scsstore.New(in))
		manager.Cookie.Persist = false
		b := &browser{t: t, handler: scsstore.Exclusive(manager, scsstore.Options{})(shop(manager))}
		b.want("/user", "")
		require.Nil(t, b.cookie, "nothing to remember")

		// A visitor that a token was slipped to gets another when he logs in.
		b.want("/add", "1")
		slipped := b.with()
		b.want("/login", "ok")
		require.NotEqual(t, slipped.cookie.Value, b.cookie.Value)
		slipped.want("/user", "")
		b.want("/user", "Ada")
		b.want("/add", "2")

		require.True(t, b.cookie.Expires.IsZero())
		b.want("/remember", "ok")
		require.False(t, b.cookie.Expires.IsZero())

		stolen := b.with()
		b.want("/logout", "ok")
		require.Nil(t, b.cookie)
		stolen.want("/user", "")
		n, err := in.Len(t.Context())
		require.NoError(t, err)
		require.Zero(t, n)

		// A token that the server has not made makes no session.
		made := b.with()
		made.cookie = &http.Cookie{Name: "session", Value: "mine"}
		made.want("/login", "ok")
		require.NotEqual(t, "mine", made.cookie.Value)
	})
}

// Somebody who has lost a device logs out everywhere.
func TestIterate(t *testing.T) {
	engines(t, func(t *testing.T, in shared, _ time.Duration) {
		manager := managed(scsstore.New(in))
		handler := scsstore.Exclusive(manager, scsstore.Options{})(shop(manager))
		var windows []*browser
		for range 3 {
			b := &browser{t: t, handler: handler}
			b.want("/login", "ok")
			windows = append(windows, b)
		}
		guest := &browser{t: t, handler: handler}
		guest.want("/add", "1")
		count := 0
		require.NoError(t, manager.Iterate(t.Context(), func(ctx context.Context) error {
			if count++; manager.GetString(ctx, "user") != "Ada" {
				return nil
			}
			return manager.Destroy(ctx)
		}))
		require.Equal(t, 4, count)
		for _, b := range windows {
			b.want("/user", "")
		}
		guest.want("/add", "2")
	})
}

func TestHashTokenInStore(t *testing.T) {
	manager := managed(scsstore.New(memory(t)))
	manager.HashTokenInStore = true
	b := &browser{t: t, handler: scsstore.Exclusive(manager, scsstore.Options{})(shop(manager))}
	b.want("/login", "ok")
	b.want("/add", "1")
	b.want("/add", "2")
	b.want("/logout", "ok")
}
