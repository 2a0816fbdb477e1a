package store

import (
	"fmt"

	"github.com/latchkey-go/latchkey/internal/usercode"
)

// weigh returns the weight of an entry. It may run user code: not under mu.
func (s *Store[K, V]) weigh(key K, value V) uint32 {
	if s.o.Weigher == nil {
		return 1
	}
	return s.o.Weigher(key, value)
}

// weighContained is weigh where there is no caller whose panic it would be.
func (s *Store[K, V]) weighContained(e *entry[K, V]) (weight uint32, err error) {
	if err := usercode.Contain(func() error {
		v := e.v.Load()
		weight = s.weigh(v.key, v.value)
		return nil
	}); err != nil {
		return 0, fmt.Errorf("store: the Weigher failed: %w", err)
	}
	return weight, nil
}

// evictBatch is the most entries that one operation evicts, or frees for their weight, under
// mu at a time, so that others get their turns.
const evictBatch = 64

// lightenLocked makes room for a write, of e, which is live, or of a new entry if e is
// nil: what is dead goes, and then the policy's victims, e itself aside. With errAgain it
// must be called again, after the batch if there is one; meanwhile one write at a time has
// what it has made so far reserved, or others might take it each time.
func (s *Store[K, V]) lightenLocked(e *entry[K, V], w *writing[K, V], now instant) (*batch[K, V], error) {
	if s.o.MaxWeight == 0 {
		return nil, nil
	}
	more := int64(w.weight)
	if e != nil {
		more -= int64(e.weight)
	}
	before := s.weightLocked()
	b, err := s.evictForLocked(e, w, more, now)
	w.lightened += before - s.weightLocked()
	switch {
	case err != errAgain:
		s.unreserveLocked(w)
	case w.reserves, s.reserved == 0:
		s.reserved = min(w.lightened, more)
		w.reserves = s.reserved > 0
	}
	return b, err
}

// unreserveLocked lets others have the room that a write has had reserved, if it has.
func (s *Store[K, V]) unreserveLocked(w *writing[K, V]) {
	w.lightened = 0
	if w.reserves {
		s.reserved, w.reserves = 0, false
	}
}

// evictForLocked is lightenLocked in a store that has a bound, for so much more. It is a
// function of its own as what is deferred in a loop makes each return dear.
func (s *Store[K, V]) evictForLocked(e *entry[K, V], w *writing[K, V], more int64, now instant) (*batch[K, V], error) {
	staying := int64(w.weight)
	if e != nil && e.lease != nil {
		staying = more // e is one of those that stay
	}
	bound := int64(s.o.MaxWeight) - more
	if !w.reserves {
		bound -= s.reserved
	}
	aside := e == nil || e.lease != nil
	for gone := 0; s.weightLocked() > bound; gone++ {
		if gone == evictBatch {
			return nil, errAgain
		}
		if freed, others := s.freeLocked(now, 1, sweepBatch); freed > 0 {
			continue
		} else if others {
			return nil, errAgain
		}
		fits := s.weightLocked()+more <= int64(s.o.MaxWeight)
		if !fits && int64(s.table.fixed)+staying > int64(s.o.MaxWeight) {
			return nil, ErrFull // before anything is evicted in vain
		}
		if !aside {
			s.table.unlocked.remove(e)
			defer s.table.unlocked.giveBack(e)
			aside = true
		}
		b, err := s.evictLocked(now)
		if err == ErrFull && fits {
			return nil, nil // there is nothing else to go
		}
		if err != nil {
			return b, err
		}
	}
	return nil, nil
}

// evictLocked decides to evict an entry in advance of a change that may come or not.
func (s *Store[K, V]) evictLocked(now instant) (*batch[K, V], error) {
	victim, b, err := s.victimLocked()
	if err != nil {
		return b, err
	}
	b, err = s.doLocked(change[K, V]{kind: changeRemove, at: now, e: victim, reason: ReasonEvicted})
	if b != nil {
		s.unled, s.busy = b, true
	}
	return nil, err
}

// weightLocked returns what the store will weigh once all that is pending has been done.
func (s *Store[K, V]) weightLocked() int64 { return int64(s.table.weight) + s.heavier }

// weightOf returns by how much a change makes the store heavier.
func (c *change[K, V]) weightOf() int64 {
	switch c.kind {
	case changeAdd:
		if c.victim != nil {
			return int64(c.e.weight) - int64(c.victim.weight)
		}
		return int64(c.e.weight)
	case changeOverwrite:
		return int64(c.weight) - int64(c.e.weight)
	case changeRemove:
		return -int64(c.e.weight)
	}
	return 0
}

// share is a part of a store's entries.
type share struct {
	n      int
	weight int64
}

func (x *share) add(weight uint32) {
	x.n++
	x.weight += int64(weight)
}

// excess returns what is too much of x, if anything, at a capacity.
func (s *Store[K, V]) excess(x share, capacity int) share {
	over := share{n: x.n - capacity}
	if s.o.MaxWeight != 0 {
		over.weight = x.weight - int64(s.o.MaxWeight)
	}
	return over
}
