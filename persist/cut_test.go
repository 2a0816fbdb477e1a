package persist_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/internal/disk"
	"github.com/latchkey-go/latchkey/internal/testenv"
	"github.com/latchkey-go/latchkey/persist"
	"github.com/latchkey-go/latchkey/store"
	"github.com/latchkey-go/latchkey/storetest"
)

// otherStore returns the content of a store and its export.
func otherStore(t testing.TB) ([]pair, []byte) {
	s := mustNew(t, store.Options[int, int]{Clock: storetest.NewClock(t)})
	var list []pair
	for i := range 80 {
		list = append(list, pair{i * 3, -i})
		require.NoError(t, s.Set(i*3, -i))
	}
	var b bytes.Buffer
	require.NoError(t, s.Export(&b))
	return list, b.Bytes()
}

// exportedRecords returns the records of a snapshot, least recently used first.
func exportedRecords(t testing.TB, data []byte) []persist.Record {
	r, err := persist.NewReader(bytes.NewReader(data), "export")
	require.NoError(t, err)
	var records []persist.Record
	for {
		rec, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		rec.Key, rec.Value = bytes.Clone(rec.Key), bytes.Clone(rec.Value)
		records = append(records, rec)
	}
	slices.SortFunc(records, func(a, b persist.Record) int { return cmp.Compare(a.Used, b.Used) })
	return records
}

// readExport returns what is in a snapshot, least recently used first.
func readExport(t testing.TB, data []byte) []pair {
	records := exportedRecords(t, data)
	list := make([]pair, len(records))
	for i, rec := range records {
		require.NoError(t, json.Unmarshal(rec.Key, &list[i].key))
		require.NoError(t, json.Unmarshal(rec.Value, &list[i].value))
	}
	return list
}

// pacedCodec is JSON that calls pace before it marshals.
type pacedCodec struct {
	persist.JSON
	pace func()
}

func (c *pacedCodec) Marshal(v any) ([]byte, error) {
	c.pace()
	return c.JSON.Marshal(v)
}

// An export is the store at one instant, whatever four goroutines do to it
// between any two of its entries.
func TestExportIsOneInstant(t *testing.T) {
	t.Parallel()
	n := 20_000
	if testenv.Race {
		n = 5_000
	}
	plan := steps(t, n)
	codec := &pacedCodec{}
	s := mustNew(t, store.Options[int, int]{Capacity: 100, Clock: storetest.NewClock(t), Persist: persist.Config{Codec: codec}})
	model := lruModel{capacity: 100}
	r := rand.New(rand.NewPCG(1, 1))

	// Each step is made by one of four goroutines, while the export waits.
	work, done := make(chan step), make(chan error)
	var workers sync.WaitGroup
	for range 4 {
		workers.Go(func() {
			for st := range work {
				done <- st.store(s)
			}
		})
	}
	defer workers.Wait()
	defer close(work)
	next, exporting := 0, false
	some := func() {
		for range r.IntN(5) {
			if next == len(plan) || exporting && plan[next].waits {
				return
			}
			work <- plan[next]
			require.NoError(t, <-done)
			plan[next].model(&model)
			next++
		}
	}
	codec.pace = some
	for exports := 0; next < len(plan); exports++ {
		some()
		want := slices.Clone(model.list)
		var b bytes.Buffer
		exporting = true
		require.NoError(t, s.Export(&b))
		exporting = false
		got := readExport(t, b.Bytes())
		require.True(t, slices.Equal(want, got), "export %d:\nwant %v\ngot  %v", exports, want, got)
	}
}

// Leases are in an export as they were at its instant, though they are taken,
// extended and ended while it is written. What was dead by then is not in it.
func TestExportOfLeases(t *testing.T) {
	t.Parallel()
	const n = 50
	clock := storetest.NewClock(t)
	codec := &pacedCodec{}
	s := mustNew(t, store.Options[int, int]{Capacity: 2 * n, Clock: clock, Persist: persist.Config{Codec: codec}})
	for i := range n {
		require.NoError(t, s.SetWithTTL(-1-i, 0, time.Second))
	}
	clock.Advance(time.Second)
	for i := range n {
		require.NoError(t, s.Set(i, i))
	}
	leases := make([]*store.Lease[int, int], n)
	export := func(meanwhile func(i int)) []persist.Record {
		var once sync.Once
		codec.pace = func() {
			once.Do(func() {
				for i := range n {
					meanwhile(i)
				}
			})
		}
		var b bytes.Buffer
		require.NoError(t, s.Export(&b))
		require.Len(t, readExport(t, b.Bytes()), n)
		return exportedRecords(t, b.Bytes())
	}
	for _, rec := range export(func(i int) {
		var err error
		leases[i], err = s.TryLock(i, 10*time.Second)
		require.NoError(t, err)
	}) {
		require.Zero(t, rec.Fence)
		require.Zero(t, rec.LockedUntil)
	}
	until := clock.Now().Add(10 * time.Second).UnixNano()
	stillLocked := func(meanwhile func(i int)) {
		t.Helper()
		for _, rec := range export(meanwhile) {
			require.NotZero(t, rec.Fence)
			require.Equal(t, until, rec.LockedUntil)
			require.EqualValues(t, 1, rec.Revision)
		}
	}
	stillLocked(func(i int) { require.NoError(t, leases[i].Extend(20*time.Second)) })
	until = clock.Now().Add(20 * time.Second).UnixNano()
	stillLocked(func(i int) {
		switch i % 3 {
		case 0:
			require.NoError(t, leases[i].Unlock())
		case 1:
			require.NoError(t, leases[i].Set(-1))
		case 2:
			require.NoError(t, leases[i].Delete())
		}
	})
}

