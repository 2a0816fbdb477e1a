package main

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"github.com/alexedwards/scs/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/latchkey-go/latchkey/inspect"
	"github.com/latchkey-go/latchkey/promstore"
	"github.com/latchkey-go/latchkey/store"
)

// newOps returns what the shop's operators look at. It shows neither keys nor names,
// changes nothing, and has an address of its own, which visitors don't get to.
func newOps(sessions *store.Store[string, []byte]) (http.Handler, error) {
	page, err := inspect.Handler(inspect.Options{
		Stores: []inspect.Store{
			inspect.Source("sessions", sessions, inspect.SourceOptions[string, []byte]{Render: render}),
		},
	})
	if err != nil {
		return nil, err
	}
	metrics := prometheus.NewRegistry()
	if err := metrics.Register(promstore.New("sessions", sessions)); err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/debug/latchkey/", page)
	mux.Handle("GET /metrics", promhttp.HandlerFor(metrics, promhttp.HandlerOpts{}))
	return localOnly(mux), nil
}

// render tells of a session how much is in its cart.
func render(_ string, session []byte) string {
	_, values, err := scs.GobCodec{}.Decode(session)
	if err != nil {
		return "not a session"
	}
	cart, _ := values["cart"].([]string)
	return fmt.Sprintf("%d in the cart", len(cart))
}

// localOnly lets in who is on this machine, and asks for it by name: a page from
// elsewhere whose own name has been made to lead here does not.
func localOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !isLocal(r.RemoteAddr) || !isLocal(r.Host) {
			http.Error(w, "from this machine only", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// isLocal reports whether an address, with a port or without, is that of this machine
// to itself.
func isLocal(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		host = address
	}
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return host == "localhost" || err == nil && ip.IsLoopback()
}
