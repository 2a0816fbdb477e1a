package main

import (
	"time"

	"github.com/latchkey-go/latchkey/store"
)

// key is what entries are looked up by: the two kinds that are measured, which all
// caches take.
type key interface{ string | int }

// cache is what all contenders can do.
type cache[K key] interface {
	get(key K) (value int, found bool)
	set(key K, value int)
	settle() // returns when all that was set can be read
	close()
}

// contender is a cache to be made, of a capacity.
type contender[K key] struct {
	name    string
	ours    bool // the others are compared with it
	endless bool // it knows no capacity, and evicts nothing
	open    func(capacity int) (cache[K], error)
}

// Where a cache knows of time, entries live for this long: none expires while it
// is measured, but all are checked.
const ttl = time.Hour

// resolution is that of the coarse clocks.
const resolution = 10 * time.Millisecond

// contenders lists all of them, ours first.
func contenders[K key]() []contender[K] {
	return []contender[K]{
		{name: "latchkey TinyLFU", ours: true, open: newStore[K](store.TinyLFU, nil)},
		{name: "latchkey TinyLFU, coarse clock", ours: true, open: newStore[K](store.TinyLFU, store.CoarseClock(resolution))},
		{name: "latchkey LRU", ours: true, open: newStore[K](store.LRU, nil)},
		{name: "otter", open: newOtter[K](false)},
		{name: "otter, coarse clock", open: newOtter[K](true)},
		{name: "theine", open: newTheine[K]},
		{name: "ristretto (keeps no keys)", open: newRistretto[K]},
		{name: "golang-lru expirable", open: newExpirable[K]},
		{name: "golang-lru (no TTL)", open: newLRU[K]},
		{name: "ttlcache", open: newTTLCache[K]},
		{name: "go-cache (no capacity)", endless: true, open: newGoCache[K]},
		{name: "sync.Map + mutex (no TTL, no capacity)", endless: true, open: newSyncMap[K]},
	}
}

// named keeps the contenders of these names, in that order.
func named[K key](names ...string) (list []contender[K]) {
	for _, name := range names {
		for _, c := range contenders[K]() {
			if c.name == name {
				list = append(list, c)
			}
		}
	}
	return list
}

// stored is a store of this module: TTL, idle timeout and metadata on.
type stored[K key] struct{ s *store.Store[K, int] }

func newStore[K key](policy store.Policy, clock store.Clock) func(int) (cache[K], error) {
	return func(capacity int) (cache[K], error) {
		s, err := store.New(store.Options[K, int]{Capacity: capacity, Policy: policy, TTL: ttl, IdleTimeout: ttl, Clock: clock})
		return stored[K]{s}, err
	}
}

func (c stored[K]) get(key K) (int, bool) {
	value, err := c.s.Get(key)
	return value, err == nil
}

func (c stored[K]) set(key K, value int) { must(c.s.Set(key, value)) }

func (c stored[K]) settle() {}

func (c stored[K]) close() { must(c.s.Close()) }

// must panics where a cache fails that has no reason to: its figures would be worth
// nothing.
func must(err error) {
	if err != nil {
		panic(err)
	}
}
