package store

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"time"

	"github.com/latchkey-go/latchkey/internal/clock"
	"github.com/latchkey-go/latchkey/persist"
)

// Defaults of [Options].
const (
	DefaultCapacity      = 1000
	DefaultMaxLease      = 30 * time.Second
	DefaultSweepInterval = time.Minute
)

const (
	// NoExpiry is the TTL of an entry that lives until it is evicted or
	// deleted; see [Store.SetWithTTL].
	NoExpiry time.Duration = math.MaxInt64
	// MaxDuration is the longest TTL, idle timeout or lease: 100 years.
	MaxDuration = 100 * 365 * 24 * time.Hour
	// MaxCapacity is the largest capacity.
	MaxCapacity = math.MaxInt32
	// MaxMaxWeight is the largest MaxWeight.
	MaxMaxWeight = math.MaxInt64 / 2
)

// Options configure a [Store]. The zero value works: 1000 entries in memory,
// for ever. New copies them and never changes them.
type Options[K comparable, V any] struct {
	// Capacity is the most entries kept; it is exact. 0 = DefaultCapacity.
	Capacity int
	// Weigher weighs an entry, in whatever unit, each time that its value is set;
	// several goroutines may be in it at once, and none of the store's locks is
	// held. A weight of 0 is good. nil = every entry weighs 1.
	Weigher func(key K, value V) uint32
	// MaxWeight, with a Weigher, is the most that all entries weigh together; it
	// is exact, as is the capacity, which still holds. To keep to it, setting a
	// heavier value may evict others, and one too heavy for the store is ErrFull.
	// 0 = no bound but Capacity.
	MaxWeight uint64
	// Policy chooses what is evicted for room. 0 = LRU.
	Policy Policy
	// TTL is an entry's life after its last write. 0 or NoExpiry = for ever.
	TTL time.Duration
	// IdleTimeout is an entry's life after its last access. 0 or NoExpiry =
	// for ever. With a TTL too, the earlier deadline counts.
	IdleTimeout time.Duration
	// MaxLease is the longest lease, and the default one.
	// 0 = DefaultMaxLease.
	MaxLease time.Duration
	// SweepInterval is how often at most the memory of dead entries is
	// freed. 0 = DefaultSweepInterval.
	SweepInterval time.Duration
	// RefreshAfter is the time from an entry's last write after which a hit of
	// GetOrLoad also has it loaded anew, in the background; below the TTL. Such a
	// hit takes the store's mutex, as Entry does. 0 = never.
	RefreshAfter time.Duration
	// ErrorTTL is how long the error of a load is remembered and returned
	// without another load. 0 = not at all.
	ErrorTTL time.Duration
	// Persist keeps the entries on disk. Its zero value = memory only. Without its
	// Dir, only Codec and Schema may be set: they are for Export and Import, too.
	Persist persist.Config
	// OnRemove is told of every removal after the fact, outside every lock,
	// in order per key; it may call the store, but not have the key that it is told
	// of loaded, as it may be called in a load of that. nil = nobody is told.
	OnRemove func(Removal[K, V])
	// Clock tells the time. nil = the system clock. See [CoarseClock].
	Clock Clock
	// Logger is told of damage, failed snapshots and contained panics,
	// never of keys or values. nil = silent.
	Logger *slog.Logger
}

// Clock is what a store needs of time. The system clock, storetest.Clock and
// the clock packages with methods of this form all fit.
type Clock interface {
	// Now returns the current time, between the years 1970 and 2150. If it
	// carries a monotonic reading, steps of the wall clock go unseen.
	Now() time.Time
	// AfterFunc calls f once d has passed, in any goroutine. stop reports
	// whether it kept f from being called.
	AfterFunc(d time.Duration, f func()) (stop func() bool)
}

// CoarseClock returns the system clock, read once in every so often instead of in each
// operation, which makes those faster. The resolution is above 0 and at most a second; a
// millisecond is a good one. Entries and leases may live that much longer, times in
// [Metadata] are that much behind, and which of two uses within it was the later one,
// LRU may not know. Each store has a clock of its own made of it, which runs while it is asked
// for the time, and ends by itself when the store is idle or closed.
func CoarseClock(resolution time.Duration) Clock { return clock.NewCoarse(resolution) }

// Policy chooses what is evicted when room is needed.
type Policy int

const (
	// LRU evicts the entry whose last use is the longest ago, just as
	// golang-lru does. It is for sessions: a visitor who has just come is
	// never the one to go.
	LRU Policy = 1
	// TinyLFU evicts what is used the least, as far as it can tell: W-TinyLFU
	// with a window that finds its size. It is for caches: more hits, but
	// what is new may be gone soon. How often keys were used is counted
	// about, and not kept over a restart; hits differ a little from store to
	// store, as the seed of the hash is random. See Einziger, Friedman and Manes,
	// "TinyLFU: A Highly Efficient Cache Admission Policy", 2017.
	TinyLFU Policy = 2
)

