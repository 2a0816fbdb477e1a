package scsstore

import "sync"

// rememberEnded is how many of the sessions that were ended last a Store knows.
const rememberEnded = 10_000

// lately is a set of the keys that were added last. It is what has a session stay
// ended when a request that has read it before commits without holding it: nobody
// but the Store could tell its token from a new one.
type lately struct {
	mu   sync.Mutex // guards the fields below
	keys map[string]struct{}
	ring []string // the same, oldest at next
	next int
}

func newLately(n int) *lately {
	return &lately{keys: map[string]struct{}{}, ring: make([]string, n)}
}

func (l *lately) add(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, ok := l.keys[key]; ok {
		return
	}
	delete(l.keys, l.ring[l.next])
	l.keys[key] = struct{}{}
	l.ring[l.next] = key
	l.next = (l.next + 1) % len(l.ring)
}

func (l *lately) has(key string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, ok := l.keys[key]
	return ok
}
