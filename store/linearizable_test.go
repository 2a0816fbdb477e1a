package store_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/internal/disk"
	"github.com/latchkey-go/latchkey/persist"
	"github.com/latchkey-go/latchkey/store"
	"github.com/latchkey-go/latchkey/storetest"
)

const (
	modelKeys   = 3
	clients     = 8
	callsEach   = 40
	clockTick   = time.Second
	historyRuns = 200
)

// client is one of those who use the store at the same time.
type client struct {
	*sharedStore
	id       int
	random   *rand.Rand
	leases   [modelKeys]*store.Lease[int, int] // held, or lost
	revision [modelKeys]uint64                 // last seen
	calls    int
	history  []porcupine.Operation
}

// sharedStore is one in use by the clients.
type sharedStore struct {
	s     *store.Store[int, int]
	clock *storetest.Clock
	start time.Time
	order atomic.Int64 // of the beginnings and the ends of calls
	// still keeps the clock from moving while a call is on its way to the
	// journal, or reads go past the lock: the time of a change is that of when
	// it was decided, and others see it a moment later.
	still *sync.RWMutex // nil = it may move at any time
}

// setting is what the clients' store is kept on.
type setting struct {
	name  string
	sync  persist.Sync // 0 = memory only
	disk  func() persist.FS
	quick bool // reads go past the store's lock
}

// settings are all of them. A disk that fails does so now and then, and works
// again a little later.
var settings = []setting{
	{name: "memory"},
	{name: "memory, quick", quick: true},
	{name: "Always", sync: persist.Always, disk: func() persist.FS { return disk.New() }},
	{name: "EverySecond", sync: persist.EverySecond, disk: func() persist.FS { return disk.New() }},
	{name: "EverySecond, mapped, quick", sync: persist.EverySecond, disk: func() persist.FS { return disk.New().Mapped() }, quick: true},
	{name: "Always, on a disk that fails, quick", quick: true, sync: persist.Always, disk: func() persist.FS {
		var n atomic.Int64
		return disk.Fails(disk.New(), func(c disk.Call) (disk.Fault, error) {
			if n.Add(1)%50 >= 48 && (c.Op == "write" || c.Op == "sync") && strings.Contains(c.Name, "journal-") {
				return disk.Refused, syscall.EIO
			}
			return disk.None, nil
		})
	}},
}

// hesitantClock lets others get in between an operation's reading of the clock
// and the rest of it.
type hesitantClock struct{ *storetest.Clock }

func (c hesitantClock) Now() time.Time {
	now := c.Clock.Now()
	runtime.Gosched()
	return now
}

// steadyClock is a hesitantClock of which each reading is a little later than the one
// before.
type steadyClock struct {
	*storetest.Clock
	mu       sync.Mutex // guards readings
	readings time.Duration
}

func (c *steadyClock) Steady() {}

func (c *steadyClock) Now() time.Time {
	c.mu.Lock()
	c.readings++
	now := c.Clock.Now().Add(c.readings)
	c.mu.Unlock()
	runtime.Gosched()
	return now
}

func ticks(n int) time.Duration { return time.Duration(n) * clockTick }

func told(err error) result {
	if errors.Is(err, syscall.EIO) {
		err = errDisk
	}
	return result{err: err}
}

// errDisk stands for what a call is told whose change could not be written.
var errDisk = errors.New("the disk fails")

