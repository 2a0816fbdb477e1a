package persist_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/internal/testenv"
	"github.com/latchkey-go/latchkey/persist"
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
			j.fs.setPlan(everyCallFrom(n, refused, errPowerLoss))
			j.run()
			j.survives(j.disk.crash(keepAll))
			j.survives(j.disk.crash(keepSome(1)))
			if !testenv.Race {
				j.survives(j.disk.crash(keepSome(2)))
				j.survives(j.disk.crash(keepSome(3)))
			}
			j.survivesTwice(j.disk.crash(keepNone))
			j.survivesTwice(j.disk.crash(keepSome(4)))
			if _, hits := j.fs.count(); hits == 0 {
				require.Greater(t, n, 100, "the journey has too few calls to tell anything")
				break
			}
		}
	}
}

// survives makes sure that a store opens well with what a crash has left. It
// returns what that holds.
func (j *journey) survives(left memImage) map[string]int {
	j.t.Helper()
	disk := left.boot()
	state, fence := j.reopen(disk, j.fence)
	j.mayHold(state)
	again, _ := j.reopen(disk.crash(keepNone).boot(), fence)
	require.Empty(j.t, cmp.Diff(state, again), "opened a second time")
	return state
}

// survivesTwice is survives, and makes sure of the same if there is another
// crash, at any call, while the store is opened.
func (j *journey) survivesTwice(left memImage) {
	j.t.Helper()
	state := j.survives(left)
	step := 1
	if testenv.Race {
		step = 5
	}
	for n := 1; ; n += step {
		disk := left.boot()
		fs := &faultFS{under: disk, plan: everyCallFrom(n, refused, errPowerLoss)}
		o := j.options()
		o.Persist = persist.On(fs, o.Persist)
		if _, err := store.New(o); err == nil {
			return // n calls are more than it takes
		}
		for _, keep := range []func() bool{keepNone, keepSome(uint64(n))} {
			again, _ := j.reopen(disk.crash(keep).boot(), j.fence)
			require.Empty(j.t, cmp.Diff(state, again), "after a crash in call %d of opening", n)
		}
	}
}

// reopen opens a store on a disk and leaves it as a crash would. It returns what
// the store held and a fence it handed out.
func (j *journey) reopen(disk *memFS, above uint64) (map[string]int, uint64) {
	j.t.Helper()
	o := j.options()
	o.Persist = persist.On(disk, o.Persist)
	s, err := store.New(o)
	require.NoError(j.t, err, "on what was left")
	for name := range disk.image() {
		require.False(j.t, strings.HasSuffix(name, ".tmp"), "%s is still there", name)
	}
	state := contents(s)
	require.NoError(j.t, s.Set("customer-lock", 0))
	l, err := s.TryLock("customer-lock", 0)
	require.NoError(j.t, err)
	require.Greater(j.t, l.Fence(), above, "the fence must rise for ever")
	return state, l.Fence()
}
