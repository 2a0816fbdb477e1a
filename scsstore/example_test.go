package scsstore_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/alexedwards/scs/v2"

	"github.com/latchkey-go/latchkey/persist"
	"github.com/latchkey-go/latchkey/scsstore"
	"github.com/latchkey-go/latchkey/store"
)

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// visit serves a handler, and returns what a browser that keeps cookies gets from it.
func visit(handler http.Handler) (get func(path string) string, done func()) {
	server := httptest.NewServer(handler)
	client := server.Client()
	var err error
	client.Jar, err = cookiejar.New(nil)
	check(err)
	return func(path string) string {
		response, err := client.Get(server.URL + path)
		check(err)
		body, err := io.ReadAll(response.Body)
		check(err)
		check(response.Body.Close())
		return strings.TrimSpace(string(body))
	}, server.Close
}

// A cart that loses nothing, however many requests of one visitor come at once.
func Example() {
	sessions, err := store.New(store.Options[string, []byte]{Capacity: 100_000})
	check(err)
	defer func() { check(sessions.Close()) }()

	manager := scs.New()
	manager.Store = scsstore.New(sessions.Shared())

	mux := http.NewServeMux()
	mux.HandleFunc("/add", func(_ http.ResponseWriter, r *http.Request) {
		manager.Put(r.Context(), "cart", manager.GetInt(r.Context(), "cart")+1)
	})
	mux.HandleFunc("/cart", func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintln(w, manager.GetInt(r.Context(), "cart"), "in your cart")
	})
	exclusive := scsstore.Exclusive(manager, scsstore.Options{})

	get, done := visit(exclusive(manager.LoadAndSave(mux)))
	defer done()
	get("/add")
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() { get("/add") })
	}
	all.Wait()
	fmt.Println(get("/cart"))
	// Output: 21 in your cart
}

// Sessions in a folder, which survive restarts and crashes; pages to look at wait for
// nobody.
func ExampleExclusive() {
	dir, err := os.MkdirTemp("", "sessions")
	check(err)
	defer func() { check(os.RemoveAll(dir)) }()
	sessions, err := store.New(store.Options[string, []byte]{
		Capacity: 100_000,
		Persist:  persist.Config{Dir: dir},
	})
	check(err)
	defer func() { check(sessions.Close()) }()

	manager := scs.New()
	manager.IdleTimeout = 30 * time.Minute
	manager.Store = scsstore.New(sessions.Shared(), []byte("32 random bytes, kept where other secrets are"))
	manager.ErrorFunc = func(w http.ResponseWriter, _ *http.Request, err error) {
		http.Error(w, http.StatusText(scsstore.Status(err)), scsstore.Status(err))
	}
	exclusive := scsstore.Exclusive(manager, scsstore.Options{
		Wait: 10 * time.Second,
		ReadOnly: func(r *http.Request) bool {
			return r.URL.Path == "/" || r.URL.Path == "/logout"
		},
	})

	mux := http.NewServeMux()
	mux.HandleFunc("/{$}", func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintf(w, "hello, %q", manager.GetString(r.Context(), "user"))
	})
	mux.HandleFunc("/login", func(w http.ResponseWriter, r *http.Request) {
		if err := manager.RenewToken(r.Context()); err != nil { // else a token could be slipped to the visitor before
			manager.ErrorFunc(w, r, err)
			return
		}
		manager.Put(r.Context(), "user", "Ada")
	})
	mux.HandleFunc("/logout", func(w http.ResponseWriter, r *http.Request) {
		if err := manager.Destroy(r.Context()); err != nil {
			manager.ErrorFunc(w, r, err)
		}
	})
	get, done := visit(exclusive(manager.LoadAndSave(mux)))
	defer done()
	get("/login")
	fmt.Println(get("/"))
	get("/logout")
	fmt.Println(get("/"))
	// Output:
	// hello, "Ada"
	// hello, ""
}

// A download that goes on for long after it is done with the session lets the next
// request in.
func ExampleStore_Release() {
	sessions, err := store.New(store.Options[string, []byte]{})
	check(err)
	defer func() { check(sessions.Close()) }()
	manager := scs.New()
	kept := scsstore.New(sessions.Shared())
	manager.Store = kept

	var get func(path string) string
	mux := http.NewServeMux()
	mux.HandleFunc("/count", func(w http.ResponseWriter, r *http.Request) {
		manager.Put(r.Context(), "n", manager.GetInt(r.Context(), "n")+1)
		_, _ = fmt.Fprint(w, manager.GetInt(r.Context(), "n"))
	})
	mux.HandleFunc("/download", func(w http.ResponseWriter, r *http.Request) {
		manager.Put(r.Context(), "n", manager.GetInt(r.Context(), "n")+1)
		w.WriteHeader(http.StatusOK) // commits the session
		kept.Release(r.Context())
		_, _ = fmt.Fprint(w, "meanwhile: ", get("/count"))
	})
	get, done := visit(scsstore.Exclusive(manager, scsstore.Options{})(manager.LoadAndSave(mux)))
	defer done()
	fmt.Println(get("/count"))
	fmt.Println(get("/download"))
	// Output:
	// 1
	// meanwhile: 3
}

// Whoever has lost a device logs out everywhere, at once, whatever still runs there.
func ExampleStore_AllCtx() {
	sessions, err := store.New(store.Options[string, []byte]{})
	check(err)
	defer func() { check(sessions.Close()) }()
	manager := scs.New()
	manager.Store = scsstore.New(sessions.Shared())
	for _, user := range []string{"Ada", "Bob", "Ada"} {
		ctx, err := manager.Load(context.Background(), "")
		check(err)
		manager.Put(ctx, "user", user)
		_, _, err = manager.Commit(ctx)
		check(err)
	}

	check(manager.Iterate(context.Background(), func(ctx context.Context) error {
		if manager.GetString(ctx, "user") != "Ada" {
			return nil
		}
		return manager.Destroy(ctx)
	}))

	check(manager.Iterate(context.Background(), func(ctx context.Context) error {
		fmt.Println(manager.GetString(ctx, "user"))
		return nil
	}))
	// Output: Bob
}
