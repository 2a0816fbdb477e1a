package persist_test

import (
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/internal/disk"
	"github.com/latchkey-go/latchkey/persist"
	"github.com/latchkey-go/latchkey/store"
)

// lockless is a disk whose processes can be killed: their locks are in nobody's way.
type lockless struct{ persist.FS }

type noLock struct{}

func (noLock) Close() error { return nil }
func (noLock) Held() error  { return nil }

func (lockless) Lock(string) (persist.FileLock, error) { return noLock{}, nil }

// killed is a disk on which a process has written "a", and maybe half of "b", and
// was killed before any of that was durable.
func killed(t *testing.T, w way, torn bool) *disk.Disk {
	d := disk.New()
	faulty := disk.Fails(d, nil)
	o := w.on(t, d)
	o.Persist.FS = lockless{faulty}
	s := mustNew(t, o)
	require.NoError(t, s.Set("a", 1))
	if torn {
		faulty.SetPlan(func(c disk.Call) (disk.Fault, error) {
			if c.Op == "write" {
				return disk.Halved, syscall.EIO
			}
			return disk.None, nil
		})
		require.Error(t, s.Set("b", 2))
	}
	return d
}

// What a process has written that was killed is there for the next one, durable or
// not. The next one builds on it: so it makes it durable before anything else, or
// is not opened.
func TestWhatIsInheritedIsMadeDurable(t *testing.T) {
	for _, w := range journalWays {
		if w.sync == persist.Always {
			continue // all of that is durable
		}
		for _, torn := range []bool{false, true} {
			if torn && w.mapped {
				continue // memory is not written by halves
			}
			d := killed(t, w, torn)
			o := options(t, lockless{d})
			o.Persist.Sync = persist.Always
			s := mustNew(t, o)
			require.Equal(t, map[string]int{"a": 1}, contents(s))
			require.Equal(t, torn, s.Stats().TornBytes > 0)
			require.NoError(t, s.Set("c", 3))
			o.Persist.FS = d.Crash(disk.KeepNone).Boot()
			require.Equal(t, map[string]int{"a": 1, "c": 3}, contents(mustNew(t, o)), "%s, torn %v", w.name, torn)

			o.Persist.FS = lockless{disk.Fails(killed(t, w, torn), func(c disk.Call) (disk.Fault, error) {
				if c.Op == "sync" && strings.HasSuffix(c.Name, segmentOne) {
					return disk.Refused, syscall.EIO
				}
				return disk.None, nil
			})}
			_, err := store.New(o)
			require.ErrorIs(t, err, syscall.EIO)
		}
	}
}
