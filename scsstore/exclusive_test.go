package scsstore_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/scsstore"
)

// office is a shop with a request that takes as long as the test wants.
type office struct {
	manager *scs.SessionManager
	in      shared
	browser *browser
	begun   chan struct{} // gets one when the slow request has the session
	finish  chan struct{} // lets it end
}

// slow answers /slow: it reads the session, takes its time, and does something.
func newOffice(t *testing.T, in shared, o scsstore.Options, slow func(ctx context.Context, m *scs.SessionManager) error) *office {
	t.Helper()
	manager := managed(scsstore.New(in))
	of := &office{manager: manager, in: in, begun: make(chan struct{}), finish: make(chan struct{})}
	inner := shop(manager)
	page := manager.LoadAndSave(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		of.begun <- struct{}{}
		<-of.finish
		if err := slow(r.Context(), manager); err != nil {
			manager.ErrorFunc(w, r, err)
		}
	}))
	mux := http.NewServeMux()
	mux.Handle("/", inner)
	mux.Handle("/slow", page)
	mux.Handle("/slow-look", page)
	if o.ReadOnly == nil {
		o.ReadOnly = func(r *http.Request) bool {
			return r.URL.Path == "/user" || r.URL.Path == "/logout" || r.URL.Path == "/slow-look"
		}
	}
	of.browser = &browser{t: t, handler: scsstore.Exclusive(manager, o)(mux)}
	of.browser.want("/login", "ok")
	return of
}

// answer is what comes of a request.
type answer struct {
	status int
	body   string
}

// start sends a slow request, and returns once it has the session.
func (o *office) start(path string) <-chan answer {
	done := o.send(path)
	<-o.begun
	return done
}

// send sends a request from another window.
func (o *office) send(path string) <-chan answer {
	done := make(chan answer, 1)
	window := o.browser.with()
	go func() {
		status, body := window.get(path)
		done <- answer{status, strings.TrimSpace(body)}
	}()
	return done
}

func put(ctx context.Context, m *scs.SessionManager) error {
	m.Put(ctx, "user", "late")
	return nil
}

func TestWaitsItsTurn(t *testing.T) {
	engines(t, func(t *testing.T, in shared, _ time.Duration) {
		o := newOffice(t, in, scsstore.Options{}, put)
		slow := o.start("/slow")
		next := o.send("/add")
		o.browser.with().want("/user", "Ada") // a page to look at does not wait
		select {
		case <-next:
			t.Fatal("it did not wait")
		default:
		}
		o.finish <- struct{}{}
		require.Equal(t, 200, (<-slow).status)
		require.Equal(t, answer{200, "1"}, <-next)
		o.browser.want("/user", "late")
		other := &browser{t: t, handler: o.browser.handler}
		slow = o.start("/slow")
		other.want("/add", "1")
		other.want("/add", "2") // sessions don't wait for each other
		o.finish <- struct{}{}
		require.Equal(t, 200, (<-slow).status)
	})
}

func TestInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var order []string
		o := newOffice(t, memory(t), scsstore.Options{}, func(ctx context.Context, m *scs.SessionManager) error {
			order = append(order, m.GetString(ctx, "user"))
			m.Put(ctx, "user", m.GetString(ctx, "user")+"+")
			return nil
		})
		first := o.start("/slow")
		var rest []<-chan answer
		for range 5 {
			rest = append(rest, o.send("/slow"))
			synctest.Wait()
		}
		o.finish <- struct{}{}
		require.Equal(t, 200, (<-first).status)
		for _, next := range rest {
			<-o.begun
			o.finish <- struct{}{}
			require.Equal(t, 200, (<-next).status)
		}
		require.Equal(t, []string{"Ada", "Ada+", "Ada++", "Ada+++", "Ada++++", "Ada+++++"}, order)
	})
}

