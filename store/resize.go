package store

// Resize changes the capacity, evicting what is too much, and returns how many
// entries it evicted; dead ones, which go first, don't count. Others use the
// store meanwhile, but what they add takes no room that was made. It evicts a few at a
// time, and with persist.Always syncs the disk each time. A store that is opened again
// has the capacity of its options.
//
// Errors: a capacity below 1 or above [MaxCapacity]; [ErrFull] if more entries
// are locked than are to stay, which leaves the capacity as it was;
// [ErrReadOnly], [ErrClosed], and in a store with a journal those of the disk.
func (s *Store[K, V]) Resize(capacity int) (evicted int, err error) {
	if err := checkCapacity(capacity, 1); err != nil {
		return 0, err
	}
	for {
		n, done := 0, false
		err := s.attempt(func(now instant) (b *batch[K, V], err error) {
			n, done, b, err = s.resizeLocked(capacity, now)
			return b, err
		})
		evicted += n
		if err != nil {
			s.mu.Lock()
			s.room = s.capacity
			s.mu.Unlock()
			return evicted, err
		}
		if done {
			return evicted, nil
		}
	}
}

// resizeLocked decides on a batch of Resize.
func (s *Store[K, V]) resizeLocked(capacity int, now instant) (evicted int, done bool, b *batch[K, V], err error) {
	if s.barrier != nil {
		return 0, false, s.barrier, errAgain
	}
	if len(s.table.locked) > capacity {
		return 0, false, nil, ErrFull
	}
	s.room = min(s.capacity, capacity) // or those who add could do so faster than this evicts
	excess := s.table.len() + len(s.coming) - s.leaving - capacity
	if excess > 0 {
		freed, more := s.freeLocked(now, excess, sweepBatch)
		if more {
			return 0, false, nil, nil
		}
		excess -= freed
	}
	for ; excess > 0 && evicted < sweepBatch; excess-- {
		victim, in, err := s.victimLocked()
		if err != nil {
			if evicted > 0 {
				break
			}
			return 0, false, in, err
		}
		b, err = s.doLocked(change[K, V]{kind: changeRemove, at: now, e: victim, reason: ReasonEvicted})
		if err != nil {
			return evicted, false, nil, err
		}
		evicted++
	}
	if excess > 0 || s.capacity == capacity {
		return evicted, excess <= 0, b, nil
	}
	b, err = s.doLocked(change[K, V]{kind: changeResize, at: now, count: uint64(capacity)})
	return evicted, true, b, err
}
