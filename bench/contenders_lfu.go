package main

import (
	"github.com/Yiling-J/theine-go"
	"github.com/dgraph-io/ristretto/v2"
	"github.com/maypok86/otter/v2"
)

// ottered is otter with a TTL, as its README sets it up.
type ottered[K key] struct {
	*otter.Cache[K, int]
	clock *otter.CoarseClock // nil = its default
}

func newOtter[K key](coarse bool) func(int) (cache[K], error) {
	return func(capacity int) (cache[K], error) {
		o := &otter.Options[K, int]{MaximumSize: capacity, ExpiryCalculator: otter.ExpiryWriting[K, int](ttl)}
		var clock *otter.CoarseClock
		if coarse {
			clock = otter.NewCoarseClock(resolution)
			o.Clock = clock
		}
		c, err := otter.New(o)
		return ottered[K]{c, clock}, err
	}
}

func (c ottered[K]) get(key K) (int, bool) { return c.GetIfPresent(key) }
func (c ottered[K]) set(key K, value int)  { c.Set(key, value) }
func (c ottered[K]) settle()               { c.CleanUp() }

func (c ottered[K]) close() {
	c.InvalidateAll()
	c.StopAllGoroutines()
	if c.clock != nil {
		c.clock.Stop()
	}
}

// theined is theine with a TTL.
type theined[K key] struct{ *theine.Cache[K, int] }

func newTheine[K key](capacity int) (cache[K], error) {
	c, err := theine.NewBuilder[K, int](int64(capacity)).Build()
	return theined[K]{c}, err
}

func (c theined[K]) get(key K) (int, bool) { return c.Get(key) }
func (c theined[K]) set(key K, value int)  { c.SetWithTTL(key, value, 1, ttl) }
func (c theined[K]) settle()               { c.Wait() }
func (c theined[K]) close()                { c.Close() }

// hashed is ristretto, which keeps hashes of keys in place of keys, and drops what
// is set while it has too much to do.
type hashed[K key] struct{ *ristretto.Cache[K, int] }

func newRistretto[K key](capacity int) (cache[K], error) {
	c, err := ristretto.NewCache(&ristretto.Config[K, int]{
		NumCounters: 10 * int64(capacity), MaxCost: int64(capacity), BufferItems: 64, IgnoreInternalCost: true,
	})
	return hashed[K]{c}, err
}

func (c hashed[K]) get(key K) (int, bool) { return c.Get(key) }
func (c hashed[K]) set(key K, value int)  { c.SetWithTTL(key, value, 1, ttl) }
func (c hashed[K]) settle()               { c.Wait() }
func (c hashed[K]) close()                { c.Close() }
