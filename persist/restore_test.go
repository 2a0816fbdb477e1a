package persist_test

import (
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/internal/disk"
	"github.com/latchkey-go/latchkey/persist"
	"github.com/latchkey-go/latchkey/store"
	"github.com/latchkey-go/latchkey/storetest"
)

// clockOf returns the clock in options made here.
func clockOf[K comparable, V any](o store.Options[K, V]) *storetest.Clock {
	return o.Clock.(*storetest.Clock)
}

// reopen closes a store and opens its folder again.
func reopen[K comparable, V any](t testing.TB, s *store.Store[K, V], o store.Options[K, V]) *store.Store[K, V] {
	t.Helper()
	require.NoError(t, s.Close())
	return mustNew(t, o)
}

func allMetadata(s *store.Store[string, int]) map[string]store.Metadata {
	all := make(map[string]store.Metadata)
	for key := range s.All() {
		all[key], _ = s.Metadata(key)
	}
	return all
}

func TestMetadataComesBack(t *testing.T) {
	o := options(t, disk.New())
	o.TTL, o.IdleTimeout = time.Hour, 20*time.Minute
	clock := clockOf(o)
	s := mustNew(t, o)
	require.NoError(t, s.Set("a", 1))
	clock.Advance(time.Minute)
	require.NoError(t, s.Set("a", 2))
	require.NoError(t, s.SetWithTTL("b", 1, 5*time.Minute))
	require.NoError(t, s.SetWithTTL("c", 1, store.NoExpiry))
	clock.Advance(time.Minute + 7)
	for range 3 {
		_, err := s.Get("a")
		require.NoError(t, err)
	}
	l, err := s.TryLock("b", 10*time.Second)
	require.NoError(t, err)
	require.NoError(t, l.Unlock())
	_, err = s.TryLock("c", 20*time.Second)
	require.NoError(t, err)
	clock.Advance(time.Second)

	want := allMetadata(s)
	require.Len(t, want, 3)
	require.Equal(t, store.Locked, want["c"].Status)
	require.EqualValues(t, 2, want["a"].Revision)
	require.EqualValues(t, 3, want["a"].Accesses)
	for range 3 {
		s = reopen(t, s, o)
		require.Empty(t, cmp.Diff(want, allMetadata(s)))
		require.Equal(t, 3, s.Stats().Restored)
	}
	// The entry's own TTL still runs anew with a write.
	b, err := s.Entry("b")
	require.NoError(t, err)
	require.NoError(t, s.CompareAndSet("b", b.Metadata.Revision, 2))
	after, _ := s.Metadata("b")
	require.Equal(t, clock.Now().Add(5*time.Minute), after.Expires)
	require.Equal(t, want["b"].Created, after.Created)
}

func TestExpiredEntriesStayAway(t *testing.T) {
	d := disk.New()
	o := options(t, d)
	o.IdleTimeout = time.Hour
	clock := clockOf(o)
	s := mustNew(t, o)
	require.NoError(t, s.Set("idle", 1))
	require.NoError(t, s.SetWithTTL("dead before", 1, time.Minute))
	require.NoError(t, s.SetWithTTL("dead meanwhile", 1, 10*time.Minute))
	require.NoError(t, s.SetWithTTL("to the last moment", 1, 30*time.Minute+1))
	require.NoError(t, s.SetWithTTL("a moment too late", 1, 30*time.Minute))
	clock.Advance(time.Minute)
	s = reopen(t, s, o)
	require.ElementsMatch(t, []string{"idle", "dead meanwhile", "to the last moment", "a moment too late"}, slices.Collect(s.Keys()))
	require.NoError(t, s.Close())

	clock.Advance(29 * time.Minute)
	s = mustNew(t, o)
	require.ElementsMatch(t, []string{"idle", "to the last moment"}, slices.Collect(s.Keys()))
	require.Equal(t, 2, s.Stats().Restored)
	clock.Advance(1)
	require.ElementsMatch(t, []string{"idle"}, slices.Collect(s.Keys()))
	require.NoError(t, s.Close())

	clock.Advance(30*time.Minute - 1)
	s = mustNew(t, o)
	require.Zero(t, s.Len())
	require.NoError(t, s.Close())
}

func TestDeletesStay(t *testing.T) {
	d := disk.New()
	o := options(t, d)
	o.Capacity = 2
	s := mustNew(t, o)
	for i, key := range []string{"evicted", "deleted", "kept"} {
		require.NoError(t, s.Set(key, i))
	}
	require.NoError(t, s.Sync())
	require.NoError(t, s.Delete("deleted"))
	s = reopen(t, s, o)
	require.Empty(t, cmp.Diff(map[string]int{"kept": 2}, contents(s)))
	require.NoError(t, s.Clear())
	s = reopen(t, s, o)
	require.Zero(t, s.Len())
}

// on returns the options with another disk.
func on(o store.Options[string, int], d *disk.Disk) store.Options[string, int] {
	o.Persist.FS = d
	return o
}

