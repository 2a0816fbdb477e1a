//go:build unix

package inspect_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http/httptest"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/inspect"
	"github.com/latchkey-go/latchkey/store"
)

var measureCost = flag.Bool("cost", false, "measure what the page costs a store that is in use")

const (
	clients = 50
	keySpan = 1_000_000
)

// work has the clients read and write for d: nine reads of ten, and each read back
// what it has just written. It returns their operations per second and the longest
// and the 99.99th of a hundred, as they were timed one of sixteen times.
func work(t *testing.T, s *store.Store[string, int], d time.Duration) (perSecond float64, p9999, longest time.Duration) {
	t.Helper()
	var all sync.WaitGroup
	var mu sync.Mutex
	var times []time.Duration
	total := 0
	end := time.Now().Add(d)
	for client := range clients {
		all.Go(func() {
			random := rand.New(rand.NewPCG(uint64(client), 7))
			var mine []time.Duration
			n := 0
			for ; n%256 != 0 || time.Now().Before(end); n++ {
				key := fmt.Sprintf("visitor-%07d", random.IntN(keySpan/clients)*clients+client)
				var start time.Time
				if n%16 == 0 {
					start = time.Now()
				}
				if n%10 == 0 {
					if s.Set(key, n) != nil {
						t.Error("a write was refused")
					}
					if got, ok := s.Peek(key); !ok || got != n {
						t.Error("a write was lost")
					}
				} else if _, err := s.Get(key); err != nil {
					t.Error("an entry was lost")
				}
				if n%16 == 0 {
					mine = append(mine, time.Since(start))
				}
			}
			mu.Lock()
			defer mu.Unlock()
			total += n
			times = append(times, mine...)
		})
	}
	all.Wait()
	slices.Sort(times)
	return float64(total) / d.Seconds(), times[len(times)*9999/10_000], times[len(times)-1]
}

// TestCost measures, with 50 clients on a million entries, their throughput and the
// pauses that they see: without the page, with one open, and with its table asked for
// again and again. Run by make bench-inspect.
func TestCost(t *testing.T) {
	if !*measureCost {
		t.Skip("make bench-inspect measures what the page costs")
	}
	s := open(t, store.Options[string, int]{Capacity: keySpan, TTL: 24 * time.Hour})
	for i := range keySpan {
		require.NoError(t, s.Set(fmt.Sprintf("visitor-%07d", i), i))
	}
	h := handler(t, inspect.Options{Stores: []inspect.Store{
		inspect.Source("sessions", s, inspect.SourceOptions[string, int]{Key: itself}),
	}})
	for _, query := range []string{"", "?sort=key", "?q=0012345", "?status=locked"} {
		start := time.Now()
		read(t, h, page+query)
		t.Logf("page%-16s %v", query, time.Since(start).Round(time.Millisecond))
	}

	in, response := stream(t, serve(t, h).URL+page+"live")
	_, err := event(t, in)
	require.NoError(t, err)
	start, before := time.Now(), cpu(t)
	for range 20 {
		_, err := event(t, in)
		require.NoError(t, err)
	}
	t.Logf("a page that is open, alone: %.2f %% of a processor", 100*float64(cpu(t)-before)/float64(time.Since(start)))
	require.NoError(t, response.Body.Close())

	const rounds, each = 15, 2 * time.Second
	var without, with [rounds]float64
	for i := range rounds {
		for j := range 2 { // in turn, so that the machine's moods meet both
			before := cpu(t)
			if (i+j)%2 == 0 {
				perSecond, _, _ := work(t, s, each)
				without[i] = perSecond * each.Seconds() / (cpu(t) - before).Seconds()
				continue
			}
			in, response := stream(t, serve(t, h).URL+page+"live")
			seen := make(chan int)
			go func() {
				n := 0
				for _, err := event(t, in); err == nil; _, err = event(t, in) {
					n++
				}
				seen <- n
			}()
			perSecond, _, _ := work(t, s, each)
			with[i] = perSecond * each.Seconds() / (cpu(t) - before).Seconds()
			require.NoError(t, response.Body.Close())
			require.GreaterOrEqual(t, <-seen, 2)
		}
	}
	slices.Sort(without[:])
	slices.Sort(with[:])
	t.Logf("%d clients without the page: %.0f operations in a second of a processor's time (median of %d times %v)", clients, without[rounds/2], rounds, each)
	t.Logf("%d clients with the page open: %.0f: %+.1f %%", clients, with[rounds/2], 100*(with[rounds/2]/without[rounds/2]-1))

	_, p9999, longest := work(t, s, 2*each)
	t.Logf("operations without the page: 99.99 %% within %v, the longest %v", p9999, longest)
	stop := make(chan struct{})
	pages := make(chan int)
	go func() {
		n := 0
		for ; ; n++ {
			select {
			case <-stop:
				pages <- n
				return
			default:
				h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", page+"?sort=accesses", nil))
			}
		}
	}()
	perSecond, p9999, longest := work(t, s, 2*each)
	close(stop)
	t.Logf("operations while the table is asked for without a break (%d times): 99.99 %% within %v, the longest %v; %.0f/s",
		<-pages, p9999, longest, perSecond)
}

// cpu returns the processor time that this program has had: what others on the machine
// do does not show in it much.
func cpu(t *testing.T) time.Duration {
	var u syscall.Rusage
	require.NoError(t, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
