package promstore_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/latchkey-go/latchkey/promstore"
	"github.com/latchkey-go/latchkey/store"
)

func Example() {
	sessions, err := store.New(store.DefaultOptions[string, string]())
	if err != nil {
		panic(err)
	}
	defer sessions.Close()
	carts, err := store.New(store.Options[int, []string]{Capacity: 50_000})
	if err != nil {
		panic(err)
	}
	defer carts.Close()

	prometheus.MustRegister(
		promstore.New("sessions", sessions),
		promstore.New("carts", carts),
	)
	http.Handle("GET /metrics", promhttp.Handler())

	_ = sessions.Set("id-1", "Ada")
	_, _ = sessions.Get("id-1")
	_, _ = sessions.Get("id-2")
	answer := httptest.NewRecorder()
	http.DefaultServeMux.ServeHTTP(answer, httptest.NewRequest("GET", "/metrics", nil))
	for line := range strings.Lines(answer.Body.String()) {
		if strings.HasPrefix(line, "latchkey_hits") || strings.HasPrefix(line, "latchkey_capacity") {
			fmt.Print(line)
		}
	}
	// Output:
	// latchkey_capacity_entries{store="carts"} 50000
	// latchkey_capacity_entries{store="sessions"} 1000
	// latchkey_hits_total{store="carts"} 0
	// latchkey_hits_total{store="sessions"} 1
}
