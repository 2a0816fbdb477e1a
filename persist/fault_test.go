package persist_test

import (
	"fmt"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/internal/disk"
)

// The n-th call of the file system fails, for every n: alone, or with all that
// follow until it has been told. Every failure is told, nothing promised is
// lost, and the store goes on.
func TestEveryCallFails(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		how   disk.Fault
		cause error
		plan  func(int, disk.Fault, error) func(disk.Call) (disk.Fault, error)
	}{
		{"once, refused", disk.Refused, syscall.EIO, disk.OnlyCall},
		{"once, disk.Carried out all the same", disk.Carried, syscall.EIO, disk.OnlyCall},
		{"once, half written, no space", disk.Halved, syscall.ENOSPC, disk.OnlyCall},
		{"from then on, refused", disk.Refused, syscall.EROFS, disk.EveryCallFrom},
		{"from then on, disk.Carried out all the same", disk.Carried, syscall.EIO, disk.EveryCallFrom},
		{"from then on, half written, no space", disk.Halved, syscall.ENOSPC, disk.EveryCallFrom},
	} {
		t.Run(test.name, func(t *testing.T) {
			for generations := 1; generations <= 2; generations++ {
				for n := 1; ; n++ {
					j := newJourney(t, generations)
					j.heals, j.cause = true, test.cause
					j.fs.SetPlan(test.plan(n, test.how, test.cause))
					j.run()
					if _, hits := j.fs.Count(); hits == 0 {
						require.Greater(t, n, 100, "the journey has too few calls to tell anything")
						break
					}
					told := fmt.Sprint(j.told, j.log.String())
					require.Contains(t, told, test.cause.Error(), "failure of %+v was not told", j.fs.Hits())
					require.NotContains(t, told, "customer")
					// What was promised has reached the disk, whatever failed before.
					j.mayHold(restored(t, j.disk.Crash(disk.KeepNone)))
					j.mayHold(restored(t, j.disk.Image()))
				}
			}
		})
	}
}

// A disk that goes on failing just when a snapshot is to get its name, or to be
// listed, does not fill up with those that got neither.
func TestFailedSnapshotsDoNotPileUp(t *testing.T) {
	for _, op := range []string{"rename", "syncdir"} {
		for _, name := range []string{"snapshot", "MANIFEST"} {
			for _, how := range []disk.Fault{disk.Refused, disk.Carried} {
				d := disk.New()
				faulty := disk.Fails(d, nil)
				s := mustNew(t, options(t, faulty))
				fill(t, s, olderState)
				require.NoError(t, s.Sync())
				fill(t, s, newerState)
				last := ""
				faulty.SetPlan(func(c disk.Call) (disk.Fault, error) {
					if c.Op == "rename" {
						last = c.Name
					}
					if c.Op == op && strings.Contains(last, name) {
						return how, syscall.EIO
					}
					return disk.None, nil
				})
				for range 5 {
					require.ErrorIs(t, s.Sync(), syscall.EIO)
					require.LessOrEqual(t, snapshotFiles(d), 2)
				}
				faulty.Heal()
				require.NoError(t, s.Sync())
				require.Equal(t, 2, snapshotFiles(d))
				require.Empty(t, cmp.Diff(newerState, restored(t, d.Crash(disk.KeepNone))))
				require.NoError(t, s.Close())
			}
		}
	}
}

// snapshotFiles returns how many snapshots there are, finished or not.
func snapshotFiles(d *disk.Disk) (n int) {
	for name := range d.Image() {
		if strings.Contains(name, "snapshot-") {
			n++
		}
	}
	return n
}
