package store_test

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"math"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/persist"
	"github.com/latchkey-go/latchkey/store"
	"github.com/latchkey-go/latchkey/storetest"
)

type options = store.Options[string, int]

// at is a clock that stands still.
type at time.Time

func (c at) Now() time.Time { return time.Time(c) }

func (at) AfterFunc(time.Duration, func()) (stop func() bool) { return func() bool { return true } }

// yearly returns a clock that shows a year.
func yearly(year int) at { return at(time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC)) }

// What can't work is refused, with the name of the option and what would do.
func TestBadOptions(t *testing.T) {
	durations := map[string]func(*options) *time.Duration{
		"TTL":           func(o *options) *time.Duration { return &o.TTL },
		"IdleTimeout":   func(o *options) *time.Duration { return &o.IdleTimeout },
		"MaxLease":      func(o *options) *time.Duration { return &o.MaxLease },
		"SweepInterval": func(o *options) *time.Duration { return &o.SweepInterval },

		"SnapshotInterval": func(o *options) *time.Duration { return &o.Persist.SnapshotInterval },
	}
	type bad struct {
		option string
		spoil  func(*options)
	}
	all := []bad{
		{"capacity", func(o *options) { o.Capacity = -1 }},
		{"capacity", func(o *options) { o.Capacity = math.MinInt }},
		{"capacity", func(o *options) { o.Capacity = store.MaxCapacity + 1 }},
		{"MaxWeight", func(o *options) { o.MaxWeight = 1 }}, // weighed by nobody
		{"MaxWeight", func(o *options) { o.MaxWeight, o.Weigher = store.MaxMaxWeight+1, weigher }},
		{"Policy", func(o *options) { o.Policy = -1 }},
		{"Policy", func(o *options) { o.Policy = store.TinyLFU + 1 }},
		{"Generations", func(o *options) { o.Persist.Generations = -1 }},
		{"Sync", func(o *options) { o.Persist.Sync = persist.OnSnapshot + 1 }},
		{"Sync", func(o *options) { o.Persist.Sync = -1 }},
		{"CoarseClock", func(o *options) { o.Clock = store.CoarseClock(0) }},
		{"CoarseClock", func(o *options) { o.Clock = store.CoarseClock(-1) }},
		{"CoarseClock", func(o *options) { o.Clock = store.CoarseClock(time.Second + 1) }},
		{"clock", func(o *options) { o.Clock = yearly(1) }},
		{"clock", func(o *options) { o.Clock = yearly(1969) }},
		{"clock", func(o *options) { o.Clock = yearly(2300) }},
	}
	for name, field := range durations {
		for _, d := range []time.Duration{-1, math.MinInt64, math.MaxInt64 - 1, store.MaxDuration + 1} {
			all = append(all, bad{name, func(o *options) { *field(o) = d }})
		}
	}
	for _, b := range all {
		t.Run(b.option, func(t *testing.T) {
			o := inFolder(folder(t))
			b.spoil(&o)
			s, err := store.New(o)
			require.Error(t, err)
			require.Nil(t, s)
			require.ErrorContains(t, err, b.option)
			require.ErrorContains(t, err, "must")
			require.NoDirExists(t, o.Persist.Dir, "nothing was touched")
		})
	}
}

// Who says how to keep entries, and not where, has forgotten the folder.
func TestPersistWithoutDir(t *testing.T) {
	for field, config := range map[string]persist.Config{
		"Sync":             {Sync: persist.Always, Codec: persist.Gob{}},
		"SnapshotInterval": {SnapshotInterval: time.Minute},
		"Generations":      {Generations: 3},
		"MinJournal":       {MinJournal: 1 << 20},
		"FS":               {FS: storetest.NewDisk()},
	} {
		_, err := store.New(options{Persist: config})
		require.ErrorContains(t, err, "store: Persist."+field+" is set and Persist.Dir is not")
		require.ErrorContains(t, err, "must")
		config.Dir = folder(t)
		require.NoError(t, open(t, options{Persist: config}).Close())
	}
	// These are for Export and Import as well.
	from := open(t, options{Persist: persist.Config{Codec: persist.Gob{}, Schema: "numbers"}})
	set(t, from, "a")
	to := open(t, options{Persist: persist.Config{Codec: persist.Gob{}, Schema: "numbers"}})
	require.NoError(t, to.Import(bytes.NewReader(exported(t, from))))
	require.Equal(t, map[string]int{"a": 1}, content(to))
}

