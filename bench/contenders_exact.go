package main

import (
	"sync"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/hashicorp/golang-lru/v2/expirable"
	"github.com/jellydator/ttlcache/v3"
	gocache "github.com/patrickmn/go-cache"
)

// plainLRU is golang-lru, which knows nothing of time.
type plainLRU[K key] struct{ *lru.Cache[K, int] }

func newLRU[K key](capacity int) (cache[K], error) {
	c, err := lru.New[K, int](capacity)
	return plainLRU[K]{c}, err
}

func (c plainLRU[K]) get(key K) (int, bool) { return c.Get(key) }
func (c plainLRU[K]) set(key K, value int)  { c.Add(key, value) }
func (c plainLRU[K]) settle()               {}
func (c plainLRU[K]) close()                { c.Purge() }

// timedLRU is golang-lru's expirable. Its goroutine never ends, and keeps what is
// left of it: an empty list.
type timedLRU[K key] struct{ *expirable.LRU[K, int] }

func newExpirable[K key](capacity int) (cache[K], error) {
	return timedLRU[K]{expirable.NewLRU[K, int](capacity, nil, ttl)}, nil
}

func (c timedLRU[K]) get(key K) (int, bool) { return c.Get(key) }
func (c timedLRU[K]) set(key K, value int)  { c.Add(key, value) }
func (c timedLRU[K]) settle()               {}
func (c timedLRU[K]) close()                { c.Purge() }

// touching is ttlcache as it is by default: a read renews the TTL.
type touching[K key] struct{ *ttlcache.Cache[K, int] }

func newTTLCache[K key](capacity int) (cache[K], error) {
	return touching[K]{ttlcache.New(ttlcache.WithTTL[K, int](ttl), ttlcache.WithCapacity[K, int](uint64(capacity)))}, nil
}

func (c touching[K]) get(key K) (int, bool) {
	if item := c.Get(key); item != nil {
		return item.Value(), true
	}
	return 0, false
}

func (c touching[K]) set(key K, value int) { c.Set(key, value, ttlcache.DefaultTTL) }
func (c touching[K]) settle()              {}
func (c touching[K]) close()               {}

// mapped is go-cache, whose keys are strings: an int is turned into one of its bytes.
type mapped[K key] struct{ *gocache.Cache }

func newGoCache[K key](int) (cache[K], error) {
	return mapped[K]{gocache.New(ttl, 0)}, nil
}

func (c mapped[K]) get(key K) (int, bool) {
	value, found := c.Get(text(key))
	if !found {
		return 0, false
	}
	return value.(int), true
}

func (c mapped[K]) set(key K, value int) { c.Set(text(key), value, gocache.DefaultExpiration) }
func (c mapped[K]) settle()              {}
func (c mapped[K]) close()               { c.Flush() }

// text returns a key as a string: as it is, or the bytes of an int.
func text[K key](k K) string {
	if s, ok := any(k).(string); ok {
		return s
	}
	n := any(k).(int)
	return string([]byte{byte(n), byte(n >> 8), byte(n >> 16), byte(n >> 24), byte(n >> 32), byte(n >> 40), byte(n >> 48), byte(n >> 56)})
}

// floor is a map that many may read, and one at a time writes to: it knows neither
// time nor capacity, and shows what those cost.
type floor[K key] struct {
	mu      sync.Mutex // held while entries are written
	entries sync.Map
}

func newSyncMap[K key](int) (cache[K], error) { return new(floor[K]), nil }

func (c *floor[K]) get(key K) (int, bool) {
	value, found := c.entries.Load(key)
	if !found {
		return 0, false
	}
	return value.(int), true
}

func (c *floor[K]) set(key K, value int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.entries.Store(key, value)
}

func (c *floor[K]) settle() {}
func (c *floor[K]) close()  {}
