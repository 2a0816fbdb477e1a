package inspect

import (
	"cmp"
	"context"
	"hash/maphash"
	"slices"
	"strings"

	"github.com/latchkey-go/latchkey/store"
)

// pageSize is how many entries are on a page.
const pageSize = 50

// page is a part of the table.
type page struct {
	rows    []row
	first   int  // the first row's number, from 1; 0 = there is none
	total   int  // entries that the query is for
	partial bool // the time was over before all had been looked at
}

// row is an entry as it is shown.
type row struct {
	id, key, value string
	at             position
	store.Metadata
}

// position is an entry's place in an order: by number, or by text, and then by a
// number of its own.
type position struct {
	Number int64  `json:"n,omitempty"`
	Text   string `json:"t,omitempty"`
	Tie    uint64 `json:"i"`
}

func (p position) compare(other position) int {
	return cmp.Or(cmp.Compare(p.Number, other.Number), strings.Compare(p.Text, other.Text), cmp.Compare(p.Tie, other.Tie))
}

// maxSortText is how much of a key its place goes by, in bytes.
const maxSortText = 128

// candidate is an entry that may be on a page.
type candidate[K comparable] struct {
	at  position
	key K
	m   store.Metadata
}

// page walks through all entries and keeps those that are on the page. No lock is
// held meanwhile but for those moments in which the store hands entries out, a few at
// a time, and no more are kept than some pages full.
func (t *typed[K, V]) page(ctx context.Context, s *secrets, q query) (p page) {
	order := position.compare
	if q.Down {
		order = func(a, b position) int { return b.compare(a) }
	}
	backward := q.way == beforeFrom || q.way == fromLast
	b := best[K]{order: order}
	if backward {
		b.order = func(a, b position) int { return order(b, a) }
	}
	place := t.places(s, q)
	passed := 0 // entries before the page, in the table's order; with backward, those up to its end
	for e := range t.matching(ctx, s, q) {
		p.total++
		at := place(e.Key, &e.Metadata)
		switch {
		case q.way == afterFrom && order(at, q.from) <= 0:
			passed++
		case q.way == beforeFrom && order(at, q.from) >= 0:
		default:
			if backward {
				passed++
			}
			b.add(at, e.Key, e.Metadata)
		}
	}
	p.partial = ctx.Err() != nil
	found := b.take()
	p.first = passed + 1
	if backward {
		slices.Reverse(found)
		p.first = passed - len(found) + 1
	}
	for _, c := range found {
		p.rows = append(p.rows, t.row(s, c))
	}
	if len(p.rows) == 0 {
		p.first = 0
	}
	return p
}

// places returns what tells an entry's place in the order that is asked for.
func (t *typed[K, V]) places(s *secrets, q query) func(K, *store.Metadata) position {
	if number := sorts[q.Sort]; number != nil {
		return func(key K, m *store.Metadata) position {
			return position{Number: number(m), Tie: maphash.Comparable(t.seed, key)}
		}
	}
	return func(key K, _ *store.Metadata) position {
		text := t.shown(s, key)
		return position{Text: strings.ToValidUTF8(text[:min(len(text), maxSortText)], ""), Tie: maphash.Comparable(t.seed, key)}
	}
}

func (t *typed[K, V]) row(s *secrets, c candidate[K]) row {
	r := row{id: t.id(s, c.key), key: t.shown(s, c.key), at: c.at, Metadata: c.m}
	if t.o.Render != nil {
		if value, ok := t.s.Peek(c.key); ok {
			r.value = t.rendered(c.key, value)
		}
	}
	return r
}

// best keeps the first few of what it is given.
type best[K comparable] struct {
	order func(a, b position) int
	kept  []candidate[K]
	spare []candidate[K] // room for the next
	index []int
	worst *position // what comes after it isn't needed; nil = all is
}

// settleAt is how many are kept until those that are too many are dropped: sorting
// them costs little for each one then.
const settleAt = 16 * pageSize

func (b *best[K]) add(at position, key K, m store.Metadata) {
	if b.worst != nil && b.order(at, *b.worst) > 0 {
		return
	}
	b.kept = append(b.kept, candidate[K]{at, key, m})
	if len(b.kept) == settleAt {
		b.take()
	}
}

// take returns the first few, in order. It sorts numbers, as candidates are large.
func (b *best[K]) take() []candidate[K] {
	b.index = b.index[:0]
	for i := range b.kept {
		b.index = append(b.index, i)
	}
	slices.SortFunc(b.index, func(x, y int) int { return b.order(b.kept[x].at, b.kept[y].at) })
	first := b.spare[:0]
	for _, i := range b.index[:min(len(b.index), pageSize)] {
		first = append(first, b.kept[i])
	}
	b.kept, b.spare = first, b.kept
	if len(first) == pageSize {
		worst := first[pageSize-1].at
		b.worst = &worst
	}
	return first
}
