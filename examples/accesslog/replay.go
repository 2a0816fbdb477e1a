package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/latchkey-go/latchkey/persist"
	"github.com/latchkey-go/latchkey/store"
)

// never keeps the store from freeing memory by itself as the years of the log go
// by: the replay says when.
const never = store.MaxDuration

var (
	errOtherLog  = errors.New("the folder of -dir was written for another log, or this one has changed")
	errOtherRun  = errors.New("the folder of -dir was written with another -key, -idle, -ttl or -capacity")
	errNoRequest = errors.New("no request to replay")
)

// replay lets the requests of a log come in again, by the clock of the log.
type replay struct {
	options
	in     *input
	store  *store.Store[Visitor, Session]
	clock  logClock // shows the latest time seen in the log
	report *report

	place Tally // where the folder says an earlier run has been
	run   Tally
	live  int
}

func newReplay(o options, in *input) (*replay, error) {
	r := &replay{options: o, in: in, report: newReport()}
	config := store.Options[Visitor, Session]{
		Capacity:      cmp.Or(o.capacity, store.MaxCapacity),
		IdleTimeout:   o.idle,
		SweepInterval: never,
		OnRemove:      r.removed,
		Clock:         &r.clock,
	}
	if o.dir != "" {
		config.Persist = persist.Config{
			Dir:   o.dir,
			Codec: persist.JSON{},
			// A snapshot in the background would tell of removals in between.
			MinJournal: 1 << 40,
			Schema:     fmt.Sprintf("accesslog key=%s idle=%s ttl=%s capacity=%d", o.key, o.idle, o.ttl, o.capacity),
		}
	}
	newest, err := newestSession(config)
	if errors.Is(err, persist.ErrTypeMismatch) {
		return nil, errOtherRun
	}
	if err != nil {
		return nil, err
	}
	r.clock.Set(newest.Last)
	if r.store, err = store.New(config); err != nil {
		return nil, err
	}
	r.resume(newest)
	return r, nil
}

// newestSession looks into the folder for the session that had the last
// request, without which nobody knows what time it is in there: the store must
// be opened at that time. Until it is known, no session may idle out.
func newestSession(config store.Options[Visitor, Session]) (newest Session, err error) {
	newest.Last = time.Unix(0, 0).UTC()
	if config.Persist.Dir == "" {
		return newest, nil
	}
	config.IdleTimeout, config.OnRemove, config.Clock = 0, nil, &logClock{now: newest.Last}
	s, err := store.New(config)
	if err != nil {
		return newest, err
	}
	for _, session := range s.All() {
		if session.Run.Requests > newest.Run.Requests {
			newest = session
		}
	}
	return newest, s.Close()
}

// resume goes on from where the run was with that session's last request.
func (r *replay) resume(newest Session) {
	if newest.Hits == 0 {
		return // a new folder, or none
	}
	r.live = r.store.Len()
	r.place, r.run = newest.Run, newest.Run
	r.run.Peak = max(r.run.Peak, r.live)
	// The request that was cut off may have had sessions expire already.
	r.run.Expired = r.run.Created - r.run.Evicted - r.live
	r.report.timeline.set(newest.Last, r.live)
}

// all replays every request that an earlier run has not.
func (r *replay) all() error {
	if err := r.in.each(r.serve); err != nil {
		return err
	}
	if r.in.requests < r.place.Requests {
		return errOtherLog
	}
	if r.in.requests == 0 {
		return errNoRequest
	}
	return nil
}

func (r *replay) serve(req request) error {
	switch n := r.in.requests; {
	case n < r.place.Requests:
		return nil
	case n == r.place.Requests && r.in.sum == r.place.Sum:
		return nil
	case n == r.place.Requests:
		return errOtherLog
	}
	if err := r.visit(req); err != nil {
		return err
	}
	if r.run.Requests-r.place.Requests == r.killAfter {
		return killMyself()
	}
	return nil
}

// killMyself ends the process as kill -9 does: nothing is closed or tidied up.
func killMyself() error {
	me, err := os.FindProcess(os.Getpid())
	if err == nil {
		err = me.Kill()
	}
	return err
}

// visit is the life of a session store in one function: what is dead goes,
// the visitor's session is found or made, and the store makes room for it.
func (r *replay) visit(req request) error {
	r.clock.ring()
	if req.Time.After(r.clock.Now()) {
		r.clock.Set(req.Time)
	}
	now := r.clock.Now()
	r.live = r.store.Len()
	r.report.buried(r.live)

	visitor := r.visitor(req)
	session, err := r.store.Get(visitor)
	isNew := errors.Is(err, store.ErrNotFound)
	if err != nil && !isNew {
		return err
	}
	r.run.Requests, r.run.Sum = r.in.requests, r.in.sum
	if isNew {
		r.run.Created++
		r.live++
		if r.capacity > 0 && r.live > r.capacity {
			r.run.Evicted++ // by the Set below, as one with it
		}
	}
	session = session.with(req, now, r.run)
	if err := r.store.SetWithTTL(visitor, session, r.limits.left(session)); err != nil {
		return err
	}
	r.run.Peak = max(r.run.Peak, r.live)
	r.report.request(now, isNew, r.live)
	return nil
}

func (r *replay) visitor(req request) Visitor {
	v := Visitor{Host: utf8Only(req.Host)}
	if r.key == keyAgent {
		v.Agent = utf8Only(req.Agent)
	}
	return v
}

// removed is told by the store what has gone, before the call returns that
// made it go.
func (r *replay) removed(gone store.Removal[Visitor, Session]) {
	switch gone.Reason {
	case store.ReasonExpired:
		r.run.Expired++
		r.report.expired(gone.Key, gone.Value, r.limits.end(gone.Value))
	case store.ReasonEvicted:
		r.live--
		r.report.evicted(gone.Key, gone.Value)
	}
}

// finish hands what is still alive to the report, and closes the store.
func (r *replay) finish() error {
	for visitor, session := range r.store.All() {
		r.report.survived(visitor, session)
	}
	return r.store.Close()
}

func (r *replay) summary() string {
	return fmt.Sprintf("requests=%d created=%d touched=%d expired=%d evicted=%d peak=%d live=%d malformed=%d",
		r.run.Requests, r.run.Created, r.run.Requests-r.run.Created, r.run.Expired, r.run.Evicted, r.run.Peak, r.live, r.in.malformed)
}
