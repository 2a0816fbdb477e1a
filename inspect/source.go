package inspect

import (
	"context"
	"fmt"
	"hash/maphash"
	"iter"
	"strings"

	"github.com/latchkey-go/latchkey/store"
)

// Store is a store to show. [Source] makes one.
type Store struct {
	name   string
	source source
}

// SourceOptions say what may be shown of a store. The zero value shows neither keys
// nor values.
type SourceOptions[K comparable, V any] struct {
	// Key returns how a key is shown. nil = as a keyed hash, which is another one
	// each time that the program runs: keys of sessions let in whoever has them.
	Key func(key K) string
	// Render returns what is shown of a value, as plain text. nil = nothing. It must
	// not change the value. A search calls it for each entry.
	Render func(key K, value V) string
}

// Source returns a store to show, under the name given.
func Source[K comparable, V any](name string, s *store.Store[K, V], o SourceOptions[K, V]) Store {
	if s == nil {
		return Store{name: name}
	}
	return Store{name, &typed[K, V]{s: s, o: o, seed: maphash.MakeSeed()}}
}

// source is a store of any types.
type source interface {
	Stats() store.Stats
	shows() (keys, values bool)
	// page returns the entries to be shown.
	page(ctx context.Context, s *secrets, q query) page
	// do does something to the entry with the id given, or to the store.
	do(ctx context.Context, s *secrets, a Action, id string) error
}

type typed[K comparable, V any] struct {
	s    *store.Store[K, V]
	o    SourceOptions[K, V]
	seed maphash.Seed
}

func (t *typed[K, V]) Stats() store.Stats { return t.s.Stats() }

func (t *typed[K, V]) shows() (keys, values bool) { return t.o.Key != nil, t.o.Render != nil }

// shown returns a key as it is shown.
func (t *typed[K, V]) shown(s *secrets, key K) string {
	if t.o.Key == nil {
		return t.id(s, key)
	}
	return contained(func() string { return t.o.Key(key) })
}

func (t *typed[K, V]) rendered(key K, value V) string {
	return contained(func() string { return t.o.Render(key, value) })
}

// contained returns what the user's f returns, or that it has panicked.
func contained(f func() string) (text string) {
	defer func() {
		if v := recover(); v != nil {
			text = fmt.Sprintf("(panicked with a %T)", v)
		}
	}()
	return f()
}

// id returns by what an entry is told apart on the page.
func (t *typed[K, V]) id(s *secrets, key K) string {
	if text, ok := any(key).(string); ok {
		return s.hash(text)
	}
	return s.hash(fmt.Sprintf("%T %#v", key, key))
}

// entries returns the live entries, until ctx ends: with their values, or without,
// which decodes none.
func (t *typed[K, V]) entries(ctx context.Context, values bool) iter.Seq[store.Entry[K, V]] {
	return func(yield func(store.Entry[K, V]) bool) {
		if values {
			for e, err := range t.s.Shared().All(ctx) {
				if err == nil && !yield(e) { // of one that can't be decoded nothing is shown
					return
				}
			}
			return
		}
		n := 0
		for key, m := range t.s.AllMetadata() {
			if n++; n%1024 == 0 && ctx.Err() != nil {
				return
			}
			if !yield(store.Entry[K, V]{Key: key, Metadata: m}) {
				return
			}
		}
	}
}

// matching returns the live entries that a query is for, until ctx ends. What it
// looks for is what is shown.
func (t *typed[K, V]) matching(ctx context.Context, s *secrets, q query) iter.Seq[store.Entry[K, V]] {
	wanted := strings.ToLower(q.Search)
	has := func(text string) bool { return strings.Contains(strings.ToLower(text), wanted) }
	values := wanted != "" && t.o.Render != nil
	return func(yield func(store.Entry[K, V]) bool) {
		for e := range t.entries(ctx, values) {
			switch {
			case q.Status != 0 && e.Metadata.Status != q.Status:
			case wanted != "" && !has(t.shown(s, e.Key)) && (!values || !has(t.rendered(e.Key, e.Value))):
			case !yield(e):
				return
			}
		}
	}
}

// find returns the key of the live entry with the id given.
func (t *typed[K, V]) find(ctx context.Context, s *secrets, id string) (key K, ok bool) {
	for e := range t.entries(ctx, false) {
		if t.id(s, e.Key) == id {
			return e.Key, true
		}
	}
	return key, false
}

func (t *typed[K, V]) do(ctx context.Context, s *secrets, a Action, id string) error {
	if a == Snapshot {
		return t.s.Snapshot(ctx)
	}
	key, ok := t.find(ctx, s, id)
	if !ok {
		return store.ErrNotFound
	}
	if a == Delete {
		return t.s.Delete(key)
	}
	if !t.s.ForceUnlock(key) {
		return errNotLocked
	}
	return nil
}
