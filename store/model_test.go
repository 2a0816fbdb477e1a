package store_test

import (
	"cmp"
	"context"
	"flag"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/latchkey-go/latchkey/internal/disk"
	"github.com/latchkey-go/latchkey/persist"
	"github.com/latchkey-go/latchkey/store"
	"github.com/latchkey-go/latchkey/storetest"
)

// TestModel drives a store and the reference through the same random steps and
// wants no difference. Plain go test does at least 100,000 steps; -rapid.checks
// (runs) and -rapid.steps (their average length) ask for another number.
func TestModel(t *testing.T) {
	const checks, length = 800, 250 // for each of the two
	asked := orElse(t, "rapid.checks", checks, "100") || orElse(t, "rapid.steps", length, "30")
	var steps atomic.Int64
	t.Run("string keys, JSON", func(t *testing.T) {
		testModel(t, &steps, persist.JSON{}, []string{"", "1", "a", "ä", "b", "c"})
	})
	t.Run("int keys, Gob", func(t *testing.T) {
		testModel(t, &steps, persist.Gob{}, []int{-1, 0, 1, 2, 3, 1 << 40})
	})
	t.Logf("%d steps", steps.Load())
	if !asked && !testing.Short() && !t.Failed() {
		require.GreaterOrEqual(t, steps.Load(), int64(100_000))
	}
}

// orElse sets a flag for this test and reports whether the user has set it.
func orElse(t *testing.T, name string, value int, byDefault string) (asked bool) {
	f := flag.Lookup(name)
	if f.Value.String() != byDefault {
		return true
	}
	require.NoError(t, f.Value.Set(strconv.Itoa(value)))
	t.Cleanup(func() { require.NoError(t, f.Value.Set(byDefault)) })
	return false
}

func testModel[K cmp.Ordered](t *testing.T, steps *atomic.Int64, codec persist.Codec, keys []K) {
	rapid.Check(t, func(rt *rapid.T) {
		rapid.SyncTest(rt, func(rt *rapid.T) {
			m := &machine[K]{t: rt, steps: steps, keys: keys, odd: rand.New(rand.NewPCG(1, 2))}
			m.clock = &hookedClock{Clock: storetest.NewClock(t), after: m.fired}
			m.o.Clock, m.o.OnRemove, m.o.Persist.Codec = m.clock, m.events.add, codec
			if rapid.IntRange(0, 2).Draw(rt, "with a folder") == 0 {
				m.mapped = rapid.Bool().Draw(rt, "with a journal through memory")
				m.boot(disk.New())
				m.steppy = rapid.IntRange(0, 3).Draw(rt, "with a clock that is stepped back") == 0
				m.o.Persist.Dir = "/data/store"
			}
			m.drawOptions()
			require.NoError(rt, m.open(nil))
			defer func() { _ = m.s.Close() }()
			rt.Repeat(m.actions())
		})
	})
}

// machine is a store and the reference, side by side.
type machine[K cmp.Ordered] struct {
	t     *rapid.T
	steps *atomic.Int64
	keys  []K
	disk  *disk.Disk // nil = memory only
	// mapped is whether the disk can be written through memory, as a journal
	// is that is not synced each time.
	mapped bool
	// steppy is whether the clock is stepped back at times. In what a journal
	// holds, times of before then are not those that the store shows, and
	// TestJournalAndTheWallClock takes over.
	steppy bool
	clock  *hookedClock
	odd    *rand.Rand

	o         store.Options[K, int]
	s         *store.Store[K, int]
	r         *reference[K]
	value     int // latest set
	events    removals[K, int]
	seen      []store.Removal[K, int] // events since the last check
	leases    []held[K]
	watchful  bool // asks some leases for Done, which makes the store set a timer
	waiting   []*waiting[K]
	fence     uint64        // newest ever seen
	stats     store.Stats   // the counts that are known
	saved     *reference[K] // as a power loss would leave it
	written   *reference[K] // as kill -9 would, with a journal
	imprecise bool          // what is saved is so about accesses
	stepped   bool          // the clock was behind the store's time then, or since
	unseen    bool          // yet, the clock's time
	snapshots uint64
	journal   persist.JournalStats
	export    []byte
	exported  *reference[K]
}

// held is a lease that the store has granted.
type held[K comparable] struct {
	*store.Lease[K, int]
	ref  *refLease[K]
	done <-chan struct{} // nil if nobody asked for it
}

// waiting is a call of Lock on its way.
type waiting[K comparable] struct {
	cancel context.CancelFunc
	ref    *refLease[K]
	lease  *store.Lease[K, int]
	err    error
	done   chan struct{} // closed once lease and err are set
}

// hookedClock tells when a timer has fired.
type hookedClock struct {
	*storetest.Clock
	after func()
}

func (c *hookedClock) AfterFunc(d time.Duration, f func()) (stop func() bool) {
	return c.Clock.AfterFunc(d, func() {
		f()
		c.after()
	})
}

