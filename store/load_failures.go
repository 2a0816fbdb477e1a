package store

import (
	"container/list"
	"time"
)

const (
	// maxFailures is how many errors of loads are remembered; the oldest goes.
	maxFailures = 1000
	// refreshPause is the time from a refresh that has failed to the next of
	// that key, if Options.ErrorTTL doesn't say.
	refreshPause = time.Second
)

// failure is a load that has failed, which is remembered until it is over.
type failure[K comparable] struct {
	key K
	memory
}

// memory is what to remember of a load. The zero memory is nothing.
type memory struct {
	until instant
	err   error // what those get who ask until then; nil = only refreshes are put off
}

// memoryOf returns what to remember of a load that has failed, or of which the value could
// not be stored: then failed, the error that it has ended with, is nil.
func (s *Store[K, V]) memoryOf(p *promise[K, V], failed error) (m memory) {
	told := s.o.ErrorTTL > 0 && failed != nil && !isContextError(failed)
	if !told && p.of.seen == nil {
		return memory{}
	}
	now, err := s.enter()
	if err != nil {
		return memory{}
	}
	s.leave()
	if told {
		m.err = failed
	}
	m.until = now.after(orDefault(s.o.ErrorTTL, refreshPause))
	return m
}

// rememberLocked remembers m in the place of what was remembered of the key.
func (t *loads[K, V]) rememberLocked(key K, m memory) {
	t.forgetLocked(t.failures[key])
	if m.until == 0 {
		return
	}
	if len(t.failures) == maxFailures {
		t.forgetLocked(t.order.Front())
	}
	if t.failures == nil {
		t.failures = make(map[K]*list.Element)
	}
	t.failures[key] = t.order.PushBack(&failure[K]{key, m})
	t.active.Add(1)
}

// forgetLocked forgets a failure; nil = there is none.
func (t *loads[K, V]) forgetLocked(at *list.Element) {
	if at != nil {
		delete(t.failures, t.order.Remove(at).(*failure[K]).key)
		t.active.Add(-1)
	}
}

// forgetOverLocked forgets what is over. All last equally long, so it comes first.
func (t *loads[K, V]) forgetOverLocked(now instant) {
	for at := t.order.Front(); at != nil && dead(now, at.Value.(*failure[K]).until); at = t.order.Front() {
		t.forgetLocked(at)
	}
}

// failureLocked returns what is remembered of a key, or nil.
func (t *loads[K, V]) failureLocked(key K, now instant) *failure[K] {
	t.forgetOverLocked(now)
	if at := t.failures[key]; at != nil {
		return at.Value.(*failure[K])
	}
	return nil
}

// brokenLocked returns a promise that was not kept, with the error that is to be
// told until it is over; nil = there is none.
func (t *loads[K, V]) brokenLocked(key K, now instant) *promise[K, V] {
	f := t.failureLocked(key, now)
	if f == nil || f.err == nil {
		return nil
	}
	p := &promise[K, V]{key: key, done: make(chan struct{}), kept: true}
	p.err = f.err
	close(p.done)
	return p
}
