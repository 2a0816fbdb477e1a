package store_test

import (
	"context"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/internal/disk"
	"github.com/latchkey-go/latchkey/persist"
	"github.com/latchkey-go/latchkey/store"
	"github.com/latchkey-go/latchkey/storetest"
)

// slowDisk is one on which a journal's sync takes until it is let go.
type slowDisk struct {
	*disk.Faulty
	mu   sync.Mutex // guards the fields below
	hold chan struct{}
	held int
	fail error // of the syncs that are held
}

func newSlowDisk() *slowDisk {
	d := &slowDisk{}
	d.Faulty = disk.Fails(disk.New(), func(c disk.Call) (disk.Fault, error) {
		if c.Op != "sync" || !strings.Contains(c.Name, "journal-") {
			return disk.None, nil
		}
		d.mu.Lock()
		hold := d.hold
		if hold != nil {
			d.held++
		}
		d.mu.Unlock()
		if hold == nil {
			return disk.None, nil
		}
		<-hold
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.fail != nil {
			return disk.Refused, d.fail
		}
		return disk.None, nil
	})
	return d
}

// slow makes syncs wait until the function that it returns is called.
func (d *slowDisk) slow() (letGo func(fail error)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	hold := make(chan struct{})
	d.hold = hold
	return func(fail error) {
		d.mu.Lock()
		d.hold, d.fail = nil, fail
		d.mu.Unlock()
		close(hold)
	}
}

// onSlowDisk runs f in a bubble, where synctest.Wait returns once everybody waits
// for the disk or for each other.
func onSlowDisk(t *testing.T, name string, o options, f func(t *testing.T, s *store.Store[string, int], clock *storetest.Clock, d *slowDisk)) {
	inBubble(t, name, func(t *testing.T) {
		d := newSlowDisk()
		o.Persist = persist.Config{Dir: "/data/store", FS: d, Sync: persist.Always}
		clock := storetest.NewClock(t)
		o.Clock = clock
		f(t, open(t, o), clock, d)
	})
}

// errFull is why a disk fails here.
const errFull = syscall.ENOSPC

// started is a call on its way.
type started struct{ done chan error }

func start(f func() error) started {
	s := started{make(chan error, 1)}
	go func() { s.done <- f() }()
	synctest.Wait()
	return s
}

func (s started) waits() bool {
	synctest.Wait()
	return len(s.done) == 0
}

// What is on its way to the disk is not seen, and is not in anybody's way but of
// those who want to change the same entry.
func TestPending(t *testing.T) {
	onSlowDisk(t, "an overwriting", options{}, func(t *testing.T, s *store.Store[string, int], _ *storetest.Clock, d *slowDisk) {
		set(t, s, "a", "b")
		letGo := d.slow()
		setting := start(func() error { return s.Set("a", 9) })
		require.True(t, setting.waits())
		v, err := s.Get("a")
		require.NoError(t, err)
		require.Equal(t, 1, v)
		m, _ := s.Metadata("a")
		require.EqualValues(t, 1, m.Revision)
		require.Equal(t, map[string]int{"a": 1, "b": 2}, content(s))
		swapping := start(func() error { return s.CompareAndSet("a", 1, 10) })
		deleting := start(func() error { return s.Delete("b") })
		require.True(t, swapping.waits())
		require.True(t, deleting.waits())
		require.True(t, s.Has("b"))
		letGo(nil)
		require.NoError(t, <-setting.done)
		require.Equal(t, store.ErrConflict, <-swapping.done)
		require.NoError(t, <-deleting.done)
		require.Equal(t, map[string]int{"a": 9}, content(s))
	})
	onSlowDisk(t, "a new entry", options{Capacity: 1}, func(t *testing.T, s *store.Store[string, int], _ *storetest.Clock, d *slowDisk) {
		set(t, s, "a")
		letGo := d.slow()
		setting := start(func() error { return s.Set("b", 2) }) // which evicts a
		_, err := s.Get("b")
		require.Equal(t, store.ErrNotFound, err)
		require.True(t, s.Has("a"))
		require.Equal(t, 1, s.Len())
		again := start(func() error { _, err := s.SetIfAbsent("b", 3); return err })
		third := start(func() error { return s.Set("c", 3) })
		require.True(t, again.waits())
		require.True(t, third.waits(), "all that could go is going")
		letGo(nil)
		require.NoError(t, <-setting.done)
		require.NoError(t, <-third.done)
		require.NoError(t, <-again.done)
		require.Equal(t, 1, s.Len())
	})
	onSlowDisk(t, "what then fails", options{Capacity: 1}, func(t *testing.T, s *store.Store[string, int], clock *storetest.Clock, d *slowDisk) {
		set(t, s, "a")
		l := lock(t, s, "a")
		letGo := d.slow()
		writing := start(func() error { return l.Set(2) })
		letGo(errFull)
		require.ErrorIs(t, <-writing.done, errFull)
		v, _ := s.Peek("a")
		require.Equal(t, 1, v, "it was refused")
		require.ErrorIs(t, l.Set(3), store.ErrReadOnly)
		require.ErrorIs(t, l.Unlock(), store.ErrReadOnly)
		require.ErrorIs(t, l.Unlock(), errFull, "the cause is told")
		require.False(t, s.ForceUnlock("a"))
		got, err := l.Get()
		require.NoError(t, err, "reading goes on")
		require.Equal(t, 1, got)
		clock.Advance(time.Minute)
		require.False(t, s.Stats().ReadOnly)
		_, err = s.Get("a")
		require.NoError(t, err, "the lease is over")
	})
}

