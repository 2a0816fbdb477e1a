package store_test

import (
	"bytes"
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/persist"
	"github.com/latchkey-go/latchkey/store"
	"github.com/latchkey-go/latchkey/storetest"
)

// meddling is JSON that lets something happen before it encodes for the first
// time.
type meddling struct {
	persist.JSON
	meddle *func()
}

func (c meddling) Marshal(v any) ([]byte, error) {
	if meddle := *c.meddle; meddle != nil {
		*c.meddle = nil
		meddle()
	}
	return c.JSON.Marshal(v)
}

// An export is of one instant, whatever is done to the store while it is read.
func TestExportIsOfOneInstant(t *testing.T) {
	const entries = 500 // many times what is read at once
	key := func(i int) string { return fmt.Sprintf("k%d", i) }
	for name, change := range map[string]func(*store.Store[string, int], int) error{
		"Set":     func(s *store.Store[string, int], i int) error { return s.Set(key(i), -1) },
		"Get":     func(s *store.Store[string, int], i int) error { _, err := s.Get(key(i)); return err },
		"Delete":  func(s *store.Store[string, int], i int) error { return s.Delete(key(i)) },
		"TryLock": func(s *store.Store[string, int], i int) error { _, err := s.TryLock(key(i), 0); return err },
		"anew": func(s *store.Store[string, int], i int) error {
			_ = s.Delete(key(i))
			return s.Set(key(i), -1)
		},
		"evicted": func(s *store.Store[string, int], i int) error { return s.Set("new "+key(i), -1) },
		"Clear":   func(s *store.Store[string, int], _ int) error { return s.Clear() },
		"Resize":  func(s *store.Store[string, int], _ int) error { _, err := s.Resize(1); return err },
	} {
		t.Run(name, func(t *testing.T) {
			var meddle func()
			s, clock := fake(t, store.Options[string, int]{
				Capacity: entries, TTL: time.Hour, Persist: persist.Config{Codec: meddling{meddle: &meddle}},
			})
			want := make(map[string]store.Metadata)
			for i := range entries {
				require.NoError(t, s.Set(key(i), i))
				want[key(i)], _ = s.Metadata(key(i))
			}
			values := maps.Collect(s.All())

			meddle = func() {
				clock.Advance(time.Second)
				for i := range entries {
					require.NoError(t, change(s, i))
				}
			}
			var export bytes.Buffer
			require.NoError(t, s.Export(&export))
			require.Nil(t, meddle, "it has happened")

			copied, _ := fake(t, store.Options[string, int]{Capacity: entries})
			require.NoError(t, copied.Import(&export))
			require.Equal(t, values, maps.Collect(copied.All()))
			for key, meta := range want {
				got, _ := copied.Metadata(key)
				require.Equal(t, meta, got)
			}
		})
	}
}

// A use moves the idle timeout, and so it must reach the folder as a write does.
func TestUsesAreSaved(t *testing.T) {
	for name, use := range map[string]func(*store.Store[string, int]) error{
		"Get":   func(s *store.Store[string, int]) error { _, err := s.Get("k"); return err },
		"Touch": func(s *store.Store[string, int]) error { return s.Touch("k") },
	} {
		t.Run(name, func(t *testing.T) {
			o := store.Options[string, int]{
				IdleTimeout: time.Hour, Clock: storetest.NewClock(t),
				Persist: persist.Config{Dir: folder(t), SnapshotInterval: time.Minute},
			}
			clock := o.Clock.(*storetest.Clock)
			s := open(t, o)
			set(t, s, "k")
			clock.Advance(59 * time.Minute)
			before := s.Stats().Snapshots
			require.NoError(t, use(s))
			clock.Advance(time.Minute)
			require.Equal(t, before+1, s.Stats().Snapshots)

			o.Persist.Dir = crash(t, o.Persist.Dir)
			clock.Advance(58 * time.Minute)
			require.True(t, open(t, o).Has("k"))
		})
	}
}