// What is at the edge of the absurd works.
func TestExtremeOptions(t *testing.T) {
	o := options{
		Capacity: store.MaxCapacity, TTL: store.MaxDuration, IdleTimeout: store.MaxDuration,
		MaxLease: store.MaxDuration, SweepInterval: store.MaxDuration,
		Persist: persist.Config{Dir: folder(t), SnapshotInterval: store.MaxDuration, Generations: math.MaxInt},
	}
	for _, year := range []int{1970, 2149} {
		clock := &storetest.Clock{}
		clock.Set(yearly(year).Now())
		o.Clock = clock
		s := open(t, o)
		set(t, s, "k")
		l := lock(t, s, "k")
		end := clock.Now().Add(store.MaxDuration)
		require.Equal(t, end, l.Deadline())
		m, _ := s.Metadata("k")
		require.Equal(t, end, m.Expires)
		require.NoError(t, s.Close())

		s = open(t, o)
		m, _ = s.Metadata("k")
		require.Equal(t, end, m.Expires.UTC())
		require.True(t, s.ForceUnlock("k"))
		clock.Set(end.Add(-1))
		require.True(t, s.Has("k"))
		clock.Set(end)
		require.False(t, s.Has("k"))
		require.NoError(t, s.Close())
	}
}

// A clock that goes mad under way neither hangs the store nor harms what lives
// for ever.
func TestMadClock(t *testing.T) {
	for _, year := range []int{2, 1900, 2151, 2300, 9999} {
		t.Run(strconv.Itoa(year), func(t *testing.T) {
			clock := storetest.NewClock(t)
			s := open(t, options{TTL: time.Hour, Clock: clock})
			require.NoError(t, s.SetWithTTL("for ever", 1, store.NoExpiry))
			soon(t, func() {
				clock.Set(yearly(year).Now())
				require.NoError(t, s.Set("k", 1))
				require.True(t, s.Has("k"), year)
				clock.Advance(2 * time.Hour)
				require.True(t, s.Has("for ever"), year)
				s.Len()
			})
		})
	}
}

func TestBadResize(t *testing.T) {
	s, _ := fake(t, options{Capacity: 3})
	set(t, s, "a", "b", "c")
	for _, capacity := range []int{0, -1, math.MinInt, store.MaxCapacity + 1} {
		evicted, err := s.Resize(capacity)
		require.ErrorContains(t, err, "capacity")
		require.ErrorContains(t, err, "must")
		require.Zero(t, evicted)
	}
	require.Equal(t, 3, s.Len())
	require.Equal(t, 3, s.Stats().Capacity)
}

func TestBadTTL(t *testing.T) {
	s, clock := fake(t, options{TTL: time.Hour})
	set(t, s, "k")
	before, _ := s.Metadata("k")
	clock.Advance(time.Minute)
	for _, ttl := range []time.Duration{0, -1, math.MinInt64, store.MaxDuration + 1, store.NoExpiry - 1} {
		for _, key := range []string{"k", "new"} {
			err := s.SetWithTTL(key, 2, ttl)
			require.ErrorContains(t, err, "TTL", ttl)
			require.ErrorContains(t, err, "must", ttl)
		}
	}
	after, _ := s.Metadata("k")
	require.Equal(t, before, after)
	require.Equal(t, map[string]int{"k": 1}, content(s))
}

func TestBadLeaseTime(t *testing.T) {
	s, _ := fake(t, options{MaxLease: time.Minute})
	set(t, s, "k", "locked")
	l := lock(t, s, "locked")
	deadline := l.Deadline()
	for _, d := range []time.Duration{-1, math.MinInt64, time.Minute + 1, math.MaxInt64} {
		_, try := s.TryLock("k", d)
		_, wait := s.Lock(t.Context(), "locked", d)
		for _, err := range []error{try, wait, l.Extend(d)} {
			require.ErrorContains(t, err, "must", d)
		}
	}
	require.Equal(t, deadline, l.Deadline())
	require.Equal(t, 1, s.Stats().Locked)
}

