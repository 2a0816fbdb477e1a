package persist

import (
	"fmt"
	"time"
)

// Defaults of [Config].
const (
	DefaultSnapshotInterval = 5 * time.Minute
	DefaultGenerations      = 2
	DefaultMinJournal       = 16 << 20
)

// Config says where and how a store keeps its entries on disk.
type Config struct {
	// Dir is the store's folder, of its own, created if missing: 0700, its
	// files 0600. "" = no persistence; a store then refuses what is of use with a
	// folder only, in case Dir was forgotten.
	Dir string
	// Codec encodes keys and values. nil = [JSON].
	Codec Codec
	// Sync says which changes survive a crash. 0 = [EverySecond].
	Sync Sync
	// SnapshotInterval is how soon after a change a snapshot is taken; it is
	// skipped when nothing changed. 0 = with a journal, one is taken when the
	// journal has outgrown the last; without, [DefaultSnapshotInterval].
	SnapshotInterval time.Duration
	// Generations is how many snapshots are kept, so that the one before is
	// there when the newest is damaged. 0 = [DefaultGenerations].
	Generations int
	// MinJournal is the least size in bytes at which the journal is worth a
	// snapshot, which takes its place: when it has outgrown that and the last
	// one. 0 = [DefaultMinJournal].
	MinJournal int64
	// Schema names what is stored and is recorded in every file: opening a
	// folder with another one is [ErrTypeMismatch]. "" = the names of the
	// key's and the value's Go types, such as "string main.Session". Set it
	// to the name in that error to keep a folder whose type was renamed.
	Schema string

	// FS is the file system that Dir is in: for tests, see storetest.Disk.
	// nil = the operating system's.
	FS FS
}

// Sync says which changes survive a crash: changes whose call has returned nil.
type Sync int

const (
	// Always keeps every change, whatever ends the process or the machine:
	// a call returns once its change is durable in the journal. Callers who
	// wait at the same time share one fsync.
	Always Sync = 1
	// EverySecond keeps every change when the process ends, by kill -9 too,
	// and all but those of the last second when the machine does: a call
	// returns once its change is written to the journal, which is synced
	// every second.
	EverySecond Sync = 2
	// OnSnapshot keeps what the last snapshot holds: one taken by a call of
	// Snapshot, Sync or Close, or every SnapshotInterval. There is no journal.
	OnSnapshot Sync = 3
)

// String returns the name of the constant.
func (s Sync) String() string {
	switch s {
	case Always:
		return "Always"
	case EverySecond:
		return "EverySecond"
	case OnSnapshot:
		return "OnSnapshot"
	}
	return fmt.Sprintf("Sync(%d)", int(s))
}

// WithDefaults returns c with defaults in place of what is zero, or an error
// that names what can't work.
func (c Config) WithDefaults() (Config, error) {
	const century = 100 * 365 * 24 * time.Hour
	if c.SnapshotInterval < 0 || c.SnapshotInterval > century {
		return c, fmt.Errorf("persist: SnapshotInterval is %v; it must be between 0 and 100 years", c.SnapshotInterval)
	}
	if c.Generations < 0 {
		return c, fmt.Errorf("persist: Generations is %d; it must not be negative (0 is %d)", c.Generations, DefaultGenerations)
	}
	if c.MinJournal < 0 {
		return c, fmt.Errorf("persist: MinJournal is %d; it must not be negative (0 is %d)", c.MinJournal, DefaultMinJournal)
	}
	if c.Sync < 0 || c.Sync > OnSnapshot {
		return c, fmt.Errorf("persist: Sync is %d; it must be Always, EverySecond or OnSnapshot (or 0, which is EverySecond)", int(c.Sync))
	}
	if c.Codec == nil {
		c.Codec = JSON{}
	}
	if c.Sync == 0 {
		c.Sync = EverySecond
	}
	if c.SnapshotInterval == 0 && c.Sync == OnSnapshot {
		c.SnapshotInterval = DefaultSnapshotInterval
	}
	if c.Generations == 0 {
		c.Generations = DefaultGenerations
	}
	if c.MinJournal == 0 {
		c.MinJournal = DefaultMinJournal
	}
	if c.FS == nil {
		c.FS = osFS{}
	}
	return c, nil
}
