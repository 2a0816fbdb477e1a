package store

import (
	"context"
	"time"

	"github.com/latchkey-go/latchkey/persist"
)

// importDurably has what was staged in a snapshot before anybody sees it, and the
// journal go on from there. The caller has saving.
func (s *Store[K, V]) importDurably(from staged[K, V]) error {
	barrier := &batch[K, V]{done: make(chan struct{})}
	barrier.led.Store(true)
	if err := s.raise(barrier); err != nil {
		return err
	}
	defer s.lift(barrier)
	if err := s.waitAll(); err != nil {
		return err
	}
	if err := s.folder.Prepare(); err != nil {
		return err
	}
	s.writing <- struct{}{}
	defer func() { <-s.writing }()
	now := s.readWall()
	s.mu.Lock()
	s.seeLocked(now)
	h := persist.Header{
		Taken:    time.Unix(0, now.wall).UTC(),
		Fence:    max(s.fence, from.fence),
		Capacity: uint64(s.capacity),
		Seq:      s.applied + 1, // stands for what no record has
	}
	wall, err := s.wall, s.fitLocked(from)
	s.mu.Unlock()
	if err != nil {
		return err
	}
	upTo, err := s.folder.Save(context.Background(), h, func(w *persist.Writer) error {
		return s.writeStaged(from.table, wall, w)
	})
	if err != nil {
		return err
	}
	err = s.folder.Restart(h.Seq)
	s.mu.Lock()
	defer s.unlock()
	if err != nil {
		s.breakLocked(err)
		return err
	}
	s.maxFence = upTo
	s.applied = h.Seq
	s.replaceByLocked(from)
	s.unwritten = nil // it was about what is no more
	return nil
}

// raise keeps everybody from deciding on changes until lift.
func (s *Store[K, V]) raise(barrier *batch[K, V]) error {
	return s.attempt(func(instant) (*batch[K, V], error) {
		switch {
		case s.readOnly != nil:
			return nil, s.readOnly
		case s.barrier != nil:
			return s.barrier, errAgain
		}
		s.barrier, s.importing = barrier, true
		return nil, nil
	})
}

func (s *Store[K, V]) lift(barrier *batch[K, V]) {
	s.mu.Lock()
	s.barrier, s.importing = nil, false
	for _, c := range s.unwritten {
		s.noteLocked(c)
	}
	s.unwritten = nil
	close(barrier.done)
	s.passOnWaylaidLocked()
	s.unlock()
}

// writeStaged writes a table that is not in use.
func (s *Store[K, V]) writeStaged(t *table[K, V], wall int64, w *persist.Writer) error {
	for i := range t.slots.n {
		e := *t.slots.at(i)
		if e == nil {
			continue
		}
		img := imageOf(e, s.o.IdleTimeout)
		r, err := s.snapshotRecord(&img, wall)
		if err == nil {
			err = w.Write(&r)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
