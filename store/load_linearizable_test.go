package store_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/internal/disk"
	"github.com/latchkey-go/latchkey/persist"
	"github.com/latchkey-go/latchkey/store"
	"github.com/latchkey-go/latchkey/storetest"
)

// A store in front of a source: a write changes the source and then tells the store,
// by a Delete or a Set of what is stored there. Together they must behave like one
// register for each key. A load that brought back what it read before a Delete would
// be a stale read.

// originals is the source, with a lock for each key as a database has.
type originals struct {
	values  [modelKeys]atomic.Int64
	writing [modelKeys]sync.Mutex
	loads   atomic.Int64
}

// load reads late and answers later, or fails at times.
func (o *originals) load(_ context.Context, key int) (int, error) {
	n := o.loads.Add(1)
	for range n % 13 {
		runtime.Gosched()
	}
	value := int(o.values[key].Load())
	for range n % 17 {
		runtime.Gosched()
	}
	if n%11 == 0 {
		return 0, errSource
	}
	return value, nil
}

func (o *originals) loadMany(ctx context.Context, keys []int) (map[int]int, error) {
	found := make(map[int]int)
	for _, key := range keys {
		value, err := o.load(ctx, key)
		if err != nil {
			return nil, err
		}
		found[key] = value
	}
	return found, nil
}

// write changes the source, and what the store has of it.
func (o *originals) write(key, value int, tell func() error) error {
	o.writing[key].Lock()
	defer o.writing[key].Unlock()
	o.values[key].Store(int64(value))
	for range value % 17 {
		runtime.Gosched()
	}
	return tell()
}

// access is a read or a write of a key, seen from outside.
type access struct {
	how   string
	key   int
	write bool
	value int // that was written
}

// seen is what a read has seen.
type seen struct {
	value int
	found bool
}

var oneRegister = porcupine.Model{
	Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
		parts := make([][]porcupine.Operation, modelKeys)
		for _, o := range history {
			key := o.Input.(access).key
			parts[key] = append(parts[key], o)
		}
		return parts
	},
	Init: func() any { return 0 },
	Step: func(state, input, output any) (bool, any) {
		if in := input.(access); in.write {
			return true, in.value
		}
		out := output.(seen)
		return !out.found || out.value == state, state
	},
	DescribeOperation: func(input, output any) string { return fmt.Sprintf("%+v -> %+v", input, output) },
}

// cacheUser is one of those who use the store and its source at the same time.
type cacheUser struct {
	s      *store.Store[int, int]
	from   *originals
	clock  *storetest.Clock
	order  *atomic.Int64
	id     int
	random *rand.Rand

	history []porcupine.Operation
}

func (c *cacheUser) act(n int) (access, seen, error) {
	key, value := c.random.IntN(modelKeys), 1+n*clients+c.id
	ctx := context.Background()
	switch c.random.IntN(16) {
	case 0, 1:
		err := c.from.write(key, value, func() error { return c.s.Delete(key) })
		return access{"Delete", key, true, value}, seen{}, err
	case 2, 3:
		err := c.from.write(key, value, func() error { return c.s.Set(key, value) })
		return access{"Set", key, true, value}, seen{}, err
	case 4:
		err := c.from.write(key, value, func() error {
			_, err := c.s.Update(key, func(int, bool) (int, error) { return value, nil })
			return err
		})
		return access{"Update", key, true, value}, seen{}, err
	case 5:
		err := c.from.write(key, value, c.s.Clear)
		return access{"Clear", key, true, value}, seen{}, err
	case 6:
		c.clock.Advance(clockTick)
		return access{how: "Advance"}, seen{}, nil
	case 7:
		got, err := c.s.Get(key)
		return access{how: "Get", key: key}, seen{got, err == nil}, err
	case 8, 9:
		found, err := c.s.GetOrLoadMany(ctx, []int{0, 1, 2}, c.from.loadMany)
		got, ok := found[key]
		return access{how: "GetOrLoadMany", key: key}, seen{got, ok}, err
	case 10:
		impatient, cancel := context.WithCancel(ctx)
		go cancel()
		got, err := c.s.GetOrLoad(impatient, key, c.from.load)
		return access{how: "GetOrLoad, cancelled", key: key}, seen{got, err == nil}, err
	default:
		got, err := c.s.GetOrLoad(ctx, key, c.from.load)
		return access{how: "GetOrLoad", key: key}, seen{got, err == nil}, err
	}
}

func (c *cacheUser) run(t *testing.T) {
	for n := range callsEach {
		o := porcupine.Operation{ClientId: c.id, Call: c.order.Add(1)}
		in, out, err := c.act(n)
		o.Input, o.Output, o.Return = in, out, c.order.Add(1)
		c.history = append(c.history, o)
		switch {
		case err == nil, err == store.ErrNotFound, err == errSource, errors.Is(err, context.Canceled):
		default:
			t.Error(err)
		}
	}
}

func TestLoadsAreLinearizable(t *testing.T) {
	for name, adjust := range map[string]func(*store.Options[int, int], *storetest.Clock){
		"memory": func(*store.Options[int, int], *storetest.Clock) {},
		"quick": func(o *store.Options[int, int], clock *storetest.Clock) {
			o.Clock, o.RefreshAfter = &steadyClock{Clock: clock}, 0
		},
		"Always": func(o *store.Options[int, int], _ *storetest.Clock) {
			o.Persist = persist.Config{Dir: "/data/store", FS: disk.New(), Sync: persist.Always}
		},
	} {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(historyRuns) {
				clock := storetest.NewClock(t)
				o := store.Options[int, int]{
					Capacity: 2, TTL: ticks(4), RefreshAfter: ticks(1), ErrorTTL: ticks(1), Clock: hesitantClock{clock},
				}
				adjust(&o, clock)
				s := open(t, o)
				testLoadsAreLinearizable(t, s, clock, seed)
				require.NoError(t, s.Close())
			}
		})
	}
}

func testLoadsAreLinearizable(t *testing.T, s *store.Store[int, int], clock *storetest.Clock, seed uint64) {
	t.Helper()
	var from originals
	var order atomic.Int64
	var done sync.WaitGroup
	users := make([]*cacheUser, clients)
	start := make(chan struct{})
	for id := range users {
		c := &cacheUser{s: s, from: &from, clock: clock, order: &order, id: id, random: rand.New(rand.NewPCG(seed, uint64(id)))}
		users[id] = c
		done.Go(func() {
			<-start
			c.run(t)
		})
	}
	close(start)
	done.Wait()
	var history []porcupine.Operation
	for _, c := range users {
		history = append(history, c.history...)
	}
	verdict, info := porcupine.CheckOperationsVerbose(oneRegister, history, time.Minute)
	if verdict != porcupine.Ok {
		file := t.ArtifactDir() + "/history.html"
		t.Fatalf("seed %d: %s; see %s, %v", seed, verdict, file, porcupine.VisualizePath(oneRegister, info, file))
	}
}
