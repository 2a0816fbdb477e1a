package store

import (
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/internal/disk"
	"github.com/latchkey-go/latchkey/persist"
)

// onOneProcessor opens a store whose writes go to the disk in batches, and has all goroutines
// take turns on one processor.
func onOneProcessor(t *testing.T) *Store[string, int] {
	was := runtime.GOMAXPROCS(1)
	t.Cleanup(func() { runtime.GOMAXPROCS(was) })
	s, err := New(Options[string, int]{
		IdleTimeout: time.Hour,
		Persist:     persist.Config{Dir: "/data/store", FS: disk.New(), Sync: persist.Always},
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

// Reads that are written down join a batch while it is gathered, and do not keep it from
// being written.
func TestGatheringEnds(t *testing.T) {
	const most = 200
	s := onOneProcessor(t)
	require.NoError(t, s.Set("read", 1))
	note := func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.noteLocked(change[string, int]{kind: changeAccess, at: s.latest, e: s.findLocked("read")})
	}
	note()
	gathered := make(chan struct{})
	go func() {
		defer close(gathered)
		s.gather()
	}()
	reads := 0
	for ended := false; !ended && reads < most; reads++ {
		note()
		runtime.Gosched()
		select {
		case <-gathered:
			ended = true
		default:
		}
	}
	<-gathered
	require.Less(t, reads, most)
	require.NoError(t, s.Sync())
}

// Whoever writes to an entry again and again, and so has it pending all the time, lets
// others have their turns.
func TestPendingLetsOthersIn(t *testing.T) {
	const most = 10_000
	for name, f := range map[string]func(s *Store[string, int]) error{
		"Set":    func(s *Store[string, int]) error { return s.Set("hot", 2) },
		"Delete": func(s *Store[string, int]) error { return s.Delete("hot") },
		"Lock": func(s *Store[string, int]) error {
			l, err := s.TryLock("hot", 0)
			if err != nil {
				return err
			}
			return l.Unlock()
		},
		"Clear": func(s *Store[string, int]) error { return s.Clear() },
	} {
		t.Run(name, func(t *testing.T) {
			s := onOneProcessor(t)
			require.NoError(t, s.Set("hot", 1))
			var writes atomic.Int32
			done := make(chan error, 1)
			go func() {
				for writes.Load() == 0 {
					runtime.Gosched()
				}
				done <- f(s)
			}()
			for len(done) == 0 && writes.Load() < most {
				if err := s.Set("hot", 1); err == ErrLocked {
					runtime.Gosched()
				} else {
					require.NoError(t, err)
					writes.Add(1)
				}
			}
			require.NoError(t, <-done)
			require.Less(t, writes.Load(), int32(most))
		})
	}
}