// afterClose is every method of a Store, called on "k". Those without an error
// are nil when they find nothing.
var afterClose = map[string]func(s, other *store.Store[string, int], export []byte) error{
	"Get":        func(s, _ *store.Store[string, int], _ []byte) error { _, err := s.Get("k"); return err },
	"Entry":      func(s, _ *store.Store[string, int], _ []byte) error { _, err := s.Entry("k"); return err },
	"Set":        func(s, _ *store.Store[string, int], _ []byte) error { return s.Set("k", 1) },
	"SetWithTTL": func(s, _ *store.Store[string, int], _ []byte) error { return s.SetWithTTL("k", 1, 1) },
	"SetIfAbsent": func(s, _ *store.Store[string, int], _ []byte) error {
		stored, err := s.SetIfAbsent("new", 1)
		return orStill(err, stored)
	},
	"CompareAndSet": func(s, _ *store.Store[string, int], _ []byte) error { return s.CompareAndSet("k", 1, 1) },
	"Update": func(s, _ *store.Store[string, int], _ []byte) error {
		_, err := s.Update("k", func(int, bool) (int, error) { return 0, errors.New("f ran") })
		return err
	},
	"GetOrLoad": func(s, _ *store.Store[string, int], _ []byte) error {
		_, err := s.GetOrLoad(context.Background(), "k", constant(1, errors.New("load ran")))
		return err
	},
	"GetOrLoadMany": func(s, _ *store.Store[string, int], _ []byte) error {
		_, err := s.GetOrLoadMany(context.Background(), []string{"k", "new"}, nil)
		return err
	},
	"Touch":    func(s, _ *store.Store[string, int], _ []byte) error { return s.Touch("k") },
	"Delete":   func(s, _ *store.Store[string, int], _ []byte) error { return s.Delete("k") },
	"Clear":    func(s, _ *store.Store[string, int], _ []byte) error { return s.Clear() },
	"Resize":   func(s, _ *store.Store[string, int], _ []byte) error { _, err := s.Resize(1); return err },
	"TryLock":  func(s, _ *store.Store[string, int], _ []byte) error { _, err := s.TryLock("k", 0); return err },
	"Resume":   func(s, _ *store.Store[string, int], _ []byte) error { _, err := s.Resume("k", 1); return err },
	"Sync":     func(s, _ *store.Store[string, int], _ []byte) error { return s.Sync() },
	"Snapshot": func(s, _ *store.Store[string, int], _ []byte) error { return s.Snapshot(context.Background()) },
	"Export":   func(s, _ *store.Store[string, int], _ []byte) error { return s.Export(new(bytes.Buffer)) },
	"Import":   func(s, _ *store.Store[string, int], export []byte) error { return s.Import(bytes.NewReader(export)) },
	"Lock": func(s, _ *store.Store[string, int], _ []byte) error {
		_, err := s.Lock(context.Background(), "k", 0)
		return err
	},

	"Peek": func(s, _ *store.Store[string, int], _ []byte) error { _, ok := s.Peek("k"); return orStill(nil, ok) },
	"Has":  func(s, _ *store.Store[string, int], _ []byte) error { return orStill(nil, s.Has("k")) },
	"Metadata": func(s, _ *store.Store[string, int], _ []byte) error {
		_, ok := s.Metadata("k")
		return orStill(nil, ok)
	},
	"Status":      func(s, _ *store.Store[string, int], _ []byte) error { _, ok := s.Status("k"); return orStill(nil, ok) },
	"ForceUnlock": func(s, _ *store.Store[string, int], _ []byte) error { return orStill(nil, s.ForceUnlock("k")) },
	"Len":         func(s, _ *store.Store[string, int], _ []byte) error { return orStill(nil, s.Len() > 0) },
	"All": func(s, _ *store.Store[string, int], _ []byte) error {
		return orStill(nil, len(maps.Collect(s.All())) > 0)
	},
	"AllMetadata": func(s, _ *store.Store[string, int], _ []byte) error {
		return orStill(nil, len(maps.Collect(s.AllMetadata())) > 0)
	},
	"Keys": func(s, _ *store.Store[string, int], _ []byte) error {
		return orStill(nil, len(slices.Collect(s.Keys())) > 0)
	},
	"Values": func(s, _ *store.Store[string, int], _ []byte) error {
		return orStill(nil, len(slices.Collect(s.Values())) > 0)
	},
	"Equal": func(s, other *store.Store[string, int], _ []byte) error { return orStill(nil, s.Equal(other)) },
	"String": func(s, _ *store.Store[string, int], _ []byte) error {
		return orStill(nil, strings.Contains(s.String(), "{1"))
	},
	"Stats": func(s, _ *store.Store[string, int], _ []byte) error { return orStill(nil, s.Stats().Entries > 0) },
	"Close": func(s, _ *store.Store[string, int], _ []byte) error { return s.Close() },
	"Shared": func(s, _ *store.Store[string, int], _ []byte) error {
		_, err := s.Shared().Get(context.Background(), "k")
		return err
	},
}

