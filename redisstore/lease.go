package redisstore

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/redis/rueidis"

	"github.com/latchkey-go/latchkey/store"
)

// lease is the hold of one holder on an entry. The server alone knows whether it is
// over; what is here is for Deadline and Done.
type lease[K comparable, V any] struct {
	s     *Store[K, V]
	key   K
	name  string
	fence uint64
	token string // the fence for the scripts

	mu       sync.Mutex // guards the fields below
	deadline time.Time  // by the server's clock
	ends     time.Time  // by ours, at the latest; the entry's TTL counts
	released bool       // by its holder, here
	over     bool
	done     chan struct{} // closed when over; nil until somebody asks
	timer    *time.Timer   // with done
	watcher  *watcher      // with done
}

// newLease returns the lease that a script has answered with. It was asked before
// the server's time was taken, so that ours runs out first.
func (s *Store[K, V]) newLease(key K, name string, asked time.Time, message rueidis.RedisMessage) (*lease[K, V], error) {
	m, with, err := pair(message)
	if err != nil {
		return nil, err
	}
	now, err := with.AsInt64()
	if err != nil {
		return nil, fmt.Errorf("redisstore: a script returned no time: %w", err)
	}
	s.told(uint64(now))
	if s.o.NearCache > 0 {
		s.near.saw(name, m)
	}
	l := &lease[K, V]{s: s, key: key, name: name, fence: m.fence, token: number(m.fence)}
	l.set(m, uint64(now), asked)
	return l, nil
}

func (l *lease[K, V]) set(m meta, now uint64, asked time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	ends := m.lease
	if m.expires > 0 {
		ends = min(ends, m.expires)
	}
	l.deadline = instant(m.lease)
	l.ends = asked.Add(time.Duration(ends-now) * time.Microsecond)
	if l.timer != nil && !l.over {
		l.timer.Reset(time.Until(l.ends))
	}
}

// Key returns the key that is locked.
func (l *lease[K, V]) Key() K { return l.key }

// Fence returns the lease's number.
func (l *lease[K, V]) Fence() uint64 { return l.fence }

// Deadline returns when the lease ends, by the server's clock.
func (l *lease[K, V]) Deadline() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.deadline
}

// Done returns a channel that is closed when the lease is known to be over.
func (l *lease[K, V]) Done() <-chan struct{} {
	l.mu.Lock()
	if l.done != nil {
		defer l.mu.Unlock()
		return l.done
	}
	l.done = make(chan struct{})
	done := l.done
	if l.over {
		close(done)
		l.mu.Unlock()
		return done
	}
	l.timer = time.AfterFunc(time.Until(l.ends), l.lapse)
	l.watcher = &watcher{l.end}
	l.mu.Unlock()
	l.s.hub.watch(watch{l.name, l.fence}, l.watcher)
	select {
	case <-done: // meanwhile
		l.s.hub.unwatch(watch{l.name, l.fence}, l.watcher)
	default:
	}
	return done
}

// lapse ends the lease at its deadline, unless that has moved.
func (l *lease[K, V]) lapse() {
	l.mu.Lock()
	left := time.Until(l.ends)
	if left > 0 && !l.over {
		l.timer.Reset(left)
		l.mu.Unlock()
		return
	}
	l.mu.Unlock()
	l.end()
}

// end notes that the lease is over.
func (l *lease[K, V]) end() {
	l.mu.Lock()
	if l.over {
		l.mu.Unlock()
		return
	}
	l.over = true
	watcher := l.watcher
	if l.done != nil {
		close(l.done)
		l.timer.Stop()
	}
	l.mu.Unlock()
	if watcher != nil {
		l.s.hub.unwatch(watch{l.name, l.fence}, watcher)
	}
}

// lost ends the lease if err says so, and returns err.
func (l *lease[K, V]) lost(err error) error {
	if err == store.ErrLeaseLost {
		l.end()
	}
	return err
}

// Get returns the value. It counts as an access.
func (l *lease[K, V]) Get(ctx context.Context) (value V, err error) {
	if err := l.s.begin(ctx); err != nil {
		return value, err
	}
	_, text, err := l.s.access(ctx, l.name, l.token)
	if err != nil {
		return value, l.lost(err)
	}
	return l.s.decode(text)
}

// Set replaces the value.
func (l *lease[K, V]) Set(ctx context.Context, value V) error {
	return l.write(ctx, value, writing{ttl: keepTTL})
}

// SetWithTTL is Set with another TTL for the entry from now on.
func (l *lease[K, V]) SetWithTTL(ctx context.Context, value V, ttl time.Duration) error {
	text, err := ttlText(ttl)
	if err != nil {
		return err
	}
	return l.write(ctx, value, writing{ttl: text})
}

func (l *lease[K, V]) write(ctx context.Context, value V, w writing) (err error) {
	if err := l.s.begin(ctx); err != nil {
		return err
	}
	if w.value, err = l.s.encode(value); err != nil {
		return err
	}
	w.must = []string{"lease", l.token}
	_, err = l.s.put(ctx, l.name, w)
	return l.lost(err)
}

// Delete removes the entry and so ends the lease.
func (l *lease[K, V]) Delete(ctx context.Context) error {
	if err := l.s.begin(ctx); err != nil {
		return err
	}
	err := l.s.remove(ctx, l.name, l.token)
	if err == nil || applied(err) {
		l.release()
	}
	return l.lost(err)
}

// Extend moves the deadline to d from now.
func (l *lease[K, V]) Extend(ctx context.Context, d time.Duration) error {
	if err := l.s.begin(ctx); err != nil {
		return err
	}
	d, err := l.s.leaseTime(d)
	if err != nil {
		return err
	}
	asked := time.Now()
	m, now, err := l.s.timed(ctx, scriptExtend, l.name, l.token, number(micros(d)))
	if now != 0 {
		l.set(m, now, asked)
	}
	return l.lost(err)
}

// Unlock ends the lease.
func (l *lease[K, V]) Unlock(ctx context.Context) error {
	if err := l.s.begin(ctx); err != nil {
		return err
	}
	l.mu.Lock()
	released := l.released
	l.mu.Unlock()
	if released {
		return nil
	}
	_, err := l.s.run(ctx, scriptUnlock, l.name, l.token, l.s.channel)
	if err == nil {
		l.release()
	}
	return l.lost(err)
}

// release ends the lease by its holder.
func (l *lease[K, V]) release() {
	l.mu.Lock()
	l.released = true
	l.mu.Unlock()
	l.end()
}