// Each of four writers sets its keys in turn to 1, then to 2, and so on. Whatever
// snapshot is taken meanwhile, it holds what each of them had written at one
// instant; and so on with the other ways to change a store, under the race
// detector.
func TestSnapshotsAmongWriters(t *testing.T) {
	t.Parallel()
	const writers, keys = 4, 40
	d := disk.New()
	o := options(t, d)
	o.Capacity = 10_000
	s := mustNew(t, o)
	var stop atomic.Bool
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			for n := 1; !stop.Load(); n++ {
				for k := range keys {
					if err := s.Set(fmt.Sprint(w, "/", k), n); err != nil {
						t.Error(err)
						return
					}
				}
			}
		})
	}
	all.Go(func() { disturb(s, &stop) })

	snapshots := 60
	if testenv.Race {
		snapshots = 20
	}
	for range snapshots {
		require.NoError(t, s.Snapshot(context.Background()))
		o2 := on(o, d.Image().Boot())
		atOneInstant(t, mustNew(t, o2), writers, keys)
	}
	stop.Store(true)
	all.Wait()
	want := contents(s)
	require.NoError(t, s.Close())
	require.Equal(t, want, contents(mustNew(t, on(o, d.Image().Boot()))))
}

// disturb keeps the store busy with keys that nobody looks at.
func disturb(s *store.Store[string, int], stop *atomic.Bool) {
	for n := 0; !stop.Load(); n++ {
		key := fmt.Sprint("noise/", n%100)
		_ = s.Set(key, n)
		switch n % 6 {
		case 0:
			_ = s.Delete(key)
		case 1:
			if l, err := s.TryLock(key, 0); err == nil {
				_ = l.Set(-n)
				_ = l.Unlock()
			}
		case 2:
			_, _ = s.Resize(9_000 + n%2*1_000)
		case 3:
			_, _ = s.Get(key)
		case 4:
			_, _ = s.Update(key, func(old int, _ bool) (int, error) { return old + 1, nil })
		}
	}
}

func atOneInstant(t testing.TB, s *store.Store[string, int], writers, keys int) {
	t.Helper()
	for w := range writers {
		round := make([]int, keys)
		for k := range keys {
			round[k], _ = s.Peek(fmt.Sprint(w, "/", k))
		}
		for k := range keys - 1 {
			require.GreaterOrEqual(t, round[k], round[k+1], "%v", round)
		}
		require.LessOrEqual(t, round[0]-round[keys-1], 1, "%v", round)
	}
}

// Everything at once: every snapshot loads and is within the capacity.
func TestSnapshotsAmongAll(t *testing.T) {
	t.Parallel()
	d := disk.New()
	clock := storetest.NewClock(t)
	o := store.Options[int, int]{Capacity: 100, Clock: clock, Persist: persist.Config{FS: d, Dir: storeDir}}
	s := mustNew(t, o)
	n := 20_000
	if testenv.Race {
		n = 4_000
	}
	plan := steps(t, n)
	var all sync.WaitGroup
	for w := range 4 {
		all.Go(func() {
			for i := w; i < len(plan); i += 4 {
				if err := plan[i].store(s); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { all.Wait(); close(done) }()
	for running := true; running; {
		select {
		case <-done:
			running = false
		default:
		}
		require.NoError(t, s.Snapshot(context.Background()))
		require.NoError(t, s.Export(io.Discard))
		back := store.Options[int, int]{Capacity: store.MaxCapacity, Clock: clock, Persist: persist.Config{FS: d.Image().Boot(), Dir: storeDir}}
		require.LessOrEqual(t, mustNew(t, back).Len(), 120)
	}
	capacity := s.Stats().Capacity
	require.LessOrEqual(t, s.Len(), capacity, "capacity is exact")
	require.NoError(t, s.Close())
}

// A store that is made smaller while it imports is not overfull afterwards.
func TestImportWhileMadeSmaller(t *testing.T) {
	_, exported := otherStore(t)
	var s *store.Store[int, int]
	codec := &hookedCodec{hook: func() {
		if _, err := s.Resize(10); err != nil {
			t.Error(err)
		}
	}}
	s = mustNew(t, store.Options[int, int]{Capacity: 100, Clock: storetest.NewClock(t), Persist: persist.Config{Codec: codec}})
	require.NoError(t, s.Import(bytes.NewReader(exported)))
	require.Equal(t, 10, s.Stats().Capacity)
	require.LessOrEqual(t, s.Len(), 10, "capacity is exact")
	require.NoError(t, s.Set(1000, 1))
	require.LessOrEqual(t, s.Len(), 10, "capacity is exact")
}

// hookedCodec is JSON that calls hook once, when it first unmarshals.
type hookedCodec struct {
	persist.JSON
	once sync.Once
	hook func()
}

func (c *hookedCodec) Unmarshal(data []byte, v any) error {
	c.once.Do(c.hook)
	return c.JSON.Unmarshal(data, v)
}
