package redisstore

import (
	"context"
	"sync/atomic"
	"time"
)

// patience has contexts that end after Options.Timeout, or up to an eighth of it
// later: operations of about the same time share one, as each would cost a timer.
type patience struct {
	timeout time.Duration
	now     atomic.Pointer[shift]
}

// shift is the context of all operations that begin within some time.
type shift struct {
	ctx    context.Context
	cancel context.CancelFunc
}

// context returns one for an operation that begins now.
func (p *patience) context() context.Context {
	if s := p.now.Load(); s != nil {
		return s.ctx
	}
	next := &shift{}
	next.ctx, next.cancel = context.WithTimeout(context.Background(), p.timeout+p.timeout/8)
	if !p.now.CompareAndSwap(nil, next) {
		next.cancel() // somebody else was faster
		return p.context()
	}
	time.AfterFunc(p.timeout/8, func() { p.now.CompareAndSwap(next, nil) })
	return next.ctx // which ends by itself
}

// later is a context that ends after Options.Timeout, made when it is first waited
// for: what is answered at once needs none. One goroutine uses it.
type later struct {
	context.Context
	s       *core
	limited context.Context // nil = not made yet
	cancel  context.CancelFunc
}

func (l *later) limit() context.Context {
	if l.limited == nil {
		l.limited, l.cancel = l.s.limit(l.Context)
	}
	return l.limited
}

func (l *later) Done() <-chan struct{} { return l.limit().Done() }

func (l *later) Deadline() (time.Time, bool) { return l.limit().Deadline() }

func (l *later) Err() error {
	if l.limited == nil {
		return l.Context.Err()
	}
	return l.limited.Err()
}

func (l *later) release() {
	if l.limited != nil {
		l.cancel()
	}
}
