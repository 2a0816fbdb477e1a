package persist_test

import (
	"flag"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/internal/disk"
	"github.com/latchkey-go/latchkey/internal/testenv"
	"github.com/latchkey-go/latchkey/store"
)

var crashPoints = flag.Int64("crash-points", 100_000, "crash points that TestCrashPoints makes sure of at least")

// crashPoint is a disk as a crash has left it, and what it may hold.
type crashPoint struct {
	left disk.Image
	from int // the oldest of the trace's states
	now  time.Time
	what string
}

// A journaled store lives through 500 operations. Before each call of the file
// system, and after each operation, the process is killed, and the power is lost:
// with nothing, all, or 50 random choices of the sectors and names that were not
// synced kept. What the store then opens with is what was promised, or newer.
func TestCrashPoints(t *testing.T) {
	t.Parallel()
	var points atomic.Int64
	want := *crashPoints
	operations := int(min(500, want/50)) // a trace of these has some 100 crash points for each
	if testenv.Race {
		want /= 50
	}
	for _, w := range journalWays {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			for seed := uint64(1); seed == 1 || points.Load() < want; seed++ {
				points.Add(crashTrace(t, w, seed, operations))
			}
		})
	}
	t.Cleanup(func() {
		t.Logf("%d crash points", points.Load())
		if !t.Failed() {
			require.GreaterOrEqual(t, points.Load(), want)
		}
	})
}

// crashTrace returns how many crash points it has made sure of.
func crashTrace(t *testing.T, w way, seed uint64, operations int) (points int64) {
	tr := newTrace(t, w, seed)
	random := 50
	if testenv.Race {
		random, operations = 5, operations/5
	}
	var pending []crashPoint
	crash := func(what string) {
		now := tr.clock.Now()
		add := func(left disk.Image, from int, kept string) {
			pending = append(pending, crashPoint{left, from, now, what + ", kept " + kept})
		}
		add(tr.disk.Image(), tr.written, "what was written")
		add(tr.disk.Crash(disk.KeepNone), tr.durable, "nothing")
		add(tr.disk.Crash(disk.KeepAll), tr.durable, "all")
		for i := range random {
			some := disk.KeepSome(tr.rand.Uint64())
			add(tr.disk.Crash(some), tr.durable, fmt.Sprint("random choice ", i))
		}
	}
	tr.states = []state{nil}
	tr.fs.SetPlan(func(c disk.Call) (disk.Fault, error) {
		if !harmless(c.Op) {
			crash(fmt.Sprintf("before %s of %s", c.Op, strings.TrimPrefix(c.Name, storeDir)))
		}
		return disk.None, nil
	})
	tr.open()
	tr.durable = 0
	for i := range operations {
		before, _ := tr.fs.Count()
		name := tr.step()
		if after, _ := tr.fs.Count(); after > before || w.mapped {
			crash("after it")
		}
		for j, p := range pending {
			opened, err := tr.survives(p, j%50 == 0)
			if err != nil {
				t.Fatalf("%s, seed %d: operation %d, %s, %s: %v\n%s", w.name, seed, i, name, p.what, err, opened)
			}
		}
		points += int64(len(pending))
		pending = pending[:0]
		if len(tr.states) > 2000 { // those before can't come back
			keep := min(tr.durable, tr.written)
			tr.states = tr.states[keep:]
			tr.durable, tr.written = tr.durable-keep, tr.written-keep
		}
	}
	tr.fs.Heal()
	require.NoError(t, tr.s.Close())
	return points
}

// harmless are the calls that change nothing.
func harmless(op string) bool {
	switch op {
	case "stat", "readdir", "open", "read", "close", "held", "unlock":
		return true
	}
	return false
}

// survives opens a store on what a crash has left. A thorough look also makes sure
// that a crash at any call while it opens changes nothing, and that fences rise.
func (tr *trace) survives(p crashPoint, thorough bool) (opened string, err error) {
	now := tr.clock.Now()
	tr.clock.Set(p.now)
	defer tr.clock.Set(now)
	d := p.left.Boot()
	s, err := store.New(tr.options(d))
	if err != nil {
		return "", err
	}
	got := stateOf(s)
	if err := tr.mayBe(got, p.from); err != nil {
		return fmt.Sprintf("%+v", s.Stats()), err
	}
	if thorough {
		return "", tr.thorough(p, d, s, got)
	}
	return "", nil
}

func (tr *trace) thorough(p crashPoint, d *disk.Disk, s *store.Store[string, int], got state) error {
	again, err := store.New(tr.options(d.Crash(disk.KeepNone).Boot()))
	if err != nil {
		return fmt.Errorf("when opened again: %w", err)
	}
	if was, is := got.at(p.now), stateOf(again).at(p.now); was != is {
		return fmt.Errorf("opened once\n%sagain\n%s", was, is)
	}
	for n := 1; ; n += 1 + tr.rand.IntN(15) {
		d := p.left.Boot()
		fs := disk.Fails(d, disk.EveryCallFrom(n, disk.Refused, errPowerLoss))
		if _, err := store.New(tr.options(fs)); err == nil {
			break // n calls are more than it takes
		}
		for _, keep := range []func() bool{disk.KeepNone, disk.KeepSome(uint64(n))} {
			again, err := store.New(tr.options(d.Crash(keep).Boot()))
			if err != nil {
				return fmt.Errorf("after a crash in call %d of opening: %w", n, err)
			}
			if was, is := got.at(p.now), stateOf(again).at(p.now); was != is {
				return fmt.Errorf("opened once\n%sand after a crash in call %d of opening\n%s", was, n, is)
			}
		}
	}
	if err := s.Clear(); err != nil {
		return err
	}
	if err := s.Set("any", 1); err != nil {
		return err
	}
	l, err := s.TryLock("any", 0)
	if err == nil && l.Fence() <= tr.fence {
		err = fmt.Errorf("a fence of %d after one of %d", l.Fence(), tr.fence)
	}
	return err
}