// Time goes on while a change is on its way.
func TestPendingAndTime(t *testing.T) {
	onSlowDisk(t, "the old value dies", options{TTL: time.Second}, func(t *testing.T, s *store.Store[string, int], clock *storetest.Clock, d *slowDisk) {
		set(t, s, "a")
		clock.Advance(900 * time.Millisecond)
		letGo := d.slow()
		setting := start(func() error { return s.Set("a", 2) })
		clock.Advance(200 * time.Millisecond)
		reading := start(func() error { _, err := s.Get("a"); return err })
		looking := start(func() error { s.Peek("a"); return nil })
		require.True(t, reading.waits(), "it lives on if the change is made, and else is dead")
		require.True(t, looking.waits())
		require.Equal(t, 1, s.Len())
		letGo(nil)
		require.NoError(t, <-setting.done)
		require.NoError(t, <-reading.done)
		m, _ := s.Metadata("a")
		require.EqualValues(t, 2, m.Revision)
		clock.Advance(time.Second)
		require.False(t, s.Has("a"))
	})
	onSlowDisk(t, "the old value dies, and the change fails", options{TTL: time.Second}, func(t *testing.T, s *store.Store[string, int], clock *storetest.Clock, d *slowDisk) {
		set(t, s, "a")
		clock.Advance(900 * time.Millisecond)
		letGo := d.slow()
		setting := start(func() error { return s.Set("a", 2) })
		clock.Advance(200 * time.Millisecond)
		reading := start(func() error { _, err := s.Get("a"); return err })
		letGo(errFull)
		require.ErrorIs(t, <-setting.done, errFull)
		require.Equal(t, store.ErrNotFound, <-reading.done)
	})
	onSlowDisk(t, "the lease ends", options{MaxLease: time.Second}, func(t *testing.T, s *store.Store[string, int], clock *storetest.Clock, d *slowDisk) {
		set(t, s, "a")
		l := lock(t, s, "a")
		letGo := d.slow()
		writing := start(func() error { return l.Set(2) })
		waiting := start(func() error { _, err := s.Lock(t.Context(), "a", 0); return err })
		clock.Advance(time.Second)
		late := start(func() error { return l.Set(3) })
		reading := start(func() error { _, err := l.Get(); return err })
		require.True(t, waiting.waits())
		require.True(t, late.waits())
		require.True(t, reading.waits())
		letGo(nil)
		require.NoError(t, <-writing.done, "it came in time")
		require.NoError(t, <-waiting.done)
		require.Equal(t, store.ErrLeaseLost, <-late.done)
		require.Equal(t, store.ErrLeaseLost, <-reading.done)
		v, _ := s.Peek("a")
		require.Equal(t, 2, v)
	})
}

// A lock goes from one holder to the next without a gap.
func TestPendingHandover(t *testing.T) {
	onSlowDisk(t, "in order", options{}, func(t *testing.T, s *store.Store[string, int], _ *storetest.Clock, d *slowDisk) {
		set(t, s, "a")
		l := lock(t, s, "a")
		var got *store.Lease[string, int]
		waiting := start(func() (err error) { got, err = s.Lock(t.Context(), "a", 0); return err })
		letGo := d.slow()
		unlocking := start(l.Unlock)
		_, err := s.Get("a")
		require.Equal(t, store.ErrLocked, err)
		second := start(func() error { _, err := s.TryLock("a", 0); return err })
		third := start(func() error { _, err := s.Lock(t.Context(), "a", 0); return err })
		letGo(nil)
		require.NoError(t, <-unlocking.done)
		require.NoError(t, <-waiting.done)
		require.Equal(t, store.ErrLocked, <-second.done)
		require.True(t, third.waits())
		_, err = l.Get()
		require.Equal(t, store.ErrLeaseLost, err)
		require.NoError(t, got.Unlock())
		require.NoError(t, <-third.done)
	})
	onSlowDisk(t, "a waiter who leaves while it is granted", options{}, func(t *testing.T, s *store.Store[string, int], _ *storetest.Clock, d *slowDisk) {
		set(t, s, "a")
		l := lock(t, s, "a")
		ctx, cancel := context.WithCancel(t.Context())
		var got *store.Lease[string, int]
		waiting := start(func() (err error) { got, err = s.Lock(ctx, "a", 0); return err })
		require.NoError(t, l.Unlock())
		require.NoError(t, <-waiting.done)
		next := start(func() (err error) { got, err = s.Lock(ctx, "a", 0); return err })
		letGo := d.slow()
		unlocking := start(got.Unlock)
		letGo(nil)
		require.NoError(t, <-unlocking.done)
		cancel()
		if err := <-next.done; err == nil {
			require.NoError(t, got.Unlock())
		}
		_, err := s.TryLock("a", 0)
		require.NoError(t, err, "nobody has it")
	})
	onSlowDisk(t, "the disk fails", options{MaxLease: time.Second}, func(t *testing.T, s *store.Store[string, int], clock *storetest.Clock, d *slowDisk) {
		set(t, s, "a")
		l := lock(t, s, "a")
		waiting := start(func() error { _, err := s.Lock(t.Context(), "a", 0); return err })
		another := start(func() error { _, err := s.Lock(t.Context(), "a", 0); return err })
		letGo := d.slow()
		clock.Advance(time.Second) // the next in the queue is to have it
		require.True(t, waiting.waits())
		letGo(errFull)
		require.ErrorIs(t, <-waiting.done, errFull)
		require.ErrorIs(t, <-another.done, store.ErrReadOnly)
		_, err := l.Get()
		require.Equal(t, store.ErrLeaseLost, err)
		_, err = s.Get("a")
		require.NoError(t, err, "the lease is over and nobody has another")
	})
}

