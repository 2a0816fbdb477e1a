package persist_test

import (
	"errors"
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/internal/disk"
	"github.com/latchkey-go/latchkey/persist"
	"github.com/latchkey-go/latchkey/store"
	"github.com/latchkey-go/latchkey/storetest"
)

// journey is the life of a store on a disk that may fail, with a record of what
// was promised.
type journey struct {
	t      testing.TB
	disk   *disk.Disk
	fs     *disk.Faulty
	cause  error // of what fails
	heals  bool  // the disk works again once a failure was told
	config persist.Config
	clock  *storetest.Clock
	log    logBook

	now   map[string]int   // what the store holds
	acked map[string]int   // what is on disk for sure
	tried []map[string]int // what may be there instead: snapshots that failed since
	fence uint64           // the highest handed out
	told  []error
}

// newJourney starts in a folder that is not there yet, on a disk that works.
func newJourney(t testing.TB, generations int) *journey {
	d := disk.New()
	fs := disk.Fails(d, nil)
	config := persist.Config{FS: fs, Dir: storeDir, Generations: generations, Sync: persist.OnSnapshot}
	return &journey{
		t: t, disk: d, fs: fs, config: config, clock: storetest.NewClock(t),
		now: map[string]int{}, acked: map[string]int{},
	}
}

// run is the whole life: several snapshots, so that old ones are pruned, and a
// restart. It ends early if the disk fails for good.
func (j *journey) run() {
	s := j.open()
	if s == nil {
		return
	}
	j.set(s, "customer-a", 1)
	j.set(s, "customer-b", 1)
	l := j.lock(s, "customer-a")
	j.snapshot(s)
	j.set(s, "customer-b", 2)
	require.NoError(j.t, l.Unlock())
	j.set(s, "customer-c", 2)
	j.snapshot(s)
	require.NoError(j.t, s.Delete("customer-a"))
	delete(j.now, "customer-a")
	j.lock(s, "customer-c")
	j.snapshot(s)
	j.set(s, "customer-d", 4)
	j.close(s)

	if s = j.open(); s == nil {
		return
	}
	j.set(s, "customer-e", 5)
	j.lock(s, "customer-e")
	j.close(s)
}

func (j *journey) options() store.Options[string, int] {
	return store.Options[string, int]{Clock: j.clock, Persist: j.config, Logger: j.log.logger()}
}

// open opens the store, which must find what was promised. It returns nil if
// the disk fails for good.
func (j *journey) open() *store.Store[string, int] {
	s, err := store.New(j.options())
	if err != nil {
		j.tell(err)
		if !j.heals {
			return nil
		}
		j.fs.Heal()
		s, err = store.New(j.options())
		require.NoError(j.t, err, "on a disk that works again")
	}
	j.now = contents(s)
	j.mayHold(j.now)
	j.acked, j.tried = maps.Clone(j.now), nil
	return s
}

// mayHold fails the test unless a disk after the journey may hold state.
func (j *journey) mayHold(state map[string]int) {
	j.t.Helper()
	for _, possible := range append(j.tried, j.acked) {
		if maps.Equal(state, possible) {
			return
		}
	}
	require.Fail(j.t, "restored what was never there", "got %v, want %v or one of %v; failed: %+v", state, j.acked, j.tried, j.fs.Hits())
}

func (j *journey) set(s *store.Store[string, int], key string, value int) {
	require.NoError(j.t, s.Set(key, value))
	j.now[key] = value
}

func (j *journey) lock(s *store.Store[string, int], key string) *store.Lease[string, int] {
	l, err := s.TryLock(key, 0)
	require.NoError(j.t, err)
	require.Greater(j.t, l.Fence(), j.fence, "the fence must rise for ever")
	j.fence = l.Fence()
	return l
}

// snapshot takes a snapshot. If that fails, the store goes on, and the next one
// succeeds as soon as the disk works again.
func (j *journey) snapshot(s *store.Store[string, int]) {
	j.save(func() error { return s.Snapshot(j.t.Context()) })
	require.Empty(j.t, cmp.Diff(j.now, contents(s)))
	if j.heals && len(j.tried) > 0 {
		j.fs.Heal()
		j.save(s.Sync)
		require.Empty(j.t, j.tried, "the disk works again")
	}
}

func (j *journey) close(s *store.Store[string, int]) { j.save(s.Close) }

func (j *journey) save(f func() error) {
	state := maps.Clone(j.now)
	if err := f(); err != nil {
		j.tell(err)
		j.tried = append(j.tried, state)
		return
	}
	j.acked, j.tried = state, nil
}

// tell notes an error, which must give its cause and no key.
func (j *journey) tell(err error) {
	j.t.Helper()
	require.ErrorIs(j.t, err, j.cause)
	require.NotContains(j.t, err.Error(), "customer")
	j.told = append(j.told, err)
}

var errPowerLoss = errors.New("the power is gone")
