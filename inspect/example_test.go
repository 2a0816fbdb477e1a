package inspect_test

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"

	"github.com/latchkey-go/latchkey/inspect"
	"github.com/latchkey-go/latchkey/store"
)

type Session struct {
	User string
}

func Example() {
	sessions, err := store.New(store.DefaultOptions[string, Session]())
	check(err)
	defer sessions.Close()
	carts, err := store.New(store.Options[int, []string]{})
	check(err)
	defer carts.Close()
	check(sessions.Set("a secret", Session{User: "Ada"}))

	mux := http.NewServeMux()
	check(mount(mux, sessions, carts))

	answer := httptest.NewRecorder()
	mux.ServeHTTP(answer, httptest.NewRequest("GET", "/debug/latchkey/", nil))
	fmt.Println(answer.Code)
	fmt.Println("values are shown:", strings.Contains(answer.Body.String(), "Ada"))
	fmt.Println("keys are shown:", strings.Contains(answer.Body.String(), "secret"))
	// Output:
	// 200
	// values are shown: true
	// keys are shown: false
}

func mount(mux *http.ServeMux, sessions *store.Store[string, Session], carts *store.Store[int, []string]) error {
	page, err := inspect.Handler(inspect.Options{
		Stores: []inspect.Store{
			inspect.Source("sessions", sessions, inspect.SourceOptions[string, Session]{
				Render: func(_ string, s Session) string { return s.User },
			}),
			inspect.Source("carts", carts, inspect.SourceOptions[int, []string]{
				Key: strconv.Itoa,
			}),
		},
	})
	if err != nil {
		return err
	}
	mux.Handle("/debug/latchkey/", page)
	return nil
}

func ExampleOptions_actions() {
	sessions, err := store.New(store.DefaultOptions[string, Session]())
	check(err)
	defer sessions.Close()
	stores := []inspect.Store{inspect.Source("sessions", sessions, inspect.SourceOptions[string, Session]{})}
	isAdmin := func(r *http.Request) bool { _, password, _ := r.BasicAuth(); return password == "..." }

	page, err := inspect.Handler(inspect.Options{
		Stores:  stores,
		Actions: []inspect.Action{inspect.Unlock, inspect.Delete, inspect.Snapshot},
		Authorize: func(r *http.Request, a inspect.Action) error {
			if a != inspect.View && !isAdmin(r) {
				return errors.New("not an admin")
			}
			return nil
		},
		Logger: slog.Default(), // is told who was refused, and what was done
	})
	check(err)
	http.Handle("/debug/sessions/", page)
	// Output:
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