func TestRecencyComesBack(t *testing.T) {
	d := disk.New()
	o := options(t, d)
	o.Capacity = 4
	s := mustNew(t, o)
	for i, key := range []string{"a", "b", "c", "d"} {
		require.NoError(t, s.Set(key, i))
	}
	for _, key := range []string{"c", "a"} { // reads alone, which Close saves
		require.NoError(t, s.Sync())
		_, err := s.Get(key)
		require.NoError(t, err)
	}
	s = reopen(t, s, o)
	for _, victim := range []string{"b", "d", "c", "a"} {
		require.True(t, s.Has(victim))
		require.NoError(t, s.Set("new "+victim, 0))
		require.False(t, s.Has(victim))
	}
}

func TestSmallerCapacityKeepsTheMostRecentlyUsed(t *testing.T) {
	d := disk.New()
	o := options(t, d)
	s := mustNew(t, o)
	for i := range 10 {
		require.NoError(t, s.Set(string(rune('a'+i)), i))
	}
	_, err := s.Get("a")
	require.NoError(t, err)
	_, err = s.TryLock("b", 0) // can't be evicted
	require.NoError(t, err)
	require.NoError(t, s.Close())

	var log logBook
	o.Logger = log.logger()
	o.Capacity = 4
	s = mustNew(t, o)
	require.ElementsMatch(t, []string{"a", "b", "i", "j"}, slices.Collect(s.Keys()))
	require.Contains(t, log.String(), "dropped=6")
	require.NoError(t, s.Close())

	o.Capacity = 100
	s = mustNew(t, o)
	require.Equal(t, 4, s.Len(), "what was dropped is gone")
	for _, key := range []string{"a", "i"} {
		_, err := s.TryLock(key, 0)
		require.NoError(t, err)
	}
	require.NoError(t, s.Close())

	before := d.Image()
	o.Capacity = 2
	_, err = store.New(o)
	require.ErrorIs(t, err, store.ErrFull, "three are locked")
	require.True(t, before.Equal(d.Image()))
	o.Capacity = 3
	s = mustNew(t, o)
	require.ElementsMatch(t, []string{"a", "b", "i"}, slices.Collect(s.Keys()))
}

func TestOtherCodecTypesOrSchema(t *testing.T) {
	img := twoSnapshots(t)
	refused := func(err, want error, says ...string) {
		t.Helper()
		require.ErrorIs(t, err, want)
		for _, s := range says {
			require.ErrorContains(t, err, s)
		}
	}
	d := img.Boot()
	gob := options(t, d)
	gob.Persist.Codec = persist.Gob{}
	_, err := store.New(gob)
	refused(err, persist.ErrCodecMismatch, `"json"`, `"gob"`)

	_, err = store.New(store.Options[string, string]{Clock: gob.Clock, Persist: persist.Config{FS: d, Dir: storeDir}})
	refused(err, persist.ErrTypeMismatch, `"string int"`, `"string string"`)

	named := options(t, d)
	named.Persist.Schema = "visits/1"
	_, err = store.New(named)
	refused(err, persist.ErrTypeMismatch, `"string int"`, `"visits/1"`)
	require.True(t, img.Equal(d.Image()), "the disk must stay as it is")

	// The name in the error opens a folder whose types were renamed.
	type counter int
	renamed := store.Options[string, counter]{Clock: gob.Clock, Persist: persist.Config{FS: d, Dir: storeDir, Schema: "string int"}}
	s := mustNew(t, renamed)
	require.Empty(t, cmp.Diff(map[string]counter{"b": 2, "c": 2}, contents(s)))
	require.NoError(t, s.Close())
	worksAsNew(t, d.Image())
}

func TestValuesThatDoNotDecode(t *testing.T) {
	d := disk.New()
	picky := &pickyCodec{}
	o := options(t, d)
	o.Persist.Codec = picky
	s := mustNew(t, o)
	fill(t, s, newerState)
	require.NoError(t, s.Close())
	before := d.Image()

	for name, refuse := range map[string]func() error{
		"error": func() error { return errors.New("value 2 is secret") },
		"panic": func() error { panic("value 2 is secret") },
	} {
		picky.refuse = refuse
		var log logBook
		o.Logger = log.logger()
		_, err := store.New(o)
		require.Error(t, err, name)
		require.NotContains(t, err.Error()+log.String(), "secret", "an error's text holds no value")
		require.True(t, before.Equal(d.Image()), "the disk must stay as it is")
	}
	picky.refuse = nil
	require.Empty(t, cmp.Diff(newerState, contents(mustNew(t, o))))
}

// pickyCodec is JSON that refuses to decode as told.
type pickyCodec struct {
	persist.JSON
	refuse func() error
}

func (c *pickyCodec) Unmarshal(data []byte, v any) error {
	if c.refuse != nil {
		return c.refuse()
	}
	return c.JSON.Unmarshal(data, v)
}

func TestStoreOfAllSizes(t *testing.T) {
	for _, n := range []int{0, 1, 15, 16, 17, 1000} {
		d := disk.New()
		o := options(t, d)
		want := make(map[string]int)
		s := mustNew(t, o)
		for i := range n {
			key := time.Duration(i).String()
			want[key] = i
			require.NoError(t, s.Set(key, i))
		}
		s = reopen(t, s, o)
		require.True(t, maps.Equal(want, contents(s)))
		require.NoError(t, s.Close())
	}
}
