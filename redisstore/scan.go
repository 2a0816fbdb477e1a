package redisstore

import (
	"context"
	"fmt"
	"hash/maphash"
	"iter"

	"github.com/redis/rueidis"

	"github.com/latchkey-go/latchkey/store"
)

// scanBatch is how many keys a node is asked for at a time: so long does it serve
// nobody else.
const scanBatch = 250

// All returns an iterator over the live entries, locked ones too, in no particular
// order, and leaves no trace. It asks one primary after the other for its keys, a
// few at a time, so it is of no one instant. A key comes at most once. While a
// cluster moves keys between nodes, some may be missed.
//
// Errors come in place of an entry: one about a value that can't be decoded, or
// about a key that is none of ours, has the loop go on; any other is the last.
func (s *Store[K, V]) All(ctx context.Context) iter.Seq2[store.Entry[K, V], error] {
	return func(yield func(store.Entry[K, V], error) bool) {
		for b, err := range s.scan(ctx) {
			if err != nil {
				yield(store.Entry[K, V]{}, err)
				return
			}
			if !s.yieldBatch(ctx, b, yield) {
				return
			}
		}
	}
}

// yieldBatch fetches the entries of a batch and hands them on.
func (s *Store[K, V]) yieldBatch(ctx context.Context, b batch, yield func(store.Entry[K, V], error) bool) bool {
	commands := make([]rueidis.Completed, len(b.names))
	for i, name := range b.names {
		commands[i] = s.fetch(name)
	}
	for i, r := range s.all(ctx, commands) {
		m, text, err := s.fields(ctx, r)
		if err == store.ErrNotFound {
			continue // it is gone since
		}
		if err != nil {
			if yield(store.Entry[K, V]{}, err); !foreign(err) {
				return false
			}
			continue
		}
		e, err := s.entry(b.names[i], text)
		if err == nil {
			e.Metadata = m.metadata(b.now, s.o.IdleTimeout)
		}
		if !yield(e, err) {
			return false
		}
		if err := s.begin(ctx); err != nil {
			yield(store.Entry[K, V]{}, err)
			return false
		}
	}
	return true
}

// entry decodes an entry. With an error comes its key, if that is known.
func (s *Store[K, V]) entry(name, text string) (e store.Entry[K, V], err error) {
	if e.Key, err = s.key(name); err == nil {
		e.Value, err = s.decode(text)
	}
	return e, err
}

// all sends many commands at once.
func (s *core) all(ctx context.Context, commands []rueidis.Completed) []rueidis.RedisResult {
	limited, cancel := s.limit(ctx)
	defer cancel()
	return s.client.DoMulti(limited, commands...)
}

// Len returns the number of live entries. Like All, it asks one primary after the
// other and is of no one instant.
//
// Errors: those of every operation.
func (s *Store[K, V]) Len(ctx context.Context) (n int, err error) {
	for b, err := range s.scan(ctx) {
		if err != nil {
			return 0, err
		}
		commands := make([]rueidis.Completed, len(b.names))
		for i, name := range b.names {
			commands[i] = s.client.B().Arbitrary("HEXISTS").Keys(name).Args("v").Build()
		}
		for _, r := range s.all(ctx, commands) {
			there, err := r.AsBool()
			if err != nil {
				return 0, s.requestError(ctx, err, false)
			}
			if there {
				n++
			}
		}
	}
	return n, nil
}

// batch is names of keys, each for the first time, and when they were found.
type batch struct {
	names []string
	now   uint64 // by the node's clock
}

// scan returns an iterator over the names of all keys of the store.
func (s *Store[K, V]) scan(ctx context.Context) iter.Seq2[batch, error] {
	return func(yield func(batch, error) bool) {
		if err := s.begin(ctx); err != nil {
			yield(batch{}, err)
			return
		}
		known := newSet()
		nodes, err := s.primaries(ctx)
		if err != nil {
			yield(batch{}, err)
			return
		}
		for _, node := range nodes {
			if !s.scanNode(ctx, node, known, yield) {
				return
			}
		}
	}
}

func (s *Store[K, V]) scanNode(ctx context.Context, node rueidis.Client, known *set, yield func(batch, error) bool) bool {
	for cursor := uint64(0); ; {
		var b batch
		var err error
		if cursor, b, err = s.scanOnce(ctx, node, cursor); err != nil {
			yield(b, err)
			return false
		}
		fresh := b.names[:0]
		for _, name := range b.names {
			if known.add(name) {
				fresh = append(fresh, name)
			}
		}
		b.names = fresh
		if len(fresh) > 0 && !yield(b, nil) {
			return false
		}
		if cursor == 0 {
			return true
		}
		if err := s.begin(ctx); err != nil {
			yield(batch{}, err)
			return false
		}
	}
}

func (s *Store[K, V]) scanOnce(ctx context.Context, node rueidis.Client, cursor uint64) (uint64, batch, error) {
	limited, cancel := s.limit(ctx)
	defer cancel()
	results := node.DoMulti(limited,
		node.B().Scan().Cursor(cursor).Match(s.keys.pattern()).Count(scanBatch).Type("hash").Build(),
		node.B().Time().Build())
	page, err := results[0].AsScanEntry()
	if err != nil {
		return 0, batch{}, s.requestError(ctx, err, false)
	}
	clock, err := results[1].AsIntSlice()
	if err != nil || len(clock) != 2 {
		return 0, batch{}, s.requestError(ctx, fmt.Errorf("no time: %w", err), false)
	}
	return page.Cursor, batch{page.Elements, uint64(clock[0]*1_000_000 + clock[1])}, nil
}

// set is a set of strings, of which it keeps 16 bytes each.
type set struct {
	seeds [2]maphash.Seed
	have  map[[2]uint64]struct{}
}

func newSet() *set {
	return &set{[2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}, map[[2]uint64]struct{}{}}
}

// add reports whether text was not there before.
func (s *set) add(text string) bool {
	sum := [2]uint64{maphash.String(s.seeds[0], text), maphash.String(s.seeds[1], text)}
	if _, ok := s.have[sum]; ok {
		return false
	}
	s.have[sum] = struct{}{}
	return true
}
