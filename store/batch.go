package store

import (
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/latchkey-go/latchkey/persist"
)

// batch is the changes that go to the journal in one write. The first to wait for
// it leads: it writes for all. So one who is alone waits for nobody, and those who
// come while another batch is on its way share the next one.
type batch[K comparable, V any] struct {
	changes []change[K, V] // mu guards them until the batch leaves
	led     atomic.Bool    // somebody leads it
	done    chan struct{}  // closed when it is over
	err     error          // good once done is closed
}

// landBatch is how many changes are made under mu at a time.
const landBatch = 16

// errAgain says that an operation must be tried again: after the batch it comes
// with, if it does.
var errAgain = errors.New("again")

// attempt does an operation: f, under mu, decides what is to be changed and
// returns the batch that has it, or errAgain with the batch that is in its way.
func (s *Store[K, V]) attempt(f func(now instant) (*batch[K, V], error)) error {
	return s.attemptAt(s.read(), f)
}

// attemptAt is attempt with the reading of the clock that the operation has begun with.
func (s *Store[K, V]) attemptAt(read reading, f func(now instant) (*batch[K, V], error)) error {
	for ; ; read = s.read() {
		now, err := s.enterAt(read)
		if err != nil {
			return err
		}
		b, err := f(now)
		s.leave()
		if b != nil {
			fate := s.wait(b)
			s.deliver()
			if err == nil {
				return fate
			}
		}
		if err != errAgain {
			return err
		}
		if b == nil && s.waiting.Load() > 0 { // else it costs more than a turn
			runtime.Gosched()
		}
	}
}

// openBatchLocked returns the batch that takes changes in.
func (s *Store[K, V]) openBatchLocked() *batch[K, V] {
	if s.open == nil {
		s.open = &batch[K, V]{changes: s.spare, done: make(chan struct{})}
		s.spare = nil
	}
	return s.open
}

// wait returns once b is over, and has it written if nobody else does. What that
// has to tell is left to deliver: the caller may have saving.
func (s *Store[K, V]) wait(b *batch[K, V]) error {
	if b.led.CompareAndSwap(false, true) {
		s.lead(b)
	}
	<-b.done
	return b.err
}

// waitAll waits for all changes that have been decided by now. It returns what
// has become of the latest.
func (s *Store[K, V]) waitAll() error {
	s.mu.Lock()
	b := s.lastBatchLocked()
	s.mu.Unlock()
	if b == nil {
		return nil
	}
	return s.wait(b)
}

// lastBatchLocked returns the batch after which all changes decided by now are over, nil if
// they are.
func (s *Store[K, V]) lastBatchLocked() *batch[K, V] {
	if s.open != nil {
		return s.open
	}
	return s.flying
}

// busyWriting reports whether there are changes to be written.
func (s *Store[K, V]) busyWriting() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.open != nil || s.flying != nil
}

// lead writes b to the journal and makes its changes, in order.
func (s *Store[K, V]) lead(b *batch[K, V]) {
	s.writing <- struct{}{}
	s.gather()
	s.mu.Lock()
	if s.open != b { // it was given up meanwhile
		s.mu.Unlock()
		<-s.writing
		return
	}
	s.open, s.flying = nil, b
	wall := s.wall
	s.mu.Unlock()
	for i := range b.changes {
		s.record(&b.changes[i], wall)
	}
	err := s.journal.Write(s.o.Persist.Sync == persist.Always)
	if atRest := s.land(b, err); atRest {
		s.mark()
	}
	<-s.writing
	// Or those who have waited for b might find the next one in their way, each time.
	runtime.Gosched()
}

// gather lets others come into the open batch who are about to: those whom the batch before
// has woken up above all. Those who wait for nobody, as reads, may go on coming for ever.
func (s *Store[K, V]) gather() {
	for seen := 0; ; {
		s.mu.Lock()
		n := s.pending // all of them are in it: none is on its way
		s.mu.Unlock()
		if n == seen {
			return
		}
		seen = n
		runtime.Gosched()
	}
}

// land makes the changes of a batch that has been written, or gives them up. It
// reports whether no more are to be written.
func (s *Store[K, V]) land(b *batch[K, V], err error) (atRest bool) {
	s.mu.Lock()
	if err != nil {
		b.err = fmt.Errorf("%w: %w", errUnknown, err)
		s.breakLocked(err)
		s.giveUpLocked(b)
	} else {
		for i := range b.changes {
			if i%landBatch == landBatch-1 {
				s.mu.Unlock() // others get a turn
				s.mu.Lock()
			}
			c := &b.changes[i]
			s.unmarkLocked(c)
			s.makeLocked(c)
			s.passOnWaylaidLocked()
			s.writtenLocked(c.seq)
		}
	}
	s.flying = nil
	if cap(b.changes) <= maxSpare {
		clear(b.changes)
		s.spare = b.changes[:0]
	}
	b.changes = nil
	close(b.done)
	atRest = err == nil && s.open == nil
	s.unlock()
	return atRest
}

// mark has a journal that has come to rest say what is durable. The caller has
// writing.
func (s *Store[K, V]) mark() {
	var err error
	if !s.direct {
		err = s.journal.Mark()
	}
	s.mu.Lock()
	defer s.unlock()
	if s.direct {
		err = s.journal.Mark()
	}
	if err != nil {
		s.breakLocked(err)
	}
}

// writtenLocked notes that the change with the number given, which is in the
// journal, has been made.
func (s *Store[K, V]) writtenLocked(seq uint64) {
	s.applied = seq
	if s.o.Persist.Sync != persist.Always {
		s.unsyncedLocked()
	}
	if s.journal.Outgrown() && !s.compacting {
		s.compacting = true
		go s.compact()
	}
}

// maxSpare is the most changes that room is kept for.
const maxSpare = 1024

// giveUpLocked gives up the changes of a batch, whose err tells why.
func (s *Store[K, V]) giveUpLocked(b *batch[K, V]) {
	for i := range b.changes {
		c := &b.changes[i]
		s.unmarkLocked(c)
		if c.kind != changeLock {
			continue
		}
		if c.waiter != nil {
			s.serveLocked(c.waiter, nil, b.err)
		}
		if c.e.lease != nil { // it was to be passed on
			s.passOnLocked(c.e)
		}
	}
	s.passOnWaylaidLocked()
}

// unsyncedLocked has the journal synced soon.
func (s *Store[K, V]) unsyncedLocked() {
	if s.unsynced == never {
		s.unsynced = s.latest
		s.busy = true
	}
}

// syncInterval is how long a change may wait to be durable when nobody waits for
// that.
const syncInterval = time.Second

// syncJournal makes all changes durable that have been decided by now. What there
// is to tell is left to deliver.
func (s *Store[K, V]) syncJournal() error {
	if err := s.waitAll(); err != nil {
		return err
	}
	now := s.readWall()
	s.mu.Lock()
	s.seeLocked(now)
	s.unsynced, s.busy = never, true
	s.unlock()
	if err := s.journal.Sync(); err != nil {
		s.mu.Lock()
		defer s.unlock()
		s.breakLocked(err)
		return s.readOnly
	}
	select {
	case s.writing <- struct{}{}:
		s.mark()
		<-s.writing
	default: // what is being written says it too
	}
	return nil
}