var (
	opAdvance = &operation{
		name:  "Advance",
		do:    func(c *client, _ call) result { c.clock.Advance(clockTick); return result{} },
		model: func(r *register, _ call, _ result) result { r.tick(); return result{} },
	}
	opGet = &operation{name: "Get", model: modelGet, do: func(c *client, in call) result {
		value, err := c.s.Get(in.key)
		return result{value: value, err: err}
	}}
	opEntry = &operation{name: "Entry", model: modelEntry, do: func(c *client, in call) result {
		e, err := c.s.Entry(in.key)
		c.revision[in.key] = e.Metadata.Revision
		return result{value: e.Value, revision: e.Metadata.Revision, err: err}
	}}
	opPeek = &operation{
		name: "Peek",
		do: func(c *client, in call) result {
			value, found := c.s.Peek(in.key)
			return result{value: value, found: found}
		},
		model: func(r *register, _ call, _ result) result { return result{value: r.value, found: r.live} },
	}
	opSet = &operation{
		name:  "Set",
		do:    func(c *client, in call) result { return told(c.s.Set(in.key, in.value)) },
		model: writes(nil, func(r *register, in call) { r.write(in.value, modelTTL) }),
	}
	opSetWithTTL = &operation{
		name:  "SetWithTTL",
		do:    func(c *client, in call) result { return told(c.s.SetWithTTL(in.key, in.value, ticks(in.ttl))) },
		model: writes(nil, func(r *register, in call) { r.write(in.value, in.ttl) }),
	}
	opCompareAndSet = &operation{
		name: "CompareAndSet",
		do:   func(c *client, in call) result { return told(c.s.CompareAndSet(in.key, in.revision, in.value)) },
		model: writes(func(r *register, in call) error {
			if in.revision != r.revision {
				return store.ErrConflict
			}
			return nil
		}, func(r *register, in call) { r.renew(in.value) }),
	}
	opUpdate = &operation{name: "Update", model: modelUpdate, do: func(c *client, in call) (seen result) {
		_, err := c.s.Update(in.key, func(old int, found bool) (int, error) {
			seen = result{value: old, found: found}
			return in.value, nil
		})
		if err != nil {
			return told(err)
		}
		return seen
	}}
	opDelete = &operation{
		name:  "Delete",
		do:    func(c *client, in call) result { return told(c.s.Delete(in.key)) },
		model: writes(nil, func(r *register, _ call) { r.remove() }),
	}
	opTryLock = &operation{name: "TryLock", model: modelTryLock, do: func(c *client, in call) result {
		l, err := c.s.TryLock(in.key, ticks(in.d))
		if err != nil {
			return told(err)
		}
		c.leases[in.key] = l
		return result{fence: l.Fence(), until: int(l.Deadline().Sub(c.start) / clockTick)}
	}}
	opForceUnlock = &operation{name: "ForceUnlock", model: modelForceUnlock, do: func(c *client, in call) result {
		found := c.s.ForceUnlock(in.key)
		if !found && c.s.Stats().ReadOnly { // and it has been, as the clock stands still
			return result{err: errDisk}
		}
		return result{found: found}
	}}
	opLeaseGet = &operation{
		name: "Lease.Get", lease: true,
		do: func(c *client, in call) result {
			value, err := c.leases[in.key].Get()
			return result{value: value, err: err}
		},
		model: holds(func(r *register, _ call, told *result) { r.accessed, told.value = r.now, r.value }),
	}
	opLeaseSet = &operation{
		name: "Lease.Set", lease: true,
		do:    func(c *client, in call) result { return told(c.leases[in.key].Set(in.value)) },
		model: holds(func(r *register, in call, _ *result) { r.renew(in.value) }),
	}
	opExtend = &operation{
		name: "Extend", lease: true,
		do:    func(c *client, in call) result { return told(c.leases[in.key].Extend(ticks(in.d))) },
		model: holds(func(r *register, in call, _ *result) { r.until = r.now + in.d }),
	}
	opLeaseDelete = &operation{
		name: "Lease.Delete", lease: true,
		do:    func(c *client, in call) result { return told(c.dropLease(in.key).Delete()) },
		model: holds(func(r *register, _ call, _ *result) { r.remove() }),
	}
	opUnlock = &operation{
		name: "Unlock", lease: true,
		do:    func(c *client, in call) result { return told(c.dropLease(in.key).Unlock()) },
		model: holds(func(r *register, _ call, _ *result) { r.unlock() }),
	}
)

// mix is what clients do, the more often the more often it stands here.
var mix = []*operation{
	opGet, opGet, opEntry, opEntry, opPeek, opSet, opSet, opSetWithTTL, opCompareAndSet, opCompareAndSet,
	opUpdate, opDelete, opTryLock, opTryLock, opTryLock, opTryLock, opForceUnlock,
	opLeaseGet, opLeaseGet, opLeaseGet, opLeaseSet, opLeaseSet, opLeaseSet, opExtend, opLeaseDelete, opUnlock, opUnlock,
}

// dropLease forgets a lease, which the client is about to give up.
func (c *client) dropLease(key int) *store.Lease[int, int] {
	l := c.leases[key]
	c.leases[key] = nil
	return l
}

// choose decides what the client does next. The first of them moves the clock.
func (c *client) choose() call {
	c.calls++
	in := call{
		op:    mix[c.random.IntN(len(mix))],
		key:   c.random.IntN(modelKeys),
		value: c.calls*clients + c.id,
		ttl:   1 + c.random.IntN(2*modelTTL),
		d:     1 + c.random.IntN(3),
	}
	if in.ttl == 2*modelTTL {
		in.ttl = noTTL
	}
	switch l := c.leases[in.key]; {
	case c.id == 0 && c.calls%2 == 0:
		in = call{op: opAdvance}
	case in.op.lease && l == nil:
		in.op = opTryLock
	case in.op.lease:
		in.fence = l.Fence()
	}
	in.revision = c.revision[in.key]
	return in
}

func (c *client) do(in call) result {
	switch {
	case c.still == nil:
	case in.op == opAdvance:
		c.still.Lock()
		defer c.still.Unlock()
	default:
		c.still.RLock()
		defer c.still.RUnlock()
	}
	return in.op.do(c, in)
}

func (c *client) run() {
	for range callsEach {
		in := c.choose()
		o := porcupine.Operation{ClientId: c.id, Input: in, Call: c.order.Add(1)}
		o.Output = c.do(in)
		o.Return = c.order.Add(1)
		c.history = append(c.history, o)
	}
}

