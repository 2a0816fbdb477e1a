package scsstore_test

import (
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/alexedwards/scs/v2/memstore"
	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/scsstore"
)

var webTable = flag.Bool("web-table", false, "measure requests over HTTP beside plain scs, and print a table")

const (
	webClients = 32
	webRounds  = 9
	webRound   = time.Second
)

// site is a contestant: a server, and clients that are logged in.
type site struct {
	name    string
	server  *httptest.Server
	cookies [webClients]*http.Cookie // one session each
	rates   []float64                // requests a second, by round
	p99s    []time.Duration
}

func newSite(t *testing.T, name string, store scs.Store, wrap func(*scs.SessionManager) func(http.Handler) http.Handler) *site {
	manager := managed(store)
	handler := counter(manager, 0)
	if wrap != nil {
		handler = wrap(manager)(handler)
	}
	s := &site{name: name, server: httptest.NewServer(handler)}
	t.Cleanup(s.server.Close)
	s.server.Client().Transport.(*http.Transport).MaxIdleConnsPerHost = webClients
	for i := range s.cookies {
		response, err := s.server.Client().Get(s.server.URL)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		s.cookies[i] = response.Cookies()[0]
	}
	return s
}

// round has all clients send requests for a while, to sessions of their own or to
// one.
func (s *site) round(t *testing.T, hot bool) {
	var all sync.WaitGroup
	var took [webClients][]time.Duration
	began := time.Now()
	for i := range webClients {
		all.Go(func() {
			cookie := s.cookies[i]
			if hot {
				cookie = s.cookies[0]
			}
			for time.Since(began) < webRound {
				sent := time.Now()
				if err := s.ask(cookie); err != nil {
					t.Error(s.name, err)
					return
				}
				took[i] = append(took[i], time.Since(sent))
			}
		})
	}
	all.Wait()
	passed := time.Since(began)
	together := slices.Concat(took[:]...)
	slices.Sort(together)
	s.rates = append(s.rates, float64(len(together))/passed.Seconds())
	s.p99s = append(s.p99s, together[len(together)*99/100])
}

func (s *site) ask(cookie *http.Cookie) error {
	r, err := http.NewRequest(http.MethodGet, s.server.URL, nil)
	if err != nil {
		return err
	}
	r.AddCookie(cookie)
	response, err := s.server.Client().Do(r)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d", response.StatusCode)
	}
	_, err = io.Copy(io.Discard, response.Body)
	_ = response.Body.Close() // all was read
	return err
}

// TestWebTable measures requests that read and change their session, each
// contestant in turn, and prints the medians of the rounds: make bench-web.
func TestWebTable(t *testing.T) {
	if !*webTable {
		t.Skip("it takes a minute: make bench-web")
	}
	exclusive := func(m *scs.SessionManager) func(http.Handler) http.Handler {
		return scsstore.Exclusive(m, scsstore.Options{Wait: time.Minute})
	}
	sites := func() []*site {
		return []*site{
			newSite(t, "scs, memstore", memstore.NewWithCleanupInterval(0), nil),
			newSite(t, "scsstore in memory, Exclusive", scsstore.New(memory(t)), exclusive),
			newSite(t, "scsstore journaled, Exclusive", scsstore.New(journaled(t)), exclusive),
			newSite(t, "scsstore on Redis", scsstore.New(onRedis(t)), nil),
			newSite(t, "scsstore on Redis, Exclusive", scsstore.New(onRedis(t)), exclusive),
		}
	}
	fmt.Printf("%d clients, %d rounds of %v each in turn, medians.\n\n", webClients, webRounds, webRound)
	fmt.Println("| sessions | | requests a second | p99 | times slower |")
	fmt.Println("|---|---|--:|--:|--:|")
	for _, hot := range []bool{false, true} {
		all := sites()
		for range webRounds {
			for _, s := range all {
				s.round(t, hot)
			}
		}
		name := map[bool]string{false: "one each", true: "one for all"}[hot]
		for _, s := range all {
			rate := median(s.rates)
			fmt.Printf("| %s | %s | %.0f | %.1f ms | %.2f |\n", name, s.name, rate,
				float64(median(s.p99s).Microseconds())/1000, median(all[0].rates)/rate)
		}
	}
}

func median[T int | float64 | time.Duration](all []T) T {
	sorted := slices.Sorted(slices.Values(all))
	return sorted[len(sorted)/2]
}
