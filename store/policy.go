package store

import "github.com/latchkey-go/latchkey/internal/tinylfu"

// policy is what may be evicted, in the order in which it goes. What is locked is
// not in it. An entry keeps its slot while it is.
type policy[K comparable, V any] interface {
	add(e *entry[K, V])      // lists a new entry
	giveBack(e *entry[K, V]) // lists one that was locked, or taken off for a while
	remove(e *entry[K, V])
	use(slot, hash uint32) // notes a use, perhaps late: of what is no longer listed
	useAll(uses []use)     // notes those that were past mu
	// victim returns the entry to evict for a newcomer; nil = there is none, or it
	// is untidy: it took long already, others get a turn, and it goes on from there.
	victim() (e *entry[K, V], untidy bool)
	resize(capacity int) // tells the store's capacity
	grow()               // tells that there is one more slot
	emptied()            // tells that there are none
}

// use is one past mu, of which a policy is told later.
type use = tinylfu.Use

// newPolicy returns the policy of a table.
func (t *table[K, V]) newPolicy(p Policy, capacity int) policy[K, V] {
	if p == TinyLFU {
		return &tinyLFU[K, V]{table: t, policy: tinylfu.New(capacity)}
	}
	t.index.marks = newMarks()
	return newLRU(&t.slots, t.index.marks, t.touch)
}

// tinyLFU is W-TinyLFU; see package tinylfu.
type tinyLFU[K comparable, V any] struct {
	table  *table[K, V]
	policy *tinylfu.Policy
	ahead  int // so many victims more, and what the next few take is read ahead
}

// readAheadFrom is from how many entries on that pays: fewer are in a processor's cache, and
// it costs a tenth of an insert.
const readAheadFrom = 1 << 18

func (p *tinyLFU[K, V]) add(e *entry[K, V]) { p.policy.Add(uint32(e.slot()), uint64(e.hash())) }

func (p *tinyLFU[K, V]) giveBack(e *entry[K, V]) { p.policy.Return(uint32(e.slot()), uint64(e.hash())) }

func (p *tinyLFU[K, V]) remove(e *entry[K, V]) { p.policy.Remove(uint32(e.slot())) }

func (p *tinyLFU[K, V]) use(slot, hash uint32) { p.policy.Hit(slot, uint64(hash)) }

func (p *tinyLFU[K, V]) useAll(uses []use) { p.policy.HitAll(uses) }

func (p *tinyLFU[K, V]) victim() (e *entry[K, V], untidy bool) {
	if p.ahead--; p.ahead < 0 && p.table.slots.n >= readAheadFrom {
		p.readAhead()
	}
	slot, ok := p.policy.VictimFor()
	if !ok {
		return nil, false
	}
	return *p.table.slots.at(int(slot)), false
}

// readAhead looks at what the next few victims take, so that the waits for memory overlap.
func (p *tinyLFU[K, V]) readAhead() {
	var slots [nextPlaces]int32
	for i := p.policy.Next(slots[:]); i < len(slots); i++ {
		slots[i] = noSlot
	}
	p.table.touch(slots)
	p.ahead = nextPlaces - 1
}

func (p *tinyLFU[K, V]) grow() {}

func (p *tinyLFU[K, V]) emptied() {}

func (p *tinyLFU[K, V]) resize(capacity int) { p.policy.Resize(capacity) }
