package persist

import (
	"fmt"
	"time"
)

// Defaults of [Config].
const (
	DefaultSnapshotInterval = 5 * time.Minute
	DefaultGenerations      = 2
)

// Config says where and how a store keeps its entries on disk.
type Config struct {
	// Dir is the store's folder, of its own, created if missing: 0700, its
	// files 0600. "" = no persistence.
	Dir string
	// Codec encodes keys and values. nil = [JSON].
	Codec Codec
	// Sync says which changes survive a crash. 0 = [OnSnapshot].
	Sync Sync
	// SnapshotInterval is how soon after a change a snapshot is taken; it is
	// skipped when nothing changed. 0 = [DefaultSnapshotInterval].
	SnapshotInterval time.Duration
	// Generations is how many snapshots are kept, so that the one before is
	// there when the newest is damaged. 0 = [DefaultGenerations].
	Generations int
	// Schema names what is stored and is recorded in every file: opening a
	// folder with another one is [ErrTypeMismatch]. "" = the names of the
	// key's and the value's Go types, such as "string main.Session". Set it
	// to the name in that error to keep a folder whose type was renamed.
	Schema string

	fs fileSystem // nil = the operating system's; tests put another here
}

// Sync says which changes survive a crash.
type Sync int

// OnSnapshot keeps what the last snapshot holds: one taken by a call of
// Snapshot, Sync or Close, or every SnapshotInterval.
const OnSnapshot Sync = 3

// String returns the name of the constant.
func (s Sync) String() string {
	if s == OnSnapshot {
		return "OnSnapshot"
	}
	return fmt.Sprintf("Sync(%d)", int(s))
}

// WithDefaults returns c with defaults in place of what is zero, or an error
// that names what can't work.
func (c Config) WithDefaults() (Config, error) {
	const century = 100 * 365 * 24 * time.Hour
	if c.SnapshotInterval < 0 || c.SnapshotInterval > century {
		return c, fmt.Errorf("persist: SnapshotInterval is %v; it must be between 0 (which is %v) and 100 years", c.SnapshotInterval, DefaultSnapshotInterval)
	}
	if c.Generations < 0 {
		return c, fmt.Errorf("persist: Generations is %d; it must not be negative (0 is %d)", c.Generations, DefaultGenerations)
	}
	if c.Sync != 0 && c.Sync != OnSnapshot {
		return c, fmt.Errorf("persist: Sync is %d; it must be OnSnapshot (or 0, the default)", int(c.Sync))
	}
	if c.Codec == nil {
		c.Codec = JSON{}
	}
	if c.Sync == 0 {
		c.Sync = OnSnapshot
	}
	if c.SnapshotInterval == 0 {
		c.SnapshotInterval = DefaultSnapshotInterval
	}
	if c.Generations == 0 {
		c.Generations = DefaultGenerations
	}
	if c.fs == nil {
		c.fs = osFS{}
	}
	return c, nil
}
