package persist_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/internal/disk"
	"github.com/latchkey-go/latchkey/internal/testenv"
	"github.com/latchkey-go/latchkey/store"
)

// The power fails after every call of the file system, and what was not synced
// survives not at all, wholly, or in part, names and sectors alike. The store
// then opens with what was promised, or something newer that was tried.
func TestPowerLossAfterEveryCall(t *testing.T) {
	t.Parallel()
	for generations := 1; generations <= 2; generations++ {
		for n := 1; ; n++ {
			j := newJourney(t, generations)
			j.cause = errPowerLoss
			j.fs.SetPlan(disk.EveryCallFrom(n, disk.Refused, errPowerLoss))
			j.run()
			j.survives(j.disk.Crash(disk.KeepAll))
			j.survives(j.disk.Crash(disk.KeepSome(1)))
			if !testenv.Race {
				j.survives(j.disk.Crash(disk.KeepSome(2)))
				j.survives(j.disk.Crash(disk.KeepSome(3)))
			}
			j.survivesTwice(j.disk.Crash(disk.KeepNone))
			j.survivesTwice(j.disk.Crash(disk.KeepSome(4)))
			if _, hits := j.fs.Count(); hits == 0 {
				require.Greater(t, n, 100, "the journey has too few calls to tell anything")
				break
			}
		}
	}
}

// survives makes sure that a store opens well with what a crash has left. It
// returns what that holds.
func (j *journey) survives(left disk.Image) map[string]int {
	j.t.Helper()
	d := left.Boot()
	state, fence := j.reopen(d, j.fence)
	j.mayHold(state)
	again, _ := j.reopen(d.Crash(disk.KeepNone).Boot(), fence)
	require.Empty(j.t, cmp.Diff(state, again), "opened a second time")
	return state
}

// survivesTwice is survives, and makes sure of the same if there is another
// crash, at any call, while the store is opened.
func (j *journey) survivesTwice(left disk.Image) {
	j.t.Helper()
	state := j.survives(left)
	step := 1
	if testenv.Race {
		step = 5
	}
	for n := 1; ; n += step {
		d := left.Boot()
		fs := disk.Fails(d, disk.EveryCallFrom(n, disk.Refused, errPowerLoss))
		o := j.options()
		o.Persist.FS = fs
		if _, err := store.New(o); err == nil {
			return // n calls are more than it takes
		}
		for _, keep := range []func() bool{disk.KeepNone, disk.KeepSome(uint64(n))} {
			again, _ := j.reopen(d.Crash(keep).Boot(), j.fence)
			require.Empty(j.t, cmp.Diff(state, again), "after a crash in call %d of opening", n)
		}
	}
}

// reopen opens a store on a disk and leaves it as a crash would. It returns what
// the store held and a fence it handed out.
func (j *journey) reopen(d *disk.Disk, above uint64) (map[string]int, uint64) {
	j.t.Helper()
	o := j.options()
	o.Persist.FS = d
	s, err := store.New(o)
	require.NoError(j.t, err, "on what was left")
	for name := range d.Image() {
		require.False(j.t, strings.HasSuffix(name, ".tmp"), "%s is still there", name)
	}
	state := contents(s)
	require.NoError(j.t, s.Set("customer-lock", 0))
	l, err := s.TryLock("customer-lock", 0)
	require.NoError(j.t, err)
	require.Greater(j.t, l.Fence(), above, "the fence must rise for ever")
	return state, l.Fence()
}
