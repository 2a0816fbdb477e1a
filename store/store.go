package store

import (
	"errors"
	"fmt"
	"hash/maphash"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"github.com/latchkey-go/latchkey/internal/clock"
	"github.com/latchkey-go/latchkey/persist"
)

// Store keeps values of type V by keys of type K. [New] makes one; it is safe
// for concurrent use.
//
// Get, Set and the like cost one lookup, whatever the store's size. Most take a mutex, but
// as a rule Get does not, nor Set of a live entry; no user code ever runs under it.
type Store[K comparable, V any] struct {
	o          Options[K, V]
	base       time.Time     // instant 0
	system     bool          // the clock is the system's, or coarse
	coarse     *clock.Coarse // nil = it isn't that
	began      time.Duration // what coarse had elapsed at instant 0
	keyMayFail bool          // there are values of K that are no good as keys
	ownCodec   bool          // the codec makes new bytes each time
	codecs     codecs        // for what is written, and what was written by them
	contents   persist.Contents
	closed     chan struct{}
	seed       maphash.Seed
	quick      bool              // reads may go past mu
	quickSets  bool              // overwriting may, too
	uses       *[tallyParts]uses // past mu, for TinyLFU; nil = it has not to be told of them
	plain      *details[K, V]    // of all new entries; nil = each has its own

	// saving is held (full) while a snapshot or an export reads the store.
	// It is taken before mu. With it goes the folder, nil without one.
	saving chan struct{}
	folder *persist.Folder

	// writing is held while something is written to the journal, nil without
	// one. It is taken after saving and before mu.
	writing chan struct{}
	journal *persist.Journal
	direct  bool // to write to it takes no time worth mentioning: it is done under mu

	// reads is what Get, and Set, may look at without mu; nil = nothing now.
	reads   atomic.Pointer[index[K, V]]
	_       [96]byte // what is written often is in other cache lines than what all read
	tallies tallies
	unused  atomic.Pointer[version[K, V]] // made for a write that was refused; nil = none

	loads loads[K, V] // its mutex is taken after mu
	_     [64]byte

	waiting  atomic.Int32 // for mu, to begin an operation
	sweepers atomic.Int32 // who frees what is dead, over several turns
	mu       sync.Mutex   // guards the fields below, and all entries and leases
	capacity int
	room     int     // for entries that are added: the capacity, or a smaller one that a Resize is on its way to
	latest   instant // latest time seen: under mu, time never runs backwards
	wall     int64   // what to add to an instant for nanoseconds since 1970
	position uint64  // of the latest use or birth under mu, to tell their order
	table    *table[K, V]
	leases   agenda[*Lease[K, V]] // by when they end by themselves
	watched  int                  // waiters, and leases whose Done is in use
	fence    uint64               // newest handed out
	maxFence uint64               // newest that may be handed out
	cut      *cut[K, V]           // the one being read; nil = none
	closing  bool
	closeErr error  // good once closed is closed
	stats    Stats  // its counters
	quietFor uint64 // uses since the last insert that the policy was told of, or that were left out
	noted    []use  // room for those that it is told of at once
	busy     bool   // leave has more to do than to unlock

	open, flying *batch[K, V]       // the batch that takes changes in, and the one being written
	spare        []change[K, V]     // room for the next one
	coming       map[K]*batch[K, V] // keys that are to be added
	leaving      int                // entries that are to be removed
	pending      int                // changes that are to be made, accesses and the like aside
	heavier      int64              // by how much they will make the store so
	reserved     int64              // of MaxWeight for a write that is still evicting; 0 = there is none
	barrier      *batch[K, V]       // nothing is decided until it is over
	waylaid      []*entry[K, V]     // to be passed on to those who wait for them, once it is
	unled        *batch[K, V]       // needs somebody to lead it
	applied      uint64             // sequence number of the last change made
	unsynced     instant            // first change that may not be durable; never = none
	readOnly     error              // the journal is broken: what writers get
	restarting   bool               // a snapshot is being taken to mend that
	importing    bool               // another content is about to take the place of this one
	unwritten    []change[K, V]     // noted meanwhile, for the case that it does not
	retryDue     instant            // when to try the next one; never = not
	retryWait    time.Duration      // since the last try
	compacting   bool

	removals   []removal[K, V] // not yet delivered, in order
	delivering bool            // a goroutine is at it
	delivered  uint64          // ever taken off the list
	news       []func()        // for the log, to be called outside mu

	lapse, sweep, save alarm
	sync, retry        alarm
	swept              instant // last sweep
	changed            instant // first change that is in no snapshot; never = none
	changes            uint64  // ever made
	saved              uint64  // position as of the last snapshot
	savedHits          uint64  // hits then
	snapshotting       bool    // one is being taken: when the next is due is told by its end
}

