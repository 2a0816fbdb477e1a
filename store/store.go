package store

import (
	"errors"
	"fmt"
	"reflect"
	"sync"
	"time"

	"github.com/latchkey-go/latchkey/internal/clock"
	"github.com/latchkey-go/latchkey/persist"
)

// Store keeps values of type V by keys of type K. [New] makes one; it is safe
// for concurrent use.
//
// Get, Set and the like cost one map lookup under one mutex, whatever the
// store's size, and no user code ever runs under that mutex.
type Store[K comparable, V any] struct {
	o          Options[K, V]
	base       time.Time // instant 0
	system     bool      // the clock is the system's
	keyMayFail bool      // there are values of K that are no good as keys
	schema     string    // what the folder and exports say is in them
	closed     chan struct{}

	// saving is held (full) while a snapshot or an export reads the store.
	// It is taken before mu. With it goes the folder, nil without one.
	saving chan struct{}
	folder *persist.Folder

	mu       sync.Mutex // guards the fields below, and all entries and leases
	capacity int
	latest   instant // latest time seen: under mu, time never runs backwards
	position uint64  // counts uses and births, to tell their order
	table    *table[K, V]
	leases   agenda[*Lease[K, V]] // by when they end by themselves
	watched  int                  // waiters, and leases whose Done is in use
	fence    uint64               // newest handed out
	maxFence uint64               // newest that may be handed out
	cut      *cut[K, V]           // the one being read; nil = none
	cuts     uint64               // ever made
	closing  bool
	closeErr error // good once closed is closed
	stats    Stats // its counters
	busy     bool  // leave has more to do than to unlock

	removals   []removal[K, V] // not yet delivered, in order
	delivering bool            // a goroutine is at it

	lapse, sweep, save alarm
	swept              instant // last sweep
	changed            instant // first change that is in no snapshot; never = none
	changes            uint64  // ever made
	saved              uint64  // position as of the last snapshot
	snapshotting       bool    // one is being taken: when the next is due is told by its end
}

// New makes a store: it checks the options, and with a folder takes that into
// possession and restores the newest good snapshot. Until it has done so,
// nothing is written and nothing runs. Close it when done.
//
// Errors, besides those that say what is wrong with the options:
// [persist.ErrInUse], [persist.ErrForeign], [persist.ErrCorrupt] when no
// snapshot is good, [persist.ErrVersion], [persist.ErrCodecMismatch],
// [persist.ErrTypeMismatch], [ErrFull] when more entries are locked than the
// capacity holds, and those of the file system.
func New[K comparable, V any](o Options[K, V]) (*Store[K, V], error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	_, system := o.Clock.(clock.System)
	s := &Store[K, V]{
		o:          o,
		base:       o.Clock.Now(),
		system:     system,
		keyMayFail: keyMayFail(reflect.TypeFor[K]()),
		schema:     orDefault(o.Persist.Schema, reflect.TypeFor[K]().String()+" "+reflect.TypeFor[V]().String()),
		closed:     make(chan struct{}),
		saving:     make(chan struct{}, 1),
		capacity:   o.Capacity,
		table:      newTable[K, V](),
		maxFence:   ^uint64(0),
		changed:    never,
	}
	if y := s.base.Year(); y < 1970 || y >= 2150 {
		return nil, fmt.Errorf("store: the clock shows the year %d; it must be between 1970 and 2150", y)
	}
	s.lapse = alarm{at: never, ring: s.settle}
	s.sweep = alarm{at: never, ring: s.sweepAll}
	s.save = alarm{at: never, ring: s.saveIfChanged}
	if o.Persist.Dir != "" {
		if err := s.openFolder(); err != nil {
			return nil, err
		}
	}
	// Arms the alarms for what was restored.
	s.mu.Lock()
	s.busy = true
	s.leave()
	return s, nil
}

// openFolder restores what the folder holds. After an error the folder is free
// again, and as it was.
func (s *Store[K, V]) openFolder() (err error) {
	s.folder, err = persist.Open(s.o.Persist, s.o.Logger)
	if err != nil {
		return err
	}
	if err := s.restore(); err != nil {
		return errors.Join(err, s.folder.Release())
	}
	return nil
}