// What clears the store comes after what was decided before, and before what is
// decided later.
func TestPendingClear(t *testing.T) {
	onSlowDisk(t, "in order", options{MaxLease: time.Second}, func(t *testing.T, s *store.Store[string, int], clock *storetest.Clock, d *slowDisk) {
		set(t, s, "a", "b", "c")
		l := lock(t, s, "c")
		waiting := start(func() error { _, err := s.Lock(t.Context(), "c", 0); return err })
		letGo := d.slow()
		before := start(func() error { return s.Set("a", 9) })
		clearing := start(s.Clear)
		after := start(func() error { return s.Set("b", 10) })
		resizing := start(func() error { _, err := s.Resize(5); return err })
		clock.Advance(time.Second) // the lease ends, and can't be passed on now
		require.True(t, waiting.waits())
		require.Equal(t, map[string]int{"a": 1, "b": 2, "c": 3}, content(s))
		letGo(nil)
		require.NoError(t, <-before.done)
		require.NoError(t, <-clearing.done)
		require.NoError(t, <-after.done)
		require.NoError(t, <-resizing.done)
		require.Equal(t, store.ErrNotFound, <-waiting.done)
		require.Equal(t, store.ErrLeaseLost, l.Unlock())
		require.Equal(t, map[string]int{"b": 10}, content(s))
		require.Equal(t, 5, s.Stats().Capacity)
		s2 := open(t, options{Clock: clock, Persist: persist.Config{Dir: "/data/store", FS: d.Under().(*disk.Disk).Image().Boot()}})
		require.Equal(t, map[string]int{"b": 10}, content(s2))
	})
	onSlowDisk(t, "and fails", options{MaxLease: time.Second}, func(t *testing.T, s *store.Store[string, int], clock *storetest.Clock, d *slowDisk) {
		set(t, s, "a")
		lock(t, s, "a")
		waiting := start(func() error { _, err := s.Lock(t.Context(), "a", 0); return err })
		letGo := d.slow()
		clearing := start(s.Clear)
		clock.Advance(time.Second)
		require.True(t, waiting.waits())
		letGo(errFull)
		require.ErrorIs(t, <-clearing.done, errFull)
		require.ErrorIs(t, <-waiting.done, store.ErrReadOnly)
		require.Equal(t, map[string]int{"a": 1}, content(s))
		_, err := s.Get("a")
		require.NoError(t, err)
	})
}

// Many who write at once share the syncs; one alone has one for each write, and
// waits for nobody.
func TestGroupCommit(t *testing.T) {
	onSlowDisk(t, "many", options{}, func(t *testing.T, s *store.Store[string, int], _ *storetest.Clock, d *slowDisk) {
		before := s.Stats().Journal.Syncs
		letGo := d.slow()
		first := start(func() error { return s.Set("first", 0) })
		var all []started
		for i := range 50 {
			all = append(all, start(func() error { return s.Set(string(rune('A'+i)), i) }))
		}
		letGo(nil)
		require.NoError(t, <-first.done)
		for _, one := range all {
			require.NoError(t, <-one.done)
		}
		require.EqualValues(t, 2, s.Stats().Journal.Syncs-before)
		require.EqualValues(t, 51, s.Stats().Journal.Records)
	})
	onSlowDisk(t, "one", options{}, func(t *testing.T, s *store.Store[string, int], clock *storetest.Clock, _ *slowDisk) {
		before := s.Stats().Journal.Syncs
		for i := range 10 {
			require.NoError(t, s.Set("a", i))
		}
		require.EqualValues(t, 10, s.Stats().Journal.Syncs-before)
		require.Zero(t, clock.Timers())
	})
}
