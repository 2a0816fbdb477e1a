package store

import (
	"math"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// lru is the policy and the index in one: golang-lru's list of what may be
// evicted, in order of use, with its map to find it by key. It has no bound of
// its own and so never evicts by itself: the store does, and knows why.
type lru[K comparable, V any] struct {
	list *simplelru.LRU[K, *entry[K, V]]
}

func newLRU[K comparable, V any]() lru[K, V] {
	list, err := simplelru.NewLRU[K, *entry[K, V]](math.MaxInt, nil)
	if err != nil {
		panic(err) // a size above 0 is all it asks for
	}
	return lru[K, V]{list}
}

// find returns the entry for key without using it, or nil.
func (p lru[K, V]) find(key K) *entry[K, V] {
	e, _ := p.list.Peek(key)
	return e
}

// use returns the entry for key and makes it the last to be evicted, or nil.
func (p lru[K, V]) use(key K) *entry[K, V] {
	e, _ := p.list.Get(key)
	return e
}

// add lists e as the last to be evicted.
func (p lru[K, V]) add(e *entry[K, V]) { p.list.Add(e.key, e) }

func (p lru[K, V]) remove(e *entry[K, V]) { p.list.Remove(e.key) }

// victim returns the entry to evict first, or nil when there is none.
func (p lru[K, V]) victim() *entry[K, V] {
	_, e, _ := p.list.GetOldest()
	return e
}

func (p lru[K, V]) len() int { return p.list.Len() }
