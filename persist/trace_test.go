package persist_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/internal/disk"
	"github.com/latchkey-go/latchkey/persist"
	"github.com/latchkey-go/latchkey/store"
	"github.com/latchkey-go/latchkey/storetest"
)

// way is a way to keep a store on disk.
type way struct {
	name   string
	sync   persist.Sync
	mapped bool // the journal goes through memory
}

var journalWays = []way{
	{"Always", persist.Always, false},
	{"EverySecond", persist.EverySecond, false},
	{"EverySecond, mapped", persist.EverySecond, true},
}

// trace is a store that is driven by random operations, with a record of all the
// states that it has been in.
type trace struct {
	t     testing.TB
	way   way
	disk  *disk.Disk
	fs    *disk.Faulty
	clock *storetest.Clock
	rand  *rand.Rand
	log   logBook

	s      *store.Store[string, int]
	leases []*store.Lease[string, int]
	value  int
	fence  uint64 // the highest handed out

	states  []state // after each operation, the first before any
	durable int     // the oldest that a power loss may go back to
	written int     // the oldest that kill -9 may go back to
}

// state is what counts in a store: its entries, less what time alone tells.
type state []stateEntry

type stateEntry struct {
	key             string
	value           int
	revision, fence uint64
	expires, until  int64
}

// at returns what is left of a state at a time, as text.
func (s state) at(now time.Time) string {
	var b strings.Builder
	for _, e := range s {
		if e.expires != 0 && now.UnixNano() >= e.expires {
			continue
		}
		until := e.until
		if now.UnixNano() >= until {
			until = 0
		}
		fmt.Fprintf(&b, "%s=%d rev %d fence %d expires %d until %d\n", e.key, e.value, e.revision, e.fence, e.expires, until)
	}
	return b.String()
}

func stateOf(s *store.Store[string, int]) state {
	var all state
	for key, value := range s.All() {
		m, _ := s.Metadata(key)
		e := stateEntry{key: key, value: value, revision: m.Revision, fence: m.Fence}
		if !m.Expires.IsZero() {
			e.expires = m.Expires.UnixNano()
		}
		if !m.LockedUntil.IsZero() {
			e.until = m.LockedUntil.UnixNano()
		}
		all = append(all, e)
	}
	slices.SortFunc(all, func(a, b stateEntry) int { return strings.Compare(a.key, b.key) })
	return all
}

// newTrace opens a store in a new folder. It makes a journal that is compacted
// often.
func newTrace(t testing.TB, w way, seed uint64) *trace {
	tr := &trace{
		t: t, way: w, disk: disk.New(), clock: storetest.NewClock(t),
		rand: rand.New(rand.NewPCG(seed, uint64(w.sync))),
	}
	if w.mapped {
		tr.disk.Mapped()
	}
	tr.fs = disk.Fails(tr.disk, nil)
	return tr
}

func (tr *trace) options(fs persist.FS) store.Options[string, int] {
	return store.Options[string, int]{
		Capacity: 20,
		MaxLease: 20 * time.Second,
		Clock:    tr.clock,
		Logger:   tr.log.logger(),
		Persist:  persist.Config{Dir: storeDir, FS: fs, Sync: tr.way.sync, MinJournal: 1 << 40},
	}
}

func (tr *trace) open() {
	var err error
	tr.s, err = store.New(tr.options(tr.fs))
	require.NoError(tr.t, err)
	tr.leases = nil
	tr.noteState()
}

// noteState notes the state after an operation.
func (tr *trace) noteState() {
	tr.states = append(tr.states, stateOf(tr.s))
	tr.written = len(tr.states) - 1
}

// step does one operation and returns its name. Changes that it makes are durable
// as far as the way promises.
func (tr *trace) step() string {
	syncs := tr.s.Stats().Journal.Syncs
	name := tr.operate()
	tr.noteState()
	if tr.way.sync == persist.Always || tr.s.Stats().Journal.Syncs > syncs {
		// In an operation that syncs, all is synced in the end.
		tr.durable = tr.written
	}
	return name
}

func (tr *trace) key() string { return fmt.Sprint("key-", tr.rand.IntN(24)) }

// next returns a value that was never set before.
func (tr *trace) next() int {
	tr.value++
	return tr.value
}

func (tr *trace) operate() string {
	s, key := tr.s, tr.key()
	switch p := tr.rand.IntN(100); {
	case p < 40:
		_ = s.Set(key, tr.next()) // or it is locked
		return "Set"
	case p < 48:
		_ = s.SetWithTTL(key, tr.next(), time.Duration(1+tr.rand.IntN(20))*time.Second)
		return "SetWithTTL"
	case p < 60:
		_ = s.Delete(key)
		return "Delete"
	case p < 66:
		_, _ = s.Update(key, func(old int, _ bool) (int, error) { return 1_000_000 + old + tr.next(), nil })
		return "Update"
	case p < 74:
		if l, err := s.TryLock(key, time.Duration(1+tr.rand.IntN(20))*time.Second); err == nil {
			require.Greater(tr.t, l.Fence(), tr.fence)
			tr.fence = l.Fence()
			tr.leases = append(tr.leases, l)
		}
		return "TryLock"
	case p < 86 && len(tr.leases) > 0:
		l := tr.leases[tr.rand.IntN(len(tr.leases))]
		switch tr.rand.IntN(4) {
		case 0:
			_ = l.Set(tr.next())
		case 1:
			_ = l.Extend(0)
		case 2:
			_ = l.Delete()
		case 3:
			_ = l.Unlock()
		}
		return "Lease"
	case p < 87:
		require.NoError(tr.t, s.Clear())
		return "Clear"
	case p < 89:
		_, _ = s.Resize(4 + tr.rand.IntN(17))
		return "Resize"
	case p < 90:
		require.NoError(tr.t, s.Snapshot(tr.t.Context()))
		return "Snapshot"
	case p < 92:
		require.NoError(tr.t, s.Sync())
		return "Sync"
	case p < 93:
		require.NoError(tr.t, s.Close())
		tr.open()
		return "restart"
	default:
		tr.clock.Advance(time.Duration(tr.rand.IntN(1500)) * time.Millisecond)
		return "Advance"
	}
}

// mayBe returns why a disk can't hold what a crash may have left: the state must
// be one of those from the index given on, or on the way from one to the next.
func (tr *trace) mayBe(got state, from int) error {
	now := tr.clock.Now()
	text := got.at(now)
	for i := len(tr.states) - 1; i >= from; i-- {
		if tr.states[i].at(now) == text {
			return nil
		}
	}
	for i := len(tr.states) - 1; i > from; i-- {
		if got.between(tr.states[i-1], tr.states[i], now) {
			return nil
		}
	}
	return fmt.Errorf("got\n%swhich is none of the %d states from\n%son", text, len(tr.states)-from, tr.states[from].at(now))
}

// between reports whether every entry is as in one of two states: an operation
// that evicts others has several records.
func (s state) between(a, b state, now time.Time) bool {
	was, is, got := a.lines(now), b.lines(now), s.lines(now)
	for key, line := range got {
		if line != was[key] && line != is[key] {
			return false
		}
	}
	for key := range was {
		if got[key] == "" && is[key] != "" {
			return false // it is in both
		}
	}
	return true
}

// lines returns the text of each entry.
func (s state) lines(now time.Time) map[string]string {
	lines := make(map[string]string, len(s))
	for _, e := range s {
		if line := (state{e}).at(now); line != "" {
			lines[e.key] = line
		}
	}
	return lines
}
