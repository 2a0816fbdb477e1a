package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/latchkey-go/latchkey/persist"
)

// record adds a change's record to the journal; wall is what to add to an instant
// for nanoseconds since 1970. The leader of the batch alone does so.
func (s *Store[K, V]) record(c *change[K, V], wall int64) {
	p := persist.Change{At: int64(c.at) + wall}
	if c.e != nil {
		p.Key = c.e.data.key
	}
	switch c.kind {
	case changeAdd:
		p.Kind = persist.ChangeSet
		p.Value, p.TTL, p.Revision = c.e.data.value, onDisk(c.e.ttl()), 1
		if c.victim != nil {
			// Last: a crash between the two may keep both, not lose both.
			s.journal.Add(&p)
			p = persist.Change{Kind: persist.ChangeEvict, At: p.At, Key: c.victim.data.key}
		}
	case changeOverwrite:
		p.Kind = persist.ChangeSet
		p.Value, p.TTL = c.data.value, onDisk(c.ttl)
		p.Revision, p.Accesses = c.revision, c.count
	case changeRemove:
		p.Kind = persist.ChangeDelete
		if c.reason == ReasonEvicted {
			p.Kind = persist.ChangeEvict
		}
	case changeLock, changeExtend:
		p.Kind = persist.ChangeLock
		p.Fence, p.Until = c.lease.fence, int64(c.until)+wall
	case changeUnlock:
		p.Kind = persist.ChangeUnlock
		p.Fence = c.lease.fence
	case changeClear:
		p.Kind = persist.ChangeClear
	case changeResize:
		p.Kind = persist.ChangeResize
		p.Capacity = c.count
	case changeAccess:
		p.Kind = persist.ChangeAccess
		p.Accesses = c.count
	case changeFreed:
		p.Kind = persist.ChangeExpire
	}
	c.seq = s.journal.Add(&p)
}

// onDisk returns a TTL as it is on disk.
func onDisk(ttl time.Duration) int64 {
	if ttl == NoExpiry {
		return 0
	}
	return int64(ttl)
}

// The first and the longest time between two tries to write to a disk that fails.
const (
	firstRetry = time.Second
	lastRetry  = 30 * time.Second
)

// breakLocked makes the store read-only, as its disk fails. Batches on their way
// are told by the journal.
func (s *Store[K, V]) breakLocked(err error) {
	if s.readOnly != nil {
		return
	}
	s.readOnly = fmt.Errorf("%w until its disk works again: %w", ErrReadOnly, err)
	s.news = append(s.news, func() {
		s.o.Logger.Error("latchkey: the journal can't be written; the store is read-only until it can", "error", err)
	})
	s.unsynced = never
	s.retryWait, s.retryDue = firstRetry, s.latest.after(firstRetry)
	s.busy = true
	if b := s.open; b != nil {
		s.open = nil
		b.err = s.readOnly
		s.giveUpLocked(b)
		close(b.done)
	}
}

// turn has the journal go on in a new segment, so that a snapshot taken now can
// take the place of those before. It reports whether the journal is broken: then
// it goes on there only after the snapshot.
func (s *Store[K, V]) turn() (broken bool, err error) {
	if err := s.folder.Prepare(); err != nil {
		return false, err
	}
	if broken, err = s.exchange(); broken || err != nil {
		return broken, err
	}
	return false, s.syncJournal() // what is behind is not waited for by others
}

func (s *Store[K, V]) exchange() (broken bool, err error) {
	s.writing <- struct{}{}
	defer func() { <-s.writing }()
	s.mu.Lock()
	defer s.unlock()
	if s.readOnly != nil {
		return true, nil
	}
	if s.direct {
		err = s.folder.Exchange()
	} else {
		s.mu.Unlock()
		err = s.folder.Exchange()
		s.mu.Lock()
	}
	if err != nil {
		s.breakLocked(err)
	}
	return false, err
}

// goOn has a journal that was broken go on behind a snapshot, and ends the
// store's being read-only.
func (s *Store[K, V]) goOn(after uint64) error {
	s.writing <- struct{}{}
	defer func() { <-s.writing }()
	if err := s.folder.Restart(after); err != nil {
		return err
	}
	s.mu.Lock()
	s.readOnly, s.restarting, s.retryDue = nil, false, never
	if b := s.open; b != nil && s.direct {
		s.open = nil
		for _, c := range b.changes {
			s.noteLocked(c)
		}
		close(b.done)
	} else if b != nil {
		s.unsyncedLocked()
	}
	s.unlock()
	s.o.Logger.Info("latchkey: the disk works again, and the store can be written to", "dir", s.o.Persist.Dir)
	return nil
}

// compact takes a snapshot because the journal has outgrown the last one.
func (s *Store[K, V]) compact() {
	err := s.snapshot(context.Background(), true)
	s.mu.Lock()
	s.compacting = false
	s.mu.Unlock()
	if err != nil && !errors.Is(err, ErrClosed) {
		s.journal.Postpone()
		s.o.Logger.Error("latchkey: the journal could not be compacted into a snapshot, and goes on growing", "error", err)
	}
}

// tryAgain is what a store that is read-only does from time to time.
func (s *Store[K, V]) tryAgain() {
	err := s.snapshot(context.Background(), true)
	if err != nil && !errors.Is(err, ErrClosed) {
		s.o.Logger.Error("latchkey: the disk still fails; the store stays read-only", "error", err)
	}
}
