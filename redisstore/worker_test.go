package redisstore_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/rueidis"
	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/redisstore"
	"github.com/latchkey-go/latchkey/store"
)

// job is what a worker, a process of its own, is to do.
type job struct {
	What       string
	Addresses  []string
	Prefix     string
	Durability redisstore.Durability
	From, To   int // numbers of the things to do
}

// jobs by their names; each reports lines to out, and may wait for one from in.
var jobs = map[string]func(ctx context.Context, j job, s *redisstore.Store[string, []int], in *bufio.Reader, out io.Writer) error{
	"lease":  addThings,
	"update": addThings,
	"freeze": freeze,
}

// workerEnv has the job, in the environment of a worker.
const workerEnv = "LATCHKEY_TEST_JOB"

// beWorker does the job of a worker, if this process is one.
func beWorker() {
	text := os.Getenv(workerEnv)
	if text == "" {
		return
	}
	if err := work(text); err != nil {
		fmt.Fprintln(os.Stderr, "worker:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func work(text string) error {
	var j job
	if err := json.Unmarshal([]byte(text), &j); err != nil {
		return err
	}
	client, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: j.Addresses})
	if err != nil {
		return err
	}
	defer client.Close()
	s, err := redisstore.New[string, []int](client, j.options())
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return jobs[j.What](ctx, j, s, bufio.NewReader(os.Stdin), os.Stdout)
}

func (j job) options() redisstore.Options {
	return redisstore.Options{Prefix: j.Prefix, Durability: j.Durability, Timeout: 2 * time.Second, ProofTimeout: 300 * time.Millisecond}
}

// worker is a process that does a job.
type worker struct {
	*exec.Cmd
	in     io.WriteCloser
	out    *bufio.Reader
	stderr strings.Builder
}

func startWorker(t *testing.T, j job) *worker {
	t.Helper()
	text, err := json.Marshal(j)
	require.NoError(t, err)
	self, err := os.Executable()
	require.NoError(t, err)
	w := &worker{Cmd: exec.Command(self)}
	w.Env = append(os.Environ(), workerEnv+"="+string(text))
	w.Stderr = &w.stderr
	w.SysProcAttr = diesWithParent()
	w.in, err = w.StdinPipe()
	require.NoError(t, err)
	out, err := w.StdoutPipe()
	require.NoError(t, err)
	w.out = bufio.NewReader(out)
	require.NoError(t, w.Start())
	t.Cleanup(func() { _ = w.Process.Kill() }) // it is over by then, as a rule
	return w
}

// addThings puts the numbers From to To into a session, one after the other, each
// until that is acknowledged, and reports those that are. What was acknowledged must
// be there whenever it looks.
func addThings(ctx context.Context, j job, s *redisstore.Store[string, []int], _ *bufio.Reader, out io.Writer) error {
	var acknowledged []int
	add := func(n int) func(old []int, _ bool) ([]int, error) {
		return func(old []int, _ bool) ([]int, error) {
			for _, a := range acknowledged {
				if !slices.Contains(old, a) {
					return nil, fmt.Errorf("%d is lost", a)
				}
			}
			if slices.Contains(old, n) { // from a try whose answer was lost
				return old, nil // but it is written once more, to be proven
			}
			return append(old, n), nil
		}
	}
	for n := j.From; n < j.To; n++ {
		err := patient(ctx, func() error {
			if j.What == "update" {
				_, err := s.Update(ctx, j.What, add(n))
				return err
			}
			return underLease(ctx, s, j.What, add(n))
		})
		if err != nil {
			return err
		}
		acknowledged = append(acknowledged, n)
		if _, err := fmt.Fprintln(out, n); err != nil {
			return err
		}
	}
	return nil
}

// underLease is Update, the other way.
func underLease(ctx context.Context, s *redisstore.Store[string, []int], key string, f func([]int, bool) ([]int, error)) (err error) {
	l, err := s.Lock(ctx, key, 2*time.Second)
	if err != nil {
		return err
	}
	defer func() {
		if unlockErr := l.Unlock(ctx); err == nil && !errors.Is(unlockErr, redisstore.ErrUnavailable) && unlockErr != store.ErrLeaseLost {
			err = unlockErr // any other would be a fault; these have it end by itself
		}
	}()
	old, err := l.Get(ctx)
	if err != nil {
		return lostIsUnavailable(err)
	}
	value, err := f(old, true)
	if err != nil {
		return err
	}
	return lostIsUnavailable(l.Set(ctx, value))
}

// lostIsUnavailable has the loss of a lease be a reason to try again.
func lostIsUnavailable(err error) error {
	if err == store.ErrLeaseLost {
		return fmt.Errorf("%w: %w", redisstore.ErrUnavailable, err)
	}
	return err
}