// New makes a store: it checks the options, and with a folder takes that into
// possession and restores what is in it. Until it has done so, nothing is written
// and nothing runs. Close it when done.
//
// Errors, besides those that say what is wrong with the options:
// [persist.ErrInUse], [persist.ErrForeign], [persist.ErrCorrupt] when no
// snapshot is good or the journal is damaged, [persist.ErrVersion], [persist.ErrCodecMismatch],
// [persist.ErrTypeMismatch], [ErrFull] when more entries are locked than the
// capacity holds, the codec's, and those of the file system. Those about what the
// folder holds name it.
func New[K comparable, V any](o Options[K, V]) (*Store[K, V], error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	_, system := o.Clock.(clock.System)
	coarse, _ := o.Clock.(*clock.Coarse)
	if coarse != nil { // one of its own, which stops with it, and is in the same bubble of synctest
		coarse = clock.NewCoarse(coarse.Resolution)
		o.Clock = coarse
	}
	s := &Store[K, V]{
		o:          o,
		base:       o.Clock.Now(),
		system:     system || coarse != nil,
		coarse:     coarse,
		keyMayFail: keyMayFail(reflect.TypeFor[K]()),
		ownCodec:   ownCodec(o.Persist.Codec),
		closed:     make(chan struct{}),
		saving:     make(chan struct{}, 1),
		capacity:   o.Capacity,
		room:       o.Capacity,
		seed:       maphash.MakeSeed(),
		maxFence:   ^uint64(0),
		changed:    never,
		unsynced:   never,
		retryDue:   never,
	}
	s.leases.place = func(l *Lease[K, V]) *int32 { return &l.index }
	if coarse != nil {
		s.began = coarse.ElapsedAt(s.base)
	}
	if o.Persist.Dir == "" && o.Weigher == nil {
		s.plain = &details[K, V]{weight: 1, shared: true}
	}
	s.table = s.newTable(s.capacity)
	if y := s.base.Year(); y < 1970 || y >= 2150 {
		return nil, fmt.Errorf("store: the clock shows the year %d; it must be between 1970 and 2150", y)
	}
	if err := s.describe(); err != nil {
		return nil, err
	}
	s.lapse = alarm{at: never, ring: s.settle}
	s.sweep = alarm{at: never, ring: s.sweepAll}
	s.save = alarm{at: never, ring: s.saveIfChanged}
	s.sync = alarm{at: never, ring: s.syncSoon}
	s.retry = alarm{at: never, ring: s.tryAgain}
	if o.Persist.Dir != "" {
		if err := s.openFolder(); err != nil {
			return nil, err
		}
	}
	// Arms the alarms for what was restored.
	s.mu.Lock()
	s.quick = s.mayBeQuick()
	s.quickSets = s.mayOverwriteQuickly()
	if s.quick && o.Policy == TinyLFU {
		s.uses = new([tallyParts]uses)
	}
	s.openReadsLocked()
	s.busy = true
	s.leave()
	return s, nil
}

// openFolder restores what the folder holds. After an error the folder is free
// again, and as it was.
func (s *Store[K, V]) openFolder() (err error) {
	s.folder, err = persist.Open(s.o.Persist, s.contents, s.o.Logger)
	if err != nil {
		return err
	}
	if err := s.restore(); err != nil {
		s.mu.Lock()
		s.closing = true
		s.unlock() // takes the alarms back
		if released := s.folder.Release(); released != nil {
			return errors.Join(err, released)
		}
		return err
	}
	return nil
}