// recordHistory has the clients use a new store, and returns what they did and saw.
func recordHistory(t *testing.T, on setting, seed uint64) (history []porcupine.Operation) {
	clock := storetest.NewClock(t)
	o := store.Options[int, int]{
		TTL:           ticks(modelTTL),
		IdleTimeout:   ticks(modelIdle),
		SweepInterval: ticks(3),
		Clock:         hesitantClock{clock},
	}
	r := &sharedStore{clock: clock, start: clock.Now()}
	if on.quick {
		o.Clock = &steadyClock{Clock: clock}
		r.still = new(sync.RWMutex)
	}
	if on.sync != 0 {
		o.Persist = persist.Config{Dir: "/data/store", FS: on.disk(), Sync: on.sync}
		r.still = new(sync.RWMutex)
	}
	r.s = open(t, o)
	all := make([]*client, clients)
	start := make(chan struct{})
	var done sync.WaitGroup
	for id := range all {
		c := &client{sharedStore: r, id: id, random: rand.New(rand.NewPCG(seed, uint64(id)))}
		all[id] = c
		done.Go(func() {
			<-start
			c.run()
		})
	}
	close(start)
	done.Wait()
	if err := r.s.Close(); !errors.Is(err, syscall.EIO) {
		require.NoError(t, err)
	}
	for _, c := range all {
		history = append(history, c.history...)
	}
	return history
}

// seenEnds counts what ended by time in an order that explains a history, and
// what was refused because of it.
type seenEnds struct{ lapses, deaths, late, overlaps int }

func (e *seenEnds) count(part []porcupine.Operation) {
	var r register
	lapsed := map[uint64]bool{}
	for i, o := range part {
		in, out := o.Input.(call), o.Output.(result)
		if in.op == opAdvance {
			fence := r.holder
			switch ended, died := r.tick(); {
			case died:
				e.deaths++
			case ended:
				e.lapses++
				lapsed[fence] = true
			}
			continue
		}
		if in.op == opLeaseSet && lapsed[in.fence] {
			e.late++
		}
		if i > 0 && o.Call < part[i-1].Return {
			e.overlaps++
		}
		in.op.model(&r, in, out)
	}
}

// Whatever eight clients do at once, each sees what it would see if they had
// done one thing after the other, in an order that real time allows. A change that
// its caller was told could not be written was never made.
func TestLinearizable(t *testing.T) {
	for _, on := range settings {
		t.Run(on.name, func(t *testing.T) { testLinearizable(t, on) })
	}
}

func testLinearizable(t *testing.T, on setting) {
	var total seenEnds
	withLapse, withDeath, withFailure := 0, 0, 0
	for seed := range uint64(historyRuns) {
		history := recordHistory(t, on, seed)
		verdict, info := porcupine.CheckOperationsVerbose(linearizable, history, time.Minute)
		if verdict != porcupine.Ok {
			t.Fatalf("seed %d: %s\n%s", seed, verdict, explain(history))
		}
		if slices.ContainsFunc(history, func(o porcupine.Operation) bool { return o.Output.(result).err == errDisk }) {
			withFailure++
		}
		var seen seenEnds
		for _, part := range info.PartialLinearizationsOperations() {
			seen.count(part[0])
		}
		if seen.lapses > 0 {
			withLapse++
		}
		if seen.deaths > 0 {
			withDeath++
		}
		total.lapses += seen.lapses
		total.deaths += seen.deaths
		total.late += seen.late
		total.overlaps += seen.overlaps
	}
	t.Logf("%d histories; leases lapsed in %d, entries died in %d, the disk failed in %d; in all %+v", historyRuns, withLapse, withDeath, withFailure, total)
	require.Greater(t, withLapse, historyRuns/2, "histories in which a lease lapses")
	require.Greater(t, withDeath, historyRuns/2, "histories in which an entry dies")
	require.Greater(t, total.late, historyRuns/4, "writes by late holders")
	require.Greater(t, total.overlaps, historyRuns, "calls that overlap")
	require.Equal(t, strings.Contains(on.name, "fails"), withFailure > historyRuns/2, "histories in which the disk fails")
}

func explain(history []porcupine.Operation) (text string) {
	for key, part := range splitByKey(history) {
		if porcupine.CheckOperationsTimeout(linearizable, part, time.Minute) == porcupine.Ok {
			continue
		}
		slices.SortFunc(part, func(a, b porcupine.Operation) int { return int(a.Call - b.Call) })
		text += fmt.Sprintf("key %d:\n", key)
		for _, o := range part {
			text += fmt.Sprintf("%5d-%-5d client %d: %s\n", o.Call, o.Return, o.ClientId, linearizable.DescribeOperation(o.Input, o.Output))
		}
	}
	return text
}
