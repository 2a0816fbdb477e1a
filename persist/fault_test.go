package persist_test

import (
	"fmt"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
)

// The n-th call of the file system fails, for every n: alone, or with all that
// follow until it has been told. Every failure is told, nothing promised is
// lost, and the store goes on.
func TestEveryCallFails(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		how   fault
		cause error
		plan  func(int, fault, error) func(call) (fault, error)
	}{
		{"once, refused", refused, syscall.EIO, onlyCall},
		{"once, carried out all the same", carried, syscall.EIO, onlyCall},
		{"once, half written, no space", halved, syscall.ENOSPC, onlyCall},
		{"from then on, refused", refused, syscall.EROFS, everyCallFrom},
		{"from then on, carried out all the same", carried, syscall.EIO, everyCallFrom},
		{"from then on, half written, no space", halved, syscall.ENOSPC, everyCallFrom},
	} {
		t.Run(test.name, func(t *testing.T) {
			for generations := 1; generations <= 2; generations++ {
				for n := 1; ; n++ {
					j := newJourney(t, generations)
					j.heals, j.cause = true, test.cause
					j.fs.setPlan(test.plan(n, test.how, test.cause))
					j.run()
					if _, hits := j.fs.count(); hits == 0 {
						require.Greater(t, n, 100, "the journey has too few calls to tell anything")
						break
					}
					told := fmt.Sprint(j.told, j.log.String())
					require.Contains(t, told, test.cause.Error(), "failure of %+v was not told", j.fs.hits)
					require.NotContains(t, told, "customer")
					// What was promised has reached the disk, whatever failed before.
					j.mayHold(restored(t, j.disk.crash(keepNone)))
					j.mayHold(restored(t, j.disk.kill()))
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
			for _, how := range []fault{refused, carried} {
				disk := newMemFS()
				faulty := &faultFS{under: disk}
				s := mustNew(t, options(t, faulty))
				fill(t, s, olderState)
				require.NoError(t, s.Sync())
				fill(t, s, newerState)
				last := ""
				faulty.setPlan(func(c call) (fault, error) {
					if c.op == "rename" {
						last = c.name
					}
					if c.op == op && strings.Contains(last, name) {
						return how, syscall.EIO
					}
					return none, nil
				})
				for range 5 {
					require.ErrorIs(t, s.Sync(), syscall.EIO)
					require.LessOrEqual(t, snapshotFiles(disk), 2)
				}
				faulty.heal()
				require.NoError(t, s.Sync())
				require.Equal(t, 2, snapshotFiles(disk))
				require.Empty(t, cmp.Diff(newerState, restored(t, disk.crash(keepNone))))
				require.NoError(t, s.Close())
			}
		}
	}
}

// snapshotFiles returns how many snapshots there are, finished or not.
func snapshotFiles(disk *memFS) (n int) {
	for name := range disk.image() {
		if strings.Contains(name, "snapshot-") {
			n++
		}
	}
	return n
}