func TestBusy(t *testing.T) {
	engines(t, func(t *testing.T, in shared, unit time.Duration) {
		o := newOffice(t, in, scsstore.Options{Wait: unit, Lease: 10 * time.Second}, put)
		slow := o.start("/slow")
		began := time.Now()
		r, err := http.NewRequest(http.MethodGet, "/add", nil)
		require.NoError(t, err)
		response := o.browser.with().do(r)
		require.GreaterOrEqual(t, time.Since(began), unit)
		require.Equal(t, http.StatusServiceUnavailable, response.StatusCode)
		require.Equal(t, "1", response.Header.Get("Retry-After"))
		require.Equal(t, "no-store", response.Header.Get("Cache-Control"))
		require.Empty(t, response.Cookies())

		ended, cancel := context.WithCancel(t.Context())
		cancel() // the client has gone
		require.Equal(t, http.StatusServiceUnavailable, o.browser.with().do(r.WithContext(ended)).StatusCode)
		o.finish <- struct{}{}
		require.Equal(t, 200, (<-slow).status)
		o.browser.want("/add", "1")
	})
}

func TestBusyPage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		page := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTooManyRequests) })
		o := newOffice(t, memory(t), scsstore.Options{Busy: page}, put)
		slow := o.start("/slow")
		began := time.Now()
		status, _ := o.browser.with().get("/add")
		require.Equal(t, http.StatusTooManyRequests, status)
		require.Equal(t, scsstore.DefaultWait, time.Since(began))
		o.finish <- struct{}{}
		<-slow
	})
}

// A lease ends soon after its holder dies, and not while it runs.
func TestRenewed(t *testing.T) {
	engines(t, func(t *testing.T, in shared, unit time.Duration) {
		// A lease can't be longer than 30 s, MaxLease of the store.
		lease := min(3*unit, 30*time.Second)
		o := newOffice(t, in, scsstore.Options{Lease: lease, Wait: 100 * lease}, put)
		slow := o.start("/slow")
		next := o.send("/add")
		pass(4 * lease)
		select {
		case <-next:
			t.Fatal("the lease was not renewed")
		default:
		}
		o.finish <- struct{}{}
		require.Equal(t, 200, (<-slow).status)
		require.Equal(t, answer{200, "1"}, <-next)
	})
}

// A session does not idle out under a request that takes long.
func TestIdlesOutLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := memory(t)
		o := newOffice(t, in, scsstore.Options{}, put)
		o.manager.IdleTimeout = time.Minute
		o.browser.want("/add", "1")
		pass(50 * time.Second)
		slow := o.start("/slow")
		pass(time.Hour)
		o.finish <- struct{}{}
		require.Equal(t, answer{200, ""}, <-slow)
		o.browser.want("/user", "late")

		slow = o.start("/slow")
		pass(24 * time.Hour) // the Lifetime
		o.finish <- struct{}{}
		<-slow
		o.browser.want("/user", "")
	})
}

// What is ended during a slow request stays so, by a logout that waits for nobody,
// in whatever way the slow one would bring it back.
func TestDestroyDuringSlowRequest(t *testing.T) {
	ways := map[string]func(context.Context, *scs.SessionManager) error{
		"put":   put,
		"renew": func(ctx context.Context, m *scs.SessionManager) error { put(ctx, m); return m.RenewToken(ctx) },
	}
	for name, way := range ways {
		for _, path := range []string{"/slow", "/slow-look"} {
			t.Run(name+path, func(t *testing.T) {
				engines(t, func(t *testing.T, in shared, _ time.Duration) {
					o := newOffice(t, in, scsstore.Options{}, way)
					slow := o.start(path)
					o.browser.with().want("/logout", "ok")
					o.finish <- struct{}{}
					late := <-slow
					require.NotEqual(t, 200, late.status, late.body)
					o.browser.want("/user", "")
					n, err := in.Len(t.Context())
					require.NoError(t, err)
					require.Zero(t, n)
				})
			})
		}
	}
}

// The same without Exclusive, within one process.
func TestDestroyDuringPlainRequest(t *testing.T) {
	engines(t, func(t *testing.T, in shared, _ time.Duration) {
		o := newOffice(t, in, scsstore.Options{}, put)
		window := o.browser.with()
		window.handler = shop(o.manager)
		slow := o.manager.LoadAndSave(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			window.with().want("/logout", "ok")
			require.NoError(t, put(r.Context(), o.manager))
		}))
		status, body := (&browser{t, slow, window.cookie}).get("/")
		require.Equal(t, http.StatusConflict, status, body)
		window.want("/user", "")
	})
}

