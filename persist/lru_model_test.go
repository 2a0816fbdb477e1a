package persist_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/latchkey-go/latchkey/store"
)

// lruModel is a store as a list, least recently used first.
type lruModel struct {
	capacity int
	list     []pair
}

type pair struct{ key, value int }

func (m *lruModel) remove(key int) (p pair, found bool) {
	i := slices.IndexFunc(m.list, func(p pair) bool { return p.key == key })
	if i < 0 {
		return p, false
	}
	p = m.list[i]
	m.list = slices.Delete(m.list, i, i+1)
	return p, true
}

func (m *lruModel) set(p pair) {
	m.remove(p.key)
	m.list = append(m.list, p)
	m.shrink(m.capacity)
}

func (m *lruModel) get(key int) {
	if p, found := m.remove(key); found {
		m.list = append(m.list, p)
	}
}

func (m *lruModel) shrink(capacity int) {
	m.capacity = capacity
	m.list = m.list[max(0, len(m.list)-capacity):]
}

// step is an operation on a store and on its model.
type step struct {
	model func(*lruModel)
	store func(*store.Store[int, int]) error
	waits bool // for snapshots and exports to end
}

// steps returns n random operations of all the kinds that change a store.
func steps(t testing.TB, n int) []step {
	r := rand.New(rand.NewPCG(7, 7))
	other, exported := otherStore(t)
	list := make([]step, n)
	for i := range list {
		key, capacity := r.IntN(200), 50+r.IntN(70)
		switch p := r.IntN(1000); {
		case p < 700:
			list[i] = step{
				model: func(m *lruModel) { m.set(pair{key, i}) },
				store: func(s *store.Store[int, int]) error { return s.Set(key, i) },
			}
		case p < 850:
			list[i] = step{
				model: func(m *lruModel) { m.get(key) },
				store: func(s *store.Store[int, int]) error {
					if _, err := s.Get(key); !errors.Is(err, store.ErrNotFound) {
						return err
					}
					return nil
				},
			}
		case p < 980:
			list[i] = step{
				model: func(m *lruModel) { m.remove(key) },
				store: func(s *store.Store[int, int]) error { return s.Delete(key) },
			}
		case p < 990:
			list[i] = step{
				model: func(m *lruModel) { m.shrink(capacity) },
				store: func(s *store.Store[int, int]) error { _, err := s.Resize(capacity); return err },
			}
		case p < 995:
			list[i] = step{
				model: func(m *lruModel) { m.list = slices.Clone(other); m.shrink(m.capacity) },
				store: func(s *store.Store[int, int]) error { return s.Import(bytes.NewReader(exported)) },
				waits: true,
			}
		default:
			list[i] = step{
				model: func(m *lruModel) { m.list = nil },
				store: func(s *store.Store[int, int]) error { return s.Clear() },
			}
		}
	}
	return list
}
