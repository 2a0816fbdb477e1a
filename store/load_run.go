package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/latchkey-go/latchkey/persist"
)

// ending is how a call of a user's load went.
type ending[K comparable, V any] struct {
	values   map[K]V
	err      error
	panicked *PanicError
	exited   bool // by runtime.Goexit
}

// catch is deferred around the call.
func (e *ending[K, V]) catch() {
	if !e.exited {
		return
	}
	if v := recover(); v != nil {
		e.panicked, e.exited = newPanicError(v), false
	}
}

// outcome returns what the ending means for a key.
func (e *ending[K, V]) outcome(key K) outcome[V] {
	if e.err != nil || e.panicked != nil || e.exited {
		return outcome[V]{err: e.err, panicked: e.panicked, exited: e.exited}
	}
	value, found := e.values[key]
	if !found {
		return outcome[V]{err: ErrNotFound}
	}
	return outcome[V]{value: value, has: true}
}

// run calls load for what a loading has promised, and keeps the promises, even if
// load ends the goroutine. A load that was overtaken, but that somebody still waits
// for, comes first: of two at once the one whose value is seen later could have read
// the source earlier.
func (s *Store[K, V]) run(l *loading[K, V], load bulk[K, V]) {
	end := &ending[K, V]{exited: true}
	defer s.conclude(l, end)
	for _, p := range l.after { // nobody else changes it now
		select {
		case <-p.done:
		case <-l.ctx.Done():
		}
	}
	if !s.loads.begin(l) {
		return
	}
	keys := s.stillMissing(l)
	if len(keys) == 0 || !s.loads.admit(l) {
		return
	}
	defer s.loads.running.Done()
	began := s.read().at
	defer func() { s.loads.took(time.Duration(s.read().at - began)) }()
	defer end.catch()
	end.values, end.err = load(l.ctx, keys)
	end.exited = false
}

// stillMissing returns the keys that have not come into the store between the miss
// and the promise, as one does that another load has just stored.
func (s *Store[K, V]) stillMissing(l *loading[K, V]) (keys []K) {
	for _, p := range l.promises {
		if l.seen == nil {
			if o := s.present(p.key); o != nil {
				s.loads.keep(p, *o, memory{})
				continue
			}
		}
		keys = append(keys, p.key)
	}
	return keys
}

// present returns what the store has for a key, or nil.
func (s *Store[K, V]) present(key K) *outcome[V] {
	defer s.storing()()
	if !s.Has(key) {
		return nil
	}
	return s.got(key)
}

// got returns what Get does, or nil for ErrNotFound.
func (s *Store[K, V]) got(key K) *outcome[V] {
	value, err := s.Get(key)
	if err == ErrNotFound {
		return nil
	}
	return &outcome[V]{value: value, has: err == nil, err: err}
}

// storing notes that a load uses the store, until the function returned is called:
// before those who wait for the load are told, or what they do next is no longer
// followed by the calls of OnRemove that belong to it.
func (s *Store[K, V]) storing() (done func()) {
	s.loads.storing.Add(1)
	return func() { s.loads.storing.Add(-1) }
}

// conclude keeps the promises of a loading that has ended.
func (s *Store[K, V]) conclude(l *loading[K, V], end *ending[K, V]) {
	defer s.loads.end(l)
	s.report(l, end, s.loads.returned(l, end))
	if len(l.promises) > 1 && s.o.Persist.Dir != "" && s.o.Persist.Sync == persist.Always {
		s.keepTogether(l, end)
		return
	}
	for _, p := range slices.Backward(l.promises) {
		defer s.keep(p, end)
	}
}

// keep stores what was loaded for a promise, unless it was overtaken, and keeps it.
func (s *Store[K, V]) keep(p *promise[K, V], end *ending[K, V]) {
	if !s.loads.open(p) {
		return
	}
	o := end.outcome(p.key)
	var m memory
	defer func() { s.loads.keep(p, o, m) }()
	defer s.storing()()
	if !o.has {
		m = s.memoryOf(p, o.err)
		return
	}
	s.storeLoaded(p, &o)
	if o.err != nil {
		s.logRefresh(p.of, o.err)
	}
	if o.err != nil || o.panicked != nil {
		m = s.memoryOf(p, nil)
	}
}

// storeLoaded stores what was loaded. If somebody was faster, o becomes what is in
// the store, unless that is nothing.
func (s *Store[K, V]) storeLoaded(p *promise[K, V], o *outcome[V]) {
	w, err := s.writingOf(p, o)
	if o.panicked != nil {
		return
	}
	if err == nil {
		err = s.carryOut(&w, func(e *entry[K, V]) error {
			if !s.loads.current(p) || !p.of.unchanged(e) {
				return errOvertaken
			}
			return nil
		})
	}
	switch err {
	case errOvertaken:
		if !s.loads.awaited(p) {
			return
		}
		if there := s.got(p.key); there != nil {
			*o = *there
		}
	case ErrLocked:
		*o = outcome[V]{err: err}
	default:
		o.err = err
	}
}

// writingOf makes the write of what was loaded ready. If the Weigher panics, it is as if
// the load had: there is no caller here.
func (s *Store[K, V]) writingOf(p *promise[K, V], o *outcome[V]) (w writing[K, V], err error) {
	defer func() {
		if v := recover(); v != nil {
			*o = outcome[V]{panicked: newPanicError(v)}
			s.report(p.of, &ending[K, V]{panicked: o.panicked}, s.loads.awaited(p))
		}
	}()
	return s.newWriting(p.key, o.value, keepTTL)
}

// errOvertaken says that what was loaded is not what the store should have.
var errOvertaken = errors.New("overtaken")

// unchanged reports whether a loading may put its value in the place of e, the live
// entry or nil. One that is refreshed must be what it was; if its time is over, or
// it has been evicted, the value is as good as any that is loaded then.
func (l *loading[K, V]) unchanged(e *entry[K, V]) bool {
	if e == nil {
		return true
	}
	return l.seen != nil && e.revision == l.seen.Revision && e.fence == l.seen.Fence
}

// report tells the log what those who wait are not told.
func (s *Store[K, V]) report(l *loading[K, V], end *ending[K, V], awaited bool) {
	switch {
	case end.panicked != nil && !awaited:
		s.o.Logger.Error("latchkey: panic contained", "in", "a load",
			"type", fmt.Sprintf("%T", end.panicked.Value), "stack", end.panicked.Stack)
	case end.err != nil:
		s.logRefresh(l, end.err)
	}
}

// logRefresh tells the log of a refresh that has failed. The error's text, which may
// hold a key, is left out.
func (s *Store[K, V]) logRefresh(l *loading[K, V], err error) {
	if l.seen == nil || err == ErrLocked || err == ErrClosed || context.Cause(l.ctx) == ErrClosed {
		return
	}
	s.o.Logger.Error("latchkey: a value could not be refreshed; the old one stays until it expires", "type", types(err))
}

// types returns the types of an error and of those that it wraps.
func types(err error) string {
	var names []string
	for ; err != nil; err = errors.Unwrap(err) {
		names = append(names, fmt.Sprintf("%T", err))
	}
	return strings.Join(names, ": ")
}