// Destroy within a request that holds the session lets the next one in.
func TestDestroyByTheHolder(t *testing.T) {
	engines(t, func(t *testing.T, in shared, _ time.Duration) {
		o := newOffice(t, in, scsstore.Options{}, func(ctx context.Context, m *scs.SessionManager) error { return m.Destroy(ctx) })
		slow := o.start("/slow")
		next := o.send("/add")
		o.finish <- struct{}{}
		require.Equal(t, 200, (<-slow).status)
		require.Equal(t, answer{200, "1"}, <-next, "as a new visitor")
		o.browser.want("/user", "")
	})
}

// An operator takes the lock away: the session stays, the late holder is refused.
func TestLeaseLost(t *testing.T) {
	engines(t, func(t *testing.T, in shared, _ time.Duration) {
		o := newOffice(t, in, scsstore.Options{}, put)
		slow := o.start("/slow")
		for entry := range in.All(t.Context()) {
			unlocked, err := in.ForceUnlock(t.Context(), entry.Key)
			require.NoError(t, err)
			require.True(t, unlocked)
		}
		o.browser.with().want("/add", "1")
		o.finish <- struct{}{}
		require.Equal(t, answer{409, "store: lease lost"}, <-slow)
		o.browser.want("/user", "Ada")
		o.browser.want("/add", "2")
	})
}

// A request that is said to read only must not undo what a holder does meanwhile.
func TestReadOnlyWrites(t *testing.T) {
	for _, idle := range []time.Duration{0, time.Hour} {
		engines(t, func(t *testing.T, in shared, _ time.Duration) {
			o := newOffice(t, in, scsstore.Options{}, put)
			o.manager.IdleTimeout = idle
			o.browser.want("/add", "1")
			look := o.start("/slow-look")
			o.browser.with().want("/add", "2")
			o.finish <- struct{}{}
			require.Equal(t, answer{500, scsstore.ErrReadOnlyRoute.Error()}, <-look)
			o.browser.want("/user", "Ada")
			o.browser.want("/add", "3")
			begins := &browser{t: t, handler: o.browser.handler}
			done := make(chan struct{})
			go func() {
				defer close(done)
				begins.want("/slow-look", "")
			}()
			<-o.begun
			o.finish <- struct{}{}
			<-done
			begins.want("/user", "late") // a session may begin there
		})
	}
}

// Nor may it take the session to another token, be it otherwise as it was.
func TestReadOnlyRenews(t *testing.T) {
	engines(t, func(t *testing.T, in shared, _ time.Duration) {
		renew := func(ctx context.Context, m *scs.SessionManager) error { return m.RenewToken(ctx) }
		o := newOffice(t, in, scsstore.Options{}, renew)
		look := o.start("/slow-look")
		o.finish <- struct{}{}
		require.Equal(t, answer{500, scsstore.ErrReadOnlyRoute.Error()}, <-look)
	})
}

// One that reads only, while another changes the session, renews the idle timeout
// and nothing else.
func TestReadOnlyReads(t *testing.T) {
	engines(t, func(t *testing.T, in shared, unit time.Duration) {
		nothing := func(context.Context, *scs.SessionManager) error { return nil }
		o := newOffice(t, in, scsstore.Options{}, nothing)
		o.manager.IdleTimeout = 10 * unit
		for _, key := range []string{"a", "b", "c", "d", "e"} { // a map that gob writes in any order
			require.NoError(t, o.manager.Iterate(t.Context(), func(ctx context.Context) error {
				o.manager.Put(ctx, key, "x")
				_, _, err := o.manager.Commit(ctx)
				return err
			}))
		}
		for range 10 {
			look := o.start("/slow-look")
			o.browser.with().want("/add", "1")
			o.finish <- struct{}{}
			require.Equal(t, answer{200, ""}, <-look)
			o.browser.want("/renew", "ok")
			o.browser.want("/login", "ok")
			require.Equal(t, "x", sessionValue(t, o.manager, "a"))
			require.Equal(t, 1, sessionValue(t, o.manager, "n"))
			require.NoError(t, o.manager.Iterate(t.Context(), func(ctx context.Context) error {
				o.manager.Remove(ctx, "n")
				_, _, err := o.manager.Commit(ctx)
				return err
			}))
		}
		slow := o.start("/slow")
		o.browser.with().want("/user", "Ada") // what the holder has, it prolongs itself
		o.finish <- struct{}{}
		require.Equal(t, answer{200, ""}, <-slow)
	})
}

