package persist_test

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/internal/disk"
	"github.com/latchkey-go/latchkey/internal/testenv"
	"github.com/latchkey-go/latchkey/persist"
	"github.com/latchkey-go/latchkey/store"
	"github.com/latchkey-go/latchkey/storetest"
)

// voyage is the life of a journaled store on a disk that fails once, or until that
// has been told.
type voyage struct {
	t     testing.TB
	way   way
	disk  *disk.Disk
	fs    *disk.Faulty
	cause error
	clock *storetest.Clock
	log   logBook
	s     *store.Store[string, int]
	lease *store.Lease[string, int]
	told  []string
}

// leg is one step of a voyage.
type leg struct {
	name string
	do   func(*voyage) error
}

func (v *voyage) options(d *disk.Disk) store.Options[string, int] {
	o := store.Options[string, int]{Capacity: 3, Clock: v.clock, Logger: v.log.logger()}
	o.Persist.Dir, o.Persist.FS, o.Persist.Sync = storeDir, v.fs, v.way.sync
	if d != nil {
		o.Persist.FS = d
	}
	return o
}

var legs = []leg{
	{"Set", func(v *voyage) error { return v.s.Set("customer-a", 1) }},
	{"Set", func(v *voyage) error { return v.s.Set("customer-b", 2) }},
	{"overwrite", func(v *voyage) error { return v.s.Set("customer-a", 3) }},
	{"TryLock", func(v *voyage) (err error) {
		v.lease, err = v.s.TryLock("customer-a", 0)
		return err
	}},
	{"Lease.Set", func(v *voyage) error { return v.lease.Set(4) }},
	{"Snapshot", func(v *voyage) error { return v.s.Snapshot(v.t.Context()) }},
	{"Set", func(v *voyage) error { return v.s.Set("customer-c", 5) }},
	{"Set, which evicts", func(v *voyage) error { return v.s.Set("customer-d", 6) }},
	{"Lease.Unlock", func(v *voyage) error { return v.lease.Unlock() }},
	{"Sync", func(v *voyage) error { return v.s.Sync() }},
	{"Delete", func(v *voyage) error { return v.s.Delete("customer-c") }},
	{"time", func(v *voyage) error { v.clock.Advance(2 * time.Second); return nil }},
	{"Snapshot", func(v *voyage) error { return v.s.Snapshot(v.t.Context()) }},
	{"Update", func(v *voyage) error {
		_, err := v.s.Update("customer-a", func(old int, _ bool) (int, error) { return 10 * old, nil })
		return err
	}},
	{"restart", (*voyage).restart},
	{"Resize", func(v *voyage) error { _, err := v.s.Resize(1); return err }},
	{"Set, which evicts", func(v *voyage) error { return v.s.Set("customer-e", 7) }},
	{"Clear", func(v *voyage) error { return v.s.Clear() }},
	{"Set", func(v *voyage) error { return v.s.Set("customer-f", 8) }},
	{"restart", (*voyage).restart},
}

// restart closes the store and opens it again; after an error it is as if the
// process had ended.
func (v *voyage) restart() error {
	if err := v.s.Close(); err != nil {
		v.disk = v.disk.Image().Boot()
		v.boot()
		v.s = mustNew(v.t, v.options(nil))
		return err
	}
	s, err := store.New(v.options(nil))
	if err == nil {
		v.s = s
	}
	return err
}

func (v *voyage) boot() {
	if v.way.mapped {
		v.disk.Mapped()
	}
	v.fs = disk.Fails(v.disk, nil)
}

// visible is what a store shows, less times and fences.
func visible(s *store.Store[string, int]) string {
	var b strings.Builder
	for _, e := range stateOf(s) {
		fmt.Fprintf(&b, "%s=%d rev %d locked %v\n", e.key, e.value, e.revision, e.until != 0)
	}
	return b.String()
}

// calm is what the store shows after each leg of a voyage on a disk that works,
// the first before any.
func calm(t testing.TB, w way) (states []string) {
	v := &voyage{t: t, way: w, disk: disk.New(), clock: storetest.NewClock(t)}
	v.boot()
	v.s = mustNew(t, v.options(nil))
	states = append(states, "")
	for _, l := range legs {
		require.NoError(t, l.do(v), l.name)
		states = append(states, visible(v.s))
	}
	require.NoError(t, v.s.Close())
	return states
}

// sail makes the voyage with a fault. It reports whether there was one.
func (v *voyage) sail(plan func(disk.Call) (disk.Fault, error), states []string) bool {
	v.boot()
	v.fs.SetPlan(plan)
	s, err := store.New(v.options(nil))
	if err != nil {
		v.tell("New", err)
		v.fs.Heal()
		s, err = store.New(v.options(nil))
		require.NoError(v.t, err, "on a disk that works again")
	}
	v.s = s
	for i, l := range legs {
		v.leg(l, states[i], states[i+1])
	}
	fs := v.fs
	err = v.s.Close()
	if err != nil {
		v.tell("Close", err)
	}
	v.holds("after Close", states[len(legs)])
	_, hits := fs.Count()
	return hits > 0
}