// epoch is where the reference's times count from.
var epoch = time.Date(1990, 1, 1, 0, 0, 0, 0, time.UTC)

func (m *machine[K]) now() time.Duration { return m.clock.Now().Sub(epoch) }

func (m *machine[K]) draw(label string, from ...time.Duration) time.Duration {
	return rapid.SampledFrom(from).Draw(m.t, label)
}

func (m *machine[K]) key() K { return rapid.SampledFrom(m.keys).Draw(m.t, "key") }

func (m *machine[K]) newValue() int {
	m.value++
	return m.value
}

// drawOptions draws those that may differ from one life of a store to the next.
func (m *machine[K]) drawOptions() {
	m.o.Capacity = rapid.IntRange(1, len(m.keys)-1).Draw(m.t, "capacity")
	m.o.MaxWeight, m.o.Weigher = rapid.SampledFrom([]uint64{0, 0, 2, 5, 9}).Draw(m.t, "most weight"), nil
	if m.o.MaxWeight > 0 {
		m.o.Weigher = weigher
	}
	m.o.TTL = m.draw("TTL", 0, 5*time.Second, time.Minute, time.Hour)
	m.o.IdleTimeout = m.draw("idle timeout", 0, 0, 3*time.Second, time.Minute)
	m.o.MaxLease = m.draw("longest lease", 2*time.Second, 30*time.Second)
	m.o.SweepInterval = m.draw("sweep interval", time.Second, time.Minute)
	m.o.RefreshAfter = m.draw("refresh after", 0, 2*time.Second, 4*time.Second)
	m.o.ErrorTTL = m.draw("error TTL", 0, 2*time.Second, time.Minute)
	if m.disk != nil {
		m.o.Persist.Sync = persist.OnSnapshot
		if !m.steppy {
			m.o.Persist.Sync = rapid.SampledFrom([]persist.Sync{persist.Always, persist.EverySecond, persist.OnSnapshot}).Draw(m.t, "sync")
		}
		m.o.Persist.SnapshotInterval = m.draw("snapshot interval", 0, time.Minute, time.Hour)
	}
	m.watchful = rapid.Bool().Draw(m.t, "watches leases")
}

// same wants the store's error to be the reference's.
func (m *machine[K]) same(got, want error) {
	if got != want {
		m.t.Fatalf("error: got %v, want %v", got, want)
	}
	if want == store.ErrLocked {
		m.stats.Refusals++
	}
}

// catchUp tells the reference the time, and what else it can't know.
func (m *machine[K]) catchUp() {
	synctest.Wait() // for the store's own goroutines: one of them may have OnRemove to call
	m.r.settle(m.now())
	m.expect(m.events.take())
	if n := m.s.Stats().Snapshots; n != m.snapshots {
		m.snapshots = n
		m.snapshotTaken()
	}
}

func (m *machine[K]) journaled() bool {
	return m.disk != nil && m.o.Persist.Sync != persist.OnSnapshot
}

// fired follows each of the store's timers, while the clock stands at its time.
func (m *machine[K]) fired() {
	m.r.settle(m.now())
	m.collect()
	m.catchUp()
	m.followJournal()
}

// expect takes in what OnRemove was told. Which of the dead entries are freed,
// and when, is the store's choice.
func (m *machine[K]) expect(events []store.Removal[K, int]) {
	for _, gone := range events {
		m.seen = append(m.seen, gone)
		if gone.Reason != store.ReasonExpired {
			continue
		}
		e := m.r.entries[gone.Key]
		if e == nil || !m.r.dead(e) {
			m.t.Fatalf("reported as expired, but is not: %v", gone)
		}
		m.r.remove(e, store.ReasonExpired)
	}
}

// collect takes in what waiters have got.
func (m *machine[K]) collect() {
	if len(m.waiting) == 0 {
		return
	}
	synctest.Wait()
	m.waiting = slices.DeleteFunc(m.waiting, func(w *waiting[K]) bool {
		served := w.ref.until != 0 || w.ref.end != nil
		if closed(w.done) != served {
			m.t.Fatalf("a waiter: served %v, want %v", !served, served)
		}
		switch {
		case !served:
		case w.ref.until == 0:
			m.same(w.err, w.ref.end)
		default:
			m.same(w.err, nil)
			m.granted(w.lease, w.ref)
		}
		return served
	})
}