func sessionValue(t *testing.T, m *scs.SessionManager, key string) (value any) {
	t.Helper()
	require.NoError(t, m.Iterate(t.Context(), func(ctx context.Context) error {
		value = m.Get(ctx, key)
		return nil
	}))
	return value
}

func TestExclusiveArguments(t *testing.T) {
	plain := <-managers
	require.PanicsWithValue(t, "scsstore: Exclusive needs a manager whose Store is what scsstore.New returns, not a *memstore.MemStore",
		func() { scsstore.Exclusive(plain, scsstore.Options{}) })
	manager := managed(scsstore.New(memory(t)))
	require.Panics(t, func() { scsstore.Exclusive(manager, scsstore.Options{Wait: -1}) })
	require.Panics(t, func() { scsstore.Exclusive(manager, scsstore.Options{Lease: -1}) })

	require.PanicsWithValue(t, "scsstore: Exclusive needs a manager, which scs.New makes",
		func() { scsstore.Exclusive(nil, scsstore.Options{}) })
	require.PanicsWithValue(t, "scsstore: secret 2 of New is empty; is the setting that it comes from?",
		func() { scsstore.New(memory(t), []byte("a secret"), nil) })

	// So is the wrong order, by the first one.
	inside := &browser{t: t, handler: manager.LoadAndSave(scsstore.Exclusive(manager, scsstore.Options{})(http.NotFoundHandler()))}
	for range 2 {
		status, body := inside.get("/")
		require.Equal(t, 500, status)
		require.Contains(t, body, "around LoadAndSave")
	}

	// Twice around is once.
	o := scsstore.Options{}
	b := &browser{t: t, handler: scsstore.Exclusive(manager, o)(scsstore.Exclusive(manager, o)(shop(manager)))}
	b.want("/login", "ok")
	b.want("/add", "1")
	b.want("/add", "2")
}

// A client that goes away takes nothing back.
func TestClientGone(t *testing.T) {
	engines(t, func(t *testing.T, in shared, _ time.Duration) {
		manager := managed(scsstore.New(in))
		begun := make(chan struct{})
		mux := http.NewServeMux()
		mux.Handle("/", shop(manager))
		for name, f := range map[string]func(context.Context) error{
			"/put":     func(ctx context.Context) error { return put(ctx, manager) },
			"/destroy": manager.Destroy,
		} {
			mux.Handle(name, manager.LoadAndSave(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				begun <- struct{}{}
				<-r.Context().Done()
				require.NoError(t, f(r.Context()))
			})))
		}
		b := &browser{t: t, handler: scsstore.Exclusive(manager, scsstore.Options{})(mux)}
		b.want("/login", "ok")
		for _, visit := range []struct{ path, user string }{{"/put", "late"}, {"/destroy", ""}} {
			ctx, cancel := context.WithCancel(t.Context())
			r, err := http.NewRequestWithContext(ctx, http.MethodGet, visit.path, nil)
			require.NoError(t, err)
			done := make(chan int)
			go func() { done <- b.with().do(r).StatusCode }()
			<-begun
			cancel()
			require.Equal(t, 200, <-done)
			b.want("/user", visit.user)
		}
	})
}

// A handler's panic gives the lock back and commits nothing.
func TestPanic(t *testing.T) {
	engines(t, func(t *testing.T, in shared, _ time.Duration) {
		manager := managed(scsstore.New(in))
		panics := manager.LoadAndSave(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			manager.Put(r.Context(), "user", "nobody")
			panic(http.ErrAbortHandler)
		}))
		mux := http.NewServeMux()
		mux.Handle("/", shop(manager))
		mux.Handle("/panic", panics)
		b := &browser{t: t, handler: scsstore.Exclusive(manager, scsstore.Options{})(mux)}
		b.want("/login", "ok")
		require.PanicsWithValue(t, http.ErrAbortHandler, func() { b.get("/panic") })
		b.want("/user", "Ada")
		b.want("/add", "1")
	})
}
