package storetest

import (
	"math/rand/v2"

	"github.com/latchkey-go/latchkey/internal/disk"
	"github.com/latchkey-go/latchkey/persist"
)

// Disk is a disk in memory that can lose its power, fill up, and fail: give it to
// a store as [persist.Config.FS], with a Dir such as "/data/sessions". What comes
// of a crash is another Disk, for the store that is opened next; the one before
// need not be closed. A Disk is safe for concurrent use.
type Disk struct {
	persist.FS // what a store needs of it
	disk       *disk.Disk
	faulty     *disk.Faulty
}

// NewDisk returns an empty disk that works, with a folder /data.
func NewDisk() *Disk { return newDisk(disk.New()) }

func newDisk(d *disk.Disk) *Disk {
	faulty := disk.Fails(d, nil)
	return &Disk{FS: faulty, disk: d, faulty: faulty}
}

// Kill returns the disk as the next process finds it when this one is killed now:
// with all that was written.
func (d *Disk) Kill() *Disk { return newDisk(d.disk.Image().Boot()) }

// LosePower returns the disk as it is after a power loss now: with what was synced
// and nothing else.
func (d *Disk) LosePower() *Disk { return newDisk(d.disk.Crash(disk.KeepNone).Boot()) }

// LosePowerAtRandom is [Disk.LosePower], but of what was not synced, sectors of
// 512 bytes and names of files, a half that r chooses survives: as on real disks,
// in no order.
func (d *Disk) LosePowerAtRandom(r *rand.Rand) *Disk {
	return newDisk(d.disk.Crash(func() bool { return r.IntN(2) == 0 }).Boot())
}

// Fail has every call fail that would change the disk, with err as the cause, and
// do nothing. Reading goes on. A nil err has the disk work again.
func (d *Disk) Fail(err error) {
	if err == nil {
		d.faulty.Heal()
		return
	}
	d.faulty.SetPlan(func(c disk.Call) (disk.Fault, error) {
		switch c.Op {
		case "stat", "readdir", "open", "read", "close", "held", "unlock":
			return disk.None, nil
		}
		return disk.Refused, err
	})
}

// Limit sets how many bytes all files may take together, as on a disk that is
// full then; 0 = as many as there are.
func (d *Disk) Limit(bytes int) { d.disk.Limit(bytes) }

// Used returns how many bytes all files take.
func (d *Disk) Used() int { return d.disk.Used() }