// check compares all that can be seen without changing anything.
func (m *machine[K]) check(*rapid.T) {
	m.steps.Add(1)
	if m.unseen { // so that any method can be the first to see a new time
		m.unseen = false
		return
	}
	m.s.Has(m.keys[0]) // has the store see the time
	m.catchUp()
	m.collect()
	m.followJournal()
	m.checkEvents()
	live := make(map[K]int)
	for _, key := range m.keys {
		m.checkKey(key, live)
	}
	if got := maps.Collect(m.s.All()); !maps.Equal(got, live) {
		m.t.Fatalf("All: got %v, want %v", got, live)
	}
	for key, got := range m.s.AllMetadata() {
		if _, ok := live[key]; !ok {
			m.t.Fatalf("AllMetadata: %v is not live, or came before", key)
		}
		delete(live, key)
		if want := m.metadata(m.r.entries[key]); got != want {
			m.t.Fatalf("AllMetadata: %v: %s", key, gocmp.Diff(want, got))
		}
	}
	if len(live) > 0 {
		m.t.Fatalf("AllMetadata: %d are missing", len(live))
	}
	m.checkStats()
	m.checkLeases()
	for _, e := range m.r.order {
		if m.r.deadline(e)+m.o.SweepInterval <= m.r.now {
			m.t.Fatalf("dead for longer than the sweep interval and not freed")
		}
	}
}

func (m *machine[K]) checkEvents() {
	for _, gone := range m.r.gone {
		switch gone.Reason {
		case store.ReasonEvicted:
			m.stats.Evicted++
		case store.ReasonExpired:
			m.stats.Expired++
		case store.ReasonDeleted:
			m.stats.Deleted++
		case store.ReasonReplaced:
			m.stats.Replaced++
		case store.ReasonCleared:
			m.stats.Cleared++
		}
	}
	for _, events := range [][]store.Removal[K, int]{m.seen, m.r.gone} {
		if len(events) > 0 && events[len(events)-1].Reason == store.ReasonCleared { // in no order
			slices.SortFunc(events, func(a, b store.Removal[K, int]) int {
				return cmp.Or(cmp.Compare(a.Reason, b.Reason), cmp.Compare(a.Value, b.Value))
			})
		}
	}
	if !slices.Equal(m.seen, m.r.gone) {
		m.t.Fatalf("events: %s", gocmp.Diff(m.r.gone, m.seen))
	}
	m.seen, m.r.gone = nil, nil
}

func (m *machine[K]) checkKey(key K, live map[K]int) {
	e := m.r.entries[key]
	var want store.Metadata
	if e != nil {
		want = m.metadata(e)
	}
	if got, ok := m.s.Metadata(key); got != want || ok != (e != nil) {
		m.t.Fatalf("Metadata(%v): %s", key, gocmp.Diff(want, got))
	}
	if got, ok := m.s.Status(key); got != want.Status || ok != (e != nil) {
		m.t.Fatalf("Status(%v): got %v, want %v", key, got, want.Status)
	}
	value, alive := 0, e != nil && !m.r.dead(e)
	if alive {
		value = e.value
		live[key] = value
	}
	if got, ok := m.s.Peek(key); got != value || ok != alive || m.s.Has(key) != alive {
		m.t.Fatalf("Peek(%v): got %v, %v, want %v, %v", key, got, ok, value, alive)
	}
}

func (m *machine[K]) metadata(e *refEntry[K]) store.Metadata {
	at := func(d time.Duration) time.Time {
		if d >= forever {
			return time.Time{}
		}
		return epoch.Add(d)
	}
	want := store.Metadata{
		Status: store.Active, Created: at(e.created), Updated: at(e.updated), Accessed: at(e.accessed),
		Accesses: e.accesses, Revision: e.revision, Fence: e.fence, Expires: at(m.r.deadline(e)), Weight: uint32(m.r.weigh(e.value)),
	}
	if e.lease != nil {
		want.Status, want.LockedUntil = store.Locked, at(e.lease.until)
	}
	if m.r.dead(e) {
		want.Status = store.Expired
	}
	return want
}

func (m *machine[K]) checkStats() {
	want := m.stats
	want.Entries, want.Capacity, want.Waiting = len(m.r.entries), m.r.capacity, len(m.waiting)
	want.Weight, want.MaxWeight = uint64(m.r.weight(always)), m.o.MaxWeight
	for _, e := range m.r.entries {
		if e.lease != nil {
			want.Locked++
		}
	}
	got := m.s.Stats()
	got.Snapshots, got.LastSnapshot, got.LastSnapshotTook = 0, time.Time{}, 0
	got.Journal, got.Replayed = persist.JournalStats{}, 0
	if n := got.EvictedAges.Count(); n != got.Evicted {
		m.t.Fatalf("EvictedAges: of %d, want %d", n, got.Evicted)
	}
	got.Durable, got.Unsaved = false, false
	got.LockWaits, got.LoadTimes, got.EvictedAges = persist.Histogram{}, persist.Histogram{}, persist.Histogram{}
	if got != want {
		m.t.Fatalf("Stats: %s", gocmp.Diff(want, got))
	}
}

func (m *machine[K]) checkLeases() {
	for _, l := range m.leases {
		if over := l.ref.end != nil; l.done != nil && closed(l.done) != over {
			m.t.Fatalf("Done: closed %v, want %v", !over, over)
		}
		if got, want := l.Deadline(), epoch.Add(l.ref.until); !got.Equal(want) {
			m.t.Fatalf("Deadline: got %v, want %v", got, want)
		}
	}
}

// forever is so long that what comes after it is beyond every other time.
const forever time.Duration = 1 << 62