// String returns the name of the constant.
func (p Policy) String() string {
	switch p {
	case LRU:
		return "LRU"
	case TinyLFU:
		return "TinyLFU"
	}
	return fmt.Sprintf("Policy(%d)", int(p))
}

// DefaultOptions returns options to begin with: those of the zero value, written out, and
// a TTL of an hour. 1000 entries, leases of 30 s, a sweep every minute, memory only.
func DefaultOptions[K comparable, V any]() Options[K, V] {
	return Options[K, V]{
		Capacity:      DefaultCapacity,
		Policy:        LRU,
		TTL:           time.Hour,
		MaxLease:      DefaultMaxLease,
		SweepInterval: DefaultSweepInterval,
	}
}

// withDefaults returns o with defaults in place of what is zero, or an error
// that names what can't work.
func (o Options[K, V]) withDefaults() (Options[K, V], error) {
	if err := checkCapacity(o.Capacity, 0); err != nil {
		return o, err
	}
	if o.Policy < 0 || o.Policy > TinyLFU {
		return o, fmt.Errorf("store: Policy is %d; it must be LRU or TinyLFU (or 0, which is LRU)", int(o.Policy))
	}
	switch {
	case o.MaxWeight > MaxMaxWeight:
		return o, fmt.Errorf("store: MaxWeight is %d; it must be at most %d", o.MaxWeight, uint64(MaxMaxWeight))
	case o.MaxWeight != 0 && o.Weigher == nil:
		return o, errors.New("store: MaxWeight must come with a Weigher; Capacity bounds the number of entries")
	}
	for _, d := range []struct {
		name    string
		value   time.Duration
		endless bool
	}{
		{"TTL", o.TTL, o.TTL == NoExpiry},
		{"IdleTimeout", o.IdleTimeout, o.IdleTimeout == NoExpiry},
		{"MaxLease", o.MaxLease, false},
		{"SweepInterval", o.SweepInterval, false},
		{"RefreshAfter", o.RefreshAfter, false},
		{"ErrorTTL", o.ErrorTTL, false},
	} {
		if d.value < 0 || d.value > MaxDuration && !d.endless {
			return o, fmt.Errorf("store: %s is %v; it must be between 0 and 100 years", d.name, d.value)
		}
	}
	if o.TTL != 0 && o.RefreshAfter >= o.TTL {
		return o, fmt.Errorf("store: RefreshAfter is %v; it must be below the TTL, %v", o.RefreshAfter, o.TTL)
	}
	err := checkDir(o.Persist)
	if err != nil {
		return o, err
	}
	if o.Persist, err = o.Persist.WithDefaults(); err != nil {
		return o, err
	}
	o.Capacity = orDefault(o.Capacity, DefaultCapacity)
	o.Policy = orDefault(o.Policy, LRU)
	o.MaxLease = orDefault(o.MaxLease, DefaultMaxLease)
	o.SweepInterval = orDefault(o.SweepInterval, DefaultSweepInterval)
	if o.TTL == 0 {
		o.TTL = NoExpiry
	}
	if o.IdleTimeout == 0 {
		o.IdleTimeout = NoExpiry
	}
	if c, ok := o.Clock.(*clock.Coarse); ok && (c.Resolution <= 0 || c.Resolution > time.Second) {
		return o, fmt.Errorf("store: CoarseClock is of %v; it must be above 0 and at most a second", c.Resolution)
	}
	if o.Clock == nil {
		o.Clock = clock.System{}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o, nil
}

func orDefault[T comparable](value, byDefault T) T {
	var zero T
	if value == zero {
		return byDefault
	}
	return value
}

func checkCapacity(capacity, least int) error {
	if capacity < least || capacity > MaxCapacity {
		return fmt.Errorf("store: capacity is %d; it must be between %d and %d", capacity, least, MaxCapacity)
	}
	return nil
}

// checkDir makes sure that nobody who wants a folder has one in memory alone: what is
// of use with a folder only says so. Codec and Schema are for Export and Import, too.
func checkDir(p persist.Config) error {
	if p.Dir != "" {
		return nil
	}
	for _, f := range []struct {
		name string
		set  bool
	}{
		{"Sync", p.Sync != 0},
		{"SnapshotInterval", p.SnapshotInterval != 0},
		{"Generations", p.Generations != 0},
		{"MinJournal", p.MinJournal != 0},
		{"FS", p.FS != nil},
	} {
		if f.set {
			return fmt.Errorf("store: Persist.%s is set and Persist.Dir is not; it must be the folder to keep the entries in, or leave Persist empty for memory only", f.name)
		}
	}
	return nil
}

func checkTTL(ttl time.Duration) error {
	if ttl != NoExpiry && (ttl <= 0 || ttl > MaxDuration) {
		return fmt.Errorf("store: TTL is %v; it must be above 0 and at most 100 years, or NoExpiry", ttl)
	}
	return nil
}