// Close takes a last snapshot of a store with a folder, if anything has
// changed, and ends the store: whoever waits in Lock gets ErrClosed, as does
// every later call. Leases stay on the entries in the snapshot. Close waits for
// the store's own work, and for loads to see that they are cancelled, not for an
// OnRemove that runs elsewhere, so that OnRemove may call it.
//
// An error is that of the last snapshot or the journal, and the folder then holds
// what it held before. Calling Close again returns the same.
func (s *Store[K, V]) Close() error {
	s.mu.Lock()
	first := !s.closing
	if first {
		s.closing = true
		s.openReadsLocked()
		s.endAllLocked(ErrClosed)
	}
	s.unlock()
	if !first {
		<-s.closed
		s.deliver()
		return s.closeErr
	}
	s.loads.close()
	s.saving <- struct{}{} // never given back
	if s.folder != nil {
		s.closeErr = s.closeFolder()
	}
	s.mu.Lock()
	s.table = s.newTable(s.capacity)
	s.mu.Unlock()
	if s.coarse != nil {
		s.coarse.Stop()
	}
	close(s.closed)
	s.deliver()
	return s.closeErr
}

func (s *Store[K, V]) hash(key K) uint32 { return uint32(maphash.Comparable(s.seed, key)) }

// begin begins an operation: it locks mu, unless the store is closed. tick tells
// the time of the operation, and leave ends it. A miss does without tick, and so
// spares the system's clock.
func (s *Store[K, V]) begin(read reading) error {
	if !s.system {
		read = s.orRead(read) // user code: not under mu
	}
	if err := s.lockOpen(); err != nil {
		return err
	}
	if !s.system {
		s.seeLocked(read)
	}
	return nil
}

// lockOpen locks mu, unless the store is closed.
func (s *Store[K, V]) lockOpen() error {
	if !s.mu.TryLock() {
		s.waiting.Add(1)
		s.mu.Lock()
		s.waiting.Add(-1)
	}
	return s.stayIfOpen()
}

// stayIfOpen unlocks mu if the store is closed.
func (s *Store[K, V]) stayIfOpen() error {
	if s.closing {
		s.mu.Unlock()
		return ErrClosed
	}
	return nil
}

// tick returns the time of the operation, which may have read the clock before.
func (s *Store[K, V]) tick(read reading) instant {
	if s.system {
		s.seeLocked(s.orRead(read))
	}
	s.settleDueLocked()
	return s.latest
}

// seeLocked takes in a reading of the clock.
func (s *Store[K, V]) seeLocked(now reading) {
	s.latest = max(s.latest, now.at)
	if now.wall != 0 {
		s.wall = now.wall - int64(s.latest)
	}
}

// settleDueLocked settles the leases that are over.
func (s *Store[K, V]) settleDueLocked() {
	if dead(s.latest, s.leases.next()) {
		s.settleLocked()
	}
}

// enter is begin and tick in one, for what needs the time anyway.
func (s *Store[K, V]) enter() (instant, error) { return s.enterAt(s.read()) }

// enterAt is enter with a reading of the clock. What is done by it may come before what
// another does by a later one.
func (s *Store[K, V]) enterAt(now reading) (instant, error) {
	if err := s.lockOpen(); err != nil {
		return 0, err
	}
	return s.enteredLocked(now), nil
}

// enterGently is enter for what goes on in the background.
func (s *Store[K, V]) enterGently() (instant, error) {
	now := s.read()
	s.lockGently()
	if err := s.stayIfOpen(); err != nil {
		return 0, err
	}
	return s.enteredLocked(now), nil
}

func (s *Store[K, V]) enteredLocked(now reading) instant {
	s.seeLocked(now)
	s.settleDueLocked()
	return s.latest
}

// enterFor is enter for an operation on key, which it checks first.
func (s *Store[K, V]) enterFor(key K) (instant, error) {
	if err := s.checkKey(key); err != nil {
		return 0, err
	}
	return s.enter()
}

// leave ends an operation: it unlocks mu and then does what must be done outside
// it: moving the alarms, and delivering the removals and what is for the log.
func (s *Store[K, V]) leave() {
	if !s.busy {
		s.mu.Unlock()
		return
	}
	deliver := len(s.removals)+len(s.news) > 0
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
	unled := s.unled
	s.unled = nil
	s.mu.Unlock()
	for _, m := range moves {
		s.move(m)
	}
	if unled != nil {
		go func() {
			_ = s.wait(unled) // who is in it is told
			s.deliver()
		}()
	}
}

// touchLocked must come before every change to an entry: a snapshot being taken
// still gets to see it as it was.
func (s *Store[K, V]) touchLocked(e *entry[K, V]) {
	if s.cut != nil {
		s.cut.see(s.table, e)
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