// errStill is what a closed store must not lead to.
var errStill = errors.New("there is still something")

func orStill(err error, still bool) error {
	if still {
		return errStill
	}
	return err
}

func TestUseAfterClose(t *testing.T) {
	s, other := open(t, options{}), open(t, options{})
	set(t, s, "k")
	set(t, other, "k")
	var export bytes.Buffer
	require.NoError(t, s.Export(&export))
	l := lock(t, s, "k")
	over := l.Done()
	require.NoError(t, s.Close())

	without := []string{"Peek", "Has", "Metadata", "Status", "ForceUnlock", "Len", "All", "AllMetadata", "Keys", "Values", "Equal", "String", "Stats", "Close"}
	for method := range reflect.TypeOf(s).Methods() {
		t.Run("Store/"+method.Name, func(t *testing.T) {
			call, ok := afterClose[method.Name]
			require.True(t, ok, "this method needs a line in afterClose")
			err := call(s, other, export.Bytes())
			if slices.Contains(without, method.Name) {
				require.NoError(t, err)
			} else {
				require.Same(t, store.ErrClosed, err)
			}
		})
	}
	onLease := map[string]func() error{
		"Get":        func() error { _, err := l.Get(); return err },
		"Set":        func() error { return l.Set(2) },
		"SetWithTTL": func() error { return l.SetWithTTL(2, 1) },
		"Delete":     l.Delete,
		"Extend":     func() error { return l.Extend(1) },
		"Unlock":     l.Unlock,
		"Key":        func() error { return orStill(store.ErrClosed, l.Key() != "k") },
		"Fence":      func() error { return orStill(store.ErrClosed, l.Fence() != 1) },
		"Deadline":   func() error { return orStill(store.ErrClosed, l.Deadline().IsZero()) },
		"Done":       func() error { return orStill(store.ErrClosed, !closed(over) || !closed(l.Done())) },
	}
	for method := range reflect.TypeOf(l).Methods() {
		t.Run("Lease/"+method.Name, func(t *testing.T) {
			require.Contains(t, onLease, method.Name)
			require.Same(t, store.ErrClosed, onLease[method.Name]())
		})
	}
}

// However many close it, each returns when all is done, with the same result.
func TestCloseTwice(t *testing.T) {
	for name, spoil := range map[string]func(t *testing.T, dir string){
		"with success": func(*testing.T, string) {},
		"with an error": func(t *testing.T, dir string) {
			require.NoError(t, os.RemoveAll(dir))
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := folder(t)
			s := open(t, inFolder(dir))
			set(t, s, "k")
			spoil(t, dir)
			var all sync.WaitGroup
			errs := make([]error, 8)
			for i := range errs {
				all.Go(func() {
					errs[i] = s.Close()
					again, err := store.New(inFolder(dir)) // free by now, but for the others here
					if err == nil {
						err = again.Close()
					}
					if err != nil && !errors.Is(err, persist.ErrInUse) {
						t.Errorf("after Close: %v", err)
					}
				})
			}
			all.Wait()
			for _, err := range errs {
				require.Equal(t, s.Close(), err)
				require.Equal(t, name == "with success", err == nil, err)
			}
		})
	}
}

func TestCloseWhileOthersWait(t *testing.T) {
	s, _ := fake(t, options{})
	set(t, s, "k")
	lock(t, s, "k")
	const waiters = 5
	errs := make(chan error, waiters)
	for range waiters {
		go func() {
			_, err := s.Lock(context.Background(), "k", 0)
			errs <- err
		}()
	}
	// Those that come too late find a closed store.
	require.NoError(t, s.Close())
	for range waiters {
		require.Same(t, store.ErrClosed, <-errs)
	}
	require.Zero(t, s.Stats().Waiting)
}
