package redisstore_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/rueidis"
	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/redisstore"
	"github.com/latchkey-go/latchkey/store"
)

const things = 201 // that the processes put into one session

// addFromProcesses has four processes put things into one session, calls midway when
// a third of them is there, and returns what is in the session in the end.
func addFromProcesses(t *testing.T, j job, o rueidis.ClientOption, midway func()) []int {
	ctx := t.Context()
	s := open[string, []int](t, connect(t, o), j.options())
	require.NoError(t, patient(ctx, func() error { return s.Set(ctx, j.What, []int{}) }))
	const processes = 4
	var workers []*worker
	added := make(chan int, things)
	for i := range processes {
		j.From, j.To = i*things/processes, (i+1)*things/processes
		w := startWorker(t, j)
		workers = append(workers, w)
		go func() {
			for {
				line, err := w.out.ReadString('\n')
				n, numberErr := strconv.Atoi(strings.TrimSpace(line))
				if err != nil || numberErr != nil {
					return
				}
				added <- n
			}
		}()
	}
	patience := time.After(50 * time.Second)
	for i := range things {
		select {
		case <-added:
		case <-patience:
			t.Fatalf("%d of %d things after a long time", i, things)
		}
		if i == things/3 {
			midway()
		}
	}
	for _, w := range workers {
		require.NoError(t, w.Wait(), w.stderr.String())
		require.Empty(t, w.stderr.String())
	}
	got, err := s.Peek(ctx, j.What)
	require.NoError(t, err)
	return got
}

func numbers(n int) (all []int) {
	for i := range n {
		all = append(all, i)
	}
	return all
}

// Of what processes add to one session, in either way, nothing is lost.
func TestProcessesLoseNothing(t *testing.T) {
	server := startTCP(t)
	for _, what := range []string{"lease", "update"} {
		t.Run(what, func(t *testing.T) {
			j := job{What: what, Addresses: []string{server.address()}, Prefix: prefix(t)}
			require.ElementsMatch(t, numbers(things), addFromProcesses(t, j, server.options(), func() {}))
		})
	}
}

// Nor is it when the primary is killed meanwhile, at level Replicated.
func TestProcessesLoseNothingInFailover(t *testing.T) {
	for _, what := range []string{"lease", "update"} {
		t.Run(what, func(t *testing.T) {
			t.Parallel() // most of the time they wait for the failover
			c := startCluster(t)
			j := job{What: what, Addresses: c.options().InitAddress, Prefix: "{one}:", Durability: redisstore.Replicated}
			got := addFromProcesses(t, j, c.options(), func() {
				primary, replica := c.primaryOf(t, "{one}:s:"+what)
				primary.kill()
				c.waitFor(t, replica, "{one}:s:"+what)
				primary.start(t) // or else there is nobody to replicate to
			})
			require.ElementsMatch(t, numbers(things), got)
		})
	}
}

const frozenLease = 500 * time.Millisecond

// freeze takes leases, and when it is told to go on writes under them.
func freeze(ctx context.Context, j job, s *redisstore.Store[string, []int], in *bufio.Reader, out io.Writer) error {
	var leases []store.SharedLease[string, []int]
	for n := range j.To {
		l, err := s.TryLock(ctx, fmt.Sprint(n), frozenLease)
		if err != nil {
			return err
		}
		leases = append(leases, l)
	}
	if _, err := fmt.Fprintln(out, "held"); err != nil {
		return err
	}
	// It is stopped here.
	if _, err := in.ReadString('\n'); err != nil {
		return err
	}
	refused := 0
	for _, l := range leases {
		if err := l.Set(ctx, []int{1}); err == store.ErrLeaseLost {
			refused++
		}
	}
	_, err := fmt.Fprintln(out, refused)
	return err
}

// A holder whose process was stopped until its leases were over writes nothing any
// more, though it knows nothing of that.
func TestFrozenHolder(t *testing.T) {
	const tries = 1000
	t.Parallel()
	server := startTCP(t)
	ctx := t.Context()
	s := open[string, []int](t, connect(t, server.options()), redisstore.Options{Prefix: prefix(t)})
	for n := range tries {
		require.NoError(t, s.Set(ctx, fmt.Sprint(n), []int{}))
	}
	w := startWorker(t, job{What: "freeze", Addresses: []string{server.address()}, Prefix: prefix(t), To: tries})
	line, err := w.out.ReadString('\n')
	require.NoError(t, err, w.stderr.String())
	require.Equal(t, "held\n", line)
	require.NoError(t, w.Process.Signal(syscall.SIGSTOP))
	var status syscall.WaitStatus
	_, err = syscall.Wait4(w.Process.Pid, &status, syscall.WUNTRACED, nil)
	require.NoError(t, err)
	require.True(t, status.Stopped(), "a signal takes its time")
	_, err = io.WriteString(w.in, "go on\n") // which it reads when it is let go
	require.NoError(t, err)
	time.Sleep(frozenLease)
	taken := 0
	for n := range tries {
		if n%2 == 0 { // the others nobody has taken since
			l, err := s.TryLock(ctx, fmt.Sprint(n), 0)
			require.NoError(t, err)
			require.NoError(t, l.Set(ctx, []int{2}))
			taken++
		}
	}
	require.NoError(t, w.Process.Signal(syscall.SIGCONT))
	line, err = w.out.ReadString('\n')
	require.NoError(t, err, w.stderr.String())
	require.Equal(t, fmt.Sprintln(tries), line, "refused")
	require.NoError(t, w.Wait())
	for n := range tries {
		got, err := s.Peek(ctx, fmt.Sprint(n))
		require.NoError(t, err)
		require.NotContains(t, got, 1)
	}
}
