package store

import (
	"fmt"
	"math"
)

// Reason tells why an entry, or a value, is gone.
type Reason int

// The reasons of a removal.
const (
	ReasonEvicted  Reason = 1 // for room
	ReasonExpired  Reason = 2 // by time
	ReasonDeleted  Reason = 3 // by Delete
	ReasonReplaced Reason = 4 // by a new value for the same key
	ReasonCleared  Reason = 5 // by Clear or Import
)

// String returns the reason in a word.
func (r Reason) String() string {
	switch r {
	case ReasonEvicted:
		return "Evicted"
	case ReasonExpired:
		return "Expired"
	case ReasonDeleted:
		return "Deleted"
	case ReasonReplaced:
		return "Replaced"
	case ReasonCleared:
		return "Cleared"
	}
	return fmt.Sprintf("Reason(%d)", int(r))
}

// Removal tells of a value that is gone from the store.
type Removal[K comparable, V any] struct {
	Key    K
	Value  V
	Reason Reason
}

// removal is a removal on its way to OnRemove, or many of them.
type removal[K comparable, V any] struct {
	Removal[K, V]
	data  *encoded             // Value is still to be decoded from it; nil = it is there
	slots pieces[*entry[K, V]] // of a table that was cleared; empty = just the one
	next  int                  // of those the first that is not yet delivered
}

// noteRemoval counts a removal and lists it for OnRemove.
func (s *Store[K, V]) noteRemoval(e *entry[K, V], reason Reason) {
	s.stats.count(reason, 1)
	if s.o.OnRemove != nil {
		s.listRemoval(removalOf(e, reason))
	}
}

func removalOf[K comparable, V any](e *entry[K, V], reason Reason) removal[K, V] {
	v := e.version()
	return removal[K, V]{Removal: Removal[K, V]{v.key, v.value, reason}, data: e.toDecode()}
}

// listRemoval lists a removal for OnRemove, which there is.
func (s *Store[K, V]) listRemoval(r removal[K, V]) {
	s.removals = append(s.removals, r)
	s.busy = true
}

// deliver tells the log the news and calls OnRemove for what is listed. One
// goroutine at a time does that, for all: it keeps the order and lets OnRemove
// call the store. A load leaves it to another one: OnRemove may ask for what that is
// about to bring.
func (s *Store[K, V]) deliver() {
	s.mu.Lock()
	news := s.news
	s.news = nil
	s.mu.Unlock()
	for _, tell := range news {
		tell()
	}
	s.mu.Lock()
	if s.delivering || len(s.removals) == 0 {
		s.mu.Unlock()
		return
	}
	s.delivering = true
	upTo := s.delivered + uint64(len(s.removals)) + mostForOthers
	s.mu.Unlock()
	if s.loads.storing.Load() > 0 {
		go s.deliverRemovals(math.MaxUint64)
		return
	}
	s.deliverRemovals(upTo)
}

// mostForOthers is how many events that others cause meanwhile one caller delivers: so many
// that as a rule all are delivered once all calls have returned.
const mostForOthers = 100_000

// deliverRemovals calls OnRemove for what is listed, until nothing is or so many ever were
// delivered; then a goroutine of its own goes on, as it does if OnRemove ends this one.
func (s *Store[K, V]) deliverRemovals(upTo uint64) {
	over := false
	defer func() {
		if !over {
			go s.deliverRemovals(math.MaxUint64)
		}
	}()
	for {
		var r removal[K, V]
		var ok bool
		if r, ok, over = s.nextRemoval(upTo); !ok {
			return
		}
		s.notify(r)
	}
}

// nextRemoval takes the first removal off the list. When there is none, the
// delivering is over, for others to begin again.
func (s *Store[K, V]) nextRemoval(upTo uint64) (r removal[K, V], ok, over bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.removals) > 0 {
		if s.delivered >= upTo {
			return r, false, false
		}
		first := &s.removals[0]
		if first.slots.n == 0 {
			r = *first
			s.dropRemoval()
			return r, true, false
		}
		for first.next < first.slots.n {
			e := *first.slots.at(first.next)
			first.next++
			if e != nil {
				return removalOf(e, first.Reason), true, false
			}
		}
		s.dropRemoval()
	}
	s.removals = nil
	s.delivering = false
	return r, false, true
}

func (s *Store[K, V]) dropRemoval() {
	s.removals[0] = removal[K, V]{}
	s.removals = s.removals[1:]
	s.delivered++
}

func (s *Store[K, V]) notify(r removal[K, V]) {
	r.Value, _ = s.decoded(r.Value, r.data)
	defer func() {
		if v := recover(); v != nil {
			logPanic(s.o.Logger, "OnRemove", v)
		}
	}()
	s.o.OnRemove(r.Removal)
}
