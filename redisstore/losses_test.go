package redisstore_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/internal/testenv"
	"github.com/latchkey-go/latchkey/redisstore"
)

var wholeTable = flag.Bool("failover", false, "see what each level of durability loses at each fault, and print the table")

// fault is what becomes of a primary while it is written to. It returns when
// somebody, perhaps itself, serves its keys again.
type fault struct {
	name string
	safe redisstore.Durability // the first level that must lose nothing
	run  func(t *testing.T, c *cluster, primary, replica *server)
}

// lossName is a key of all those that the writers use: they are on one node.
const lossName = "{one}:i:0"

var faults = []fault{
	{"kill -9", redisstore.Replicated, func(t *testing.T, c *cluster, primary, replica *server) {
		primary.kill()
		c.waitFor(t, replica, lossName)
	}},
	{"frozen, then on", redisstore.Replicated, func(t *testing.T, c *cluster, primary, replica *server) {
		primary.signal(t, syscall.SIGSTOP)
		c.waitFor(t, replica, lossName)
		primary.signal(t, syscall.SIGCONT)
	}},
	{"replica behind, then kill -9", redisstore.Replicated, func(t *testing.T, c *cluster, primary, replica *server) {
		replica.signal(t, syscall.SIGSTOP)
		time.Sleep(2 * time.Second)
		primary.kill()
		replica.signal(t, syscall.SIGCONT)
		c.waitFor(t, replica, lossName)
	}},
	{"kill -9, back at once", redisstore.OnDisk, func(t *testing.T, c *cluster, primary, _ *server) {
		primary.kill()
		primary.start(t) // before anybody has missed it
		c.waitFor(t, primary, lossName)
	}},
}

// What a level of durability promises outlives a failover. With -failover, what
// is not promised is looked at, too.
func TestFailoverLosses(t *testing.T) {
	levels := []redisstore.Durability{redisstore.Acknowledged, redisstore.Replicated, redisstore.OnDisk}
	table := map[string]string{}
	for _, f := range faults {
		for _, level := range levels {
			if !*wholeTable && (level != f.safe || testenv.Race) {
				continue // it takes ten seconds each
			}
			t.Run(fmt.Sprint(f.name, "/", level), func(t *testing.T) {
				lost, writes := losses(t, level, f)
				t.Logf("%d of %d keys lost an acknowledged write, of %d", lost, lossKeys, writes)
				table[f.name+level.String()] = fmt.Sprintf("%d of %d", lost, lossKeys)
				if level >= f.safe {
					require.Zero(t, lost)
				}
			})
		}
	}
	if !*wholeTable {
		return
	}
	fmt.Println("Keys that lost an acknowledged write:\n\n| fault | Acknowledged | Replicated | OnDisk |\n|---|---|---|---|")
	for _, f := range faults {
		fmt.Printf("| %s", f.name)
		for _, level := range levels {
			fmt.Printf(" | %s", table[f.name+level.String()])
		}
		fmt.Println(" |")
	}
}

const lossKeys = 20

// counter is raised by one writer. It is large, so that a replica that is behind
// misses something, and not only a network that is.
type counter struct {
	N   int
	Pad string
}

// losses has writers raise counters while a fault happens to the primary of them
// all, and returns how many of them went back behind what was acknowledged. Each
// writer compares what it finds with what it was told: a rollback shows even if it
// is written over later.
func losses(t *testing.T, level redisstore.Durability, f fault) (lost int, writes int64) {
	var args []string
	if level == redisstore.OnDisk {
		args = []string{"--appendonly", "yes", "--appendfsync", "always"}
	}
	c := startCluster(t, args...)
	ctx, cancel := context.WithTimeout(t.Context(), 40*time.Second)
	defer cancel()
	// The time is so long that answers of a frozen server are still waited for.
	o := redisstore.Options{Prefix: "{one}:", Durability: level, Timeout: 8 * time.Second, ProofTimeout: 300 * time.Millisecond}
	s := open[int, counter](t, connect(t, c.options()), o)
	w := &writers{s: s, pad: strings.Repeat("x", 20<<10)}
	for key := range lossKeys {
		// The replicas of a new cluster may not be there yet.
		require.NoError(t, patient(ctx, func() error { return w.raise(ctx, key) }))
	}
	stop := w.start(ctx)
	primary, replica := c.primaryOf(t, lossName)
	time.Sleep(200 * time.Millisecond)
	f.run(t, c, primary, replica)
	time.Sleep(500 * time.Millisecond)
	stop()
	w.lookAgain(ctx, t)
	for key := range lossKeys {
		if w.rolledBack[key].Load() {
			lost++
		}
	}
	return lost, w.writes.Load()
}

// writers raise counters, one each.
type writers struct {
	s            *redisstore.Store[int, counter]
	pad          string
	acknowledged [lossKeys]int // owned by the key's writer
	rolledBack   [lossKeys]atomic.Bool
	writes       atomic.Int64
}

func (w *writers) raise(ctx context.Context, key int) error {
	now, err := w.s.Update(ctx, key, func(old counter, _ bool) (counter, error) {
		if old.N < w.acknowledged[key] {
			w.rolledBack[key].Store(true)
		}
		return counter{old.N + 1, w.pad}, nil
	})
	if err == nil {
		w.acknowledged[key] = max(w.acknowledged[key], now.N)
		w.writes.Add(1)
	}
	return err
}

// lookAgain has each writer look at its counter once more.
func (w *writers) lookAgain(ctx context.Context, t *testing.T) {
	var busy sync.WaitGroup
	for key := range lossKeys {
		busy.Go(func() {
			err := patient(ctx, func() error {
				err := w.raise(ctx, key)
				if errors.Is(err, redisstore.ErrUnproven) {
					return nil // the only replica is a primary now
				}
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	busy.Wait()
}

// start has them write until stop is called.
func (w *writers) start(ctx context.Context) (stop func()) {
	end := make(chan struct{})
	var busy sync.WaitGroup
	for key := range lossKeys {
		busy.Go(func() {
			for {
				select {
				case <-end:
					return
				case <-ctx.Done():
					return
				default:
				}
				if err := w.raise(ctx, key); err != nil {
					time.Sleep(10 * time.Millisecond) // until somebody serves again
				}
			}
		})
	}
	return func() { close(end); busy.Wait() }
}