// Close takes a last snapshot of a store with a folder, if anything has
// changed, and ends the store: whoever waits in Lock gets ErrClosed, as does
// every later call. Leases stay on the entries in the snapshot. Close waits for
// the store's own work, not for an OnRemove that runs elsewhere, so that
// OnRemove may call it.
//
// An error is that of the last snapshot, and the folder then holds the one
// before. Calling Close again returns the same.
func (s *Store[K, V]) Close() error {
	s.mu.Lock()
	first := !s.closing
	if first {
		s.closing = true
		s.endAllLocked(ErrClosed)
	}
	s.unlock()
	if !first {
		<-s.closed
		s.deliver()
		return s.closeErr
	}
	s.saving <- struct{}{} // never given back
	if s.folder != nil {
		s.closeErr = s.closeFolder()
	}
	s.mu.Lock()
	s.table = newTable[K, V]()
	s.mu.Unlock()
	close(s.closed)
	s.deliver()
	return s.closeErr
}

// now reads the clock, which may be user code: never under mu, and once in an
// operation.
func (s *Store[K, V]) now() instant {
	if s.system {
		return instant(time.Since(s.base)) // the monotonic clock alone
	}
	return s.instant(s.o.Clock.Now())
}

// instant returns the instant of a reading of the clock.
func (s *Store[K, V]) instant(t time.Time) instant {
	return min(max(-lastInstant, instant(t.Sub(s.base))), lastInstant)
}

// begin begins an operation: it locks mu, unless the store is closed. tick tells
// the time of the operation, and leave ends it. A miss does without tick, and so
// spares the system's clock.
func (s *Store[K, V]) begin() error {
	var read instant
	if !s.system {
		read = s.now() // user code: not under mu
	}
	s.mu.Lock()
	if s.closing {
		s.mu.Unlock()
		return ErrClosed
	}
	if !s.system {
		s.seeLocked(read)
	}
	return nil
}

// tick returns the time of the operation, and settles the leases that are over
// by then.
func (s *Store[K, V]) tick() instant {
	if s.system {
		s.seeLocked(s.now())
	}
	if dead(s.latest, s.leases.next()) {
		s.settleLocked()
	}
	return s.latest
}

// seeLocked takes in a reading of the clock.
func (s *Store[K, V]) seeLocked(read instant) {
	s.latest = max(s.latest, read)
}

// enter is begin and tick in one.
func (s *Store[K, V]) enter() (instant, error) {
	if err := s.begin(); err != nil {
		return 0, err
	}
	return s.tick(), nil
}

// enterFor is enter for an operation on key, which it checks first.
func (s *Store[K, V]) enterFor(key K) (instant, error) {
	if err := s.checkKey(key); err != nil {
		return 0, err
	}
	return s.enter()
}

// leave ends an operation: it unlocks mu and then does what must be done outside
// it, moving the alarms and delivering the removals.
func (s *Store[K, V]) leave() {
	if !s.busy {
		s.mu.Unlock()
		return
	}
	deliver := len(s.removals) > 0
	s.unlock()
	if deliver {
		s.deliver()
	}
}

// unlock is leave for a caller who has saving: OnRemove may want to save too,
// and gets its removals when saving ends.
func (s *Store[K, V]) unlock() {
	s.busy = false
	moves := s.planLocked()
	s.mu.Unlock()
	for _, m := range moves {
		s.move(m)
	}
}

// touchLocked must come before every change to an entry: a snapshot being taken
// still gets to see it as it was.
func (s *Store[K, V]) touchLocked(e *entry[K, V]) {
	if s.cut != nil {
		s.cut.see(s.table, e)
	}
}

// useLocked notes a use of e, which is the latest now.
func (s *Store[K, V]) useLocked(e *entry[K, V], now instant) {
	s.touchLocked(e)
	s.position++
	e.used = s.position
	e.accessed = now
	if s.o.IdleTimeout != NoExpiry {
		s.changedLocked(now) // else the entry would idle out in the folder
	}
}

// changedLocked notes that there is something for the next snapshot to save.
func (s *Store[K, V]) changedLocked(now instant) {
	s.changes++
	if s.changed == never && s.folder != nil {
		s.changed = now
		s.busy = true
	}
}