func (v *voyage) leg(l leg, before, after string) {
	fs := v.fs // a restart may have another one
	err := l.do(v)
	if err == nil {
		require.Equal(v.t, after, visible(v.s), "after %s", l.name)
		if v.way.sync == persist.Always {
			v.holds("after "+l.name, after)
		}
	} else {
		v.tell(l.name, err)
		if l.name != "restart" {
			require.Equal(v.t, before, visible(v.s), "%s was refused, and is seen", l.name)
			v.holds("after "+l.name+" was refused", before, after)
		}
	}
	if strings.Contains(v.log.String(), v.cause.Error()) || err != nil {
		fs.Heal()
		v.comesBack(l, err, after)
	}
}

// comesBack makes sure that the store takes up its service by itself, once the
// disk works again, and does the leg again that was refused.
func (v *voyage) comesBack(l leg, refused error, after string) {
	wasReadOnly := v.s.Stats().ReadOnly
	for range 100 {
		if !v.s.Stats().ReadOnly {
			break
		}
		err := v.s.Set("customer-x", 0)
		require.ErrorIs(v.t, err, store.ErrReadOnly)
		require.ErrorIs(v.t, err, v.cause)
		v.clock.Advance(100 * time.Millisecond)
	}
	require.False(v.t, v.s.Stats().ReadOnly, "the disk works again")
	if wasReadOnly {
		require.Contains(v.t, v.log.String(), "the disk works again")
	}
	if refused != nil && l.name != "restart" {
		require.NoError(v.t, l.do(v), "%s, again", l.name)
	}
	require.Equal(v.t, after, visible(v.s), "after %s, again", l.name)
}

// tell notes an error, which must give its cause and no key.
func (v *voyage) tell(what string, err error) {
	v.t.Helper()
	require.ErrorIs(v.t, err, v.cause, what)
	require.NotContains(v.t, err.Error(), "customer")
	v.told = append(v.told, err.Error())
}

// holds makes sure that the disk has one of some states, after a power loss too.
func (v *voyage) holds(when string, states ...string) {
	v.t.Helper()
	images := []disk.Image{v.disk.Image()}
	if v.way.sync == persist.Always {
		images = append(images, v.disk.Crash(disk.KeepNone), v.disk.Crash(disk.KeepSome(1)))
	}
	for _, left := range images {
		d := left.Boot()
		s := mustNew(v.t, v.options(d))
		require.Contains(v.t, states, visible(s), "%s: on what a crash leaves; failed: %+v", when, v.fs.Hits())
	}
}

// The n-th call of the file system fails, for every n: alone, or with all that
// follow until it has been told. Every failure is told, nothing is seen that was
// then refused, nothing promised is lost, and the store takes up its service
// again.
func TestEveryCallOfAJournalFails(t *testing.T) {
	t.Parallel()
	for _, w := range journalWays {
		states := calm(t, w)
		for _, test := range []struct {
			name  string
			how   disk.Fault
			cause error
			plan  func(int, disk.Fault, error) func(disk.Call) (disk.Fault, error)
		}{
			{"once, refused", disk.Refused, syscall.EIO, disk.OnlyCall},
			{"once, carried out all the same", disk.Carried, syscall.EIO, disk.OnlyCall},
			{"once, half written, no space", disk.Halved, syscall.ENOSPC, disk.OnlyCall},
			{"from then on, refused", disk.Refused, syscall.EROFS, disk.EveryCallFrom},
			{"from then on, carried out all the same", disk.Carried, syscall.EIO, disk.EveryCallFrom},
			{"from then on, half written, no space", disk.Halved, syscall.ENOSPC, disk.EveryCallFrom},
		} {
			t.Run(w.name+"/"+test.name, func(t *testing.T) {
				t.Parallel()
				step := 1
				if testenv.Race {
					step = 5
				}
				for n := 1; ; n += step {
					v := &voyage{t: t, way: w, disk: disk.New(), cause: test.cause, clock: storetest.NewClock(t)}
					if !v.sail(test.plan(n, test.how, test.cause), states) {
						require.Greater(t, n, 80, "the voyage has too few calls to tell anything")
						return
					}
					told := fmt.Sprint(v.told, v.log.String())
					require.Contains(t, told, test.cause.Error(), "call %d failed and was not told", n)
					require.NotContains(t, told, "customer")
				}
			})
		}
	}
}
