package scsstore_test

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/alexedwards/scs/v2/memstore"
	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/scsstore"
)

const increments = 201

// counter serves a page that counts its session's visits, for which it takes a while.
func counter(manager *scs.SessionManager, takes time.Duration) http.Handler {
	return manager.LoadAndSave(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := manager.GetInt(r.Context(), "n")
		if takes > 0 {
			<-time.After(takes)
		}
		manager.Put(r.Context(), "n", n+1)
		_, _ = fmt.Fprint(w, n+1)
	}))
}

// lost returns how many of increments of one session, all sent at once over HTTP, are
// lost.
func lost(t *testing.T, manager *scs.SessionManager, handler http.Handler) int {
	t.Helper()
	server, client := served(t, handler)
	client.Transport.(*http.Transport).MaxIdleConnsPerHost = increments
	require.Equal(t, "1", fetch(t, client, server.URL))
	var all sync.WaitGroup
	for range increments - 1 {
		all.Go(func() {
			response, err := client.Get(server.URL)
			if err != nil || response.StatusCode != http.StatusOK {
				t.Error("a request failed", err)
				return
			}
			_ = response.Body.Close() // nothing of it is wanted
		})
	}
	all.Wait()
	n, ok := sessionValue(t, manager, "n").(int)
	require.True(t, ok)
	return increments - n
}

// Requests of one session that come at once: scs alone has the last one win.
func TestIncrements(t *testing.T) {
	engines := map[string]func(t testing.TB) shared{"memory": memory, "journaled": journaled, "redis": onRedis}
	for _, takes := range []time.Duration{0, time.Millisecond} {
		t.Run(fmt.Sprint(takes), func(t *testing.T) {
			plain := managed(memstore.NewWithCleanupInterval(0))
			n := lost(t, plain, counter(plain, takes))
			t.Logf("scs with memstore, handlers of %v: %d of %d increments are lost", takes, n, increments)
			if takes > 0 { // else luck may do
				require.NotZero(t, n, "then there is nothing to show")
			}
			for name, engine := range engines {
				t.Run(name, func(t *testing.T) {
					manager := managed(scsstore.New(engine(t)))
					wait := scsstore.Options{Wait: time.Minute} // whatever the machine is busy with
					n := lost(t, manager, scsstore.Exclusive(manager, wait)(counter(manager, takes)))
					t.Logf("scs with scsstore and Exclusive, %s, handlers of %v: %d of %d increments are lost", name, takes, n, increments)
					require.Zero(t, n)
				})
			}
		})
	}
}

// Nothing is lost either by those who are not told to wait, as they are told so.
func TestIncrementsContended(t *testing.T) {
	manager := managed(scsstore.New(memory(t)))
	short := scsstore.Options{Wait: 5 * time.Millisecond}
	server, client := served(t, scsstore.Exclusive(manager, short)(counter(manager, time.Millisecond)))
	require.Equal(t, "1", fetch(t, client, server.URL))
	var all sync.WaitGroup
	var mu sync.Mutex
	answers := map[int]int{}
	for range increments {
		all.Go(func() {
			response, err := client.Get(server.URL)
			if err != nil {
				t.Error(err)
				return
			}
			_ = response.Body.Close() // nothing of it is wanted
			mu.Lock()
			defer mu.Unlock()
			answers[response.StatusCode]++
			if response.StatusCode == http.StatusServiceUnavailable && response.Header.Get("Retry-After") != "1" {
				t.Error("no Retry-After")
			}
		})
	}
	all.Wait()
	require.Equal(t, increments, answers[200]+answers[503], answers)
	require.NotZero(t, answers[503], "nobody had to wait")
	require.Equal(t, answers[200]+1, sessionValue(t, manager, "n"))
}
