package store

// table holds every entry once and lists it in four ways: by key, by order of
// use, by when it dies, and by slot. It knows no time and no rules.
type table[K comparable, V any] struct {
	index    *index[K, V]
	unlocked policy[K, V]          // by use: what may be evicted
	locked   map[*entry[K, V]]bool // what may not, because of a lease
	weight   uint64                // of all
	fixed    uint64                // of those locked

	// expiry lists each entry that can die by its deadline or earlier: an
	// access moves the deadline but not the listing, which is put right
	// when it falls due.
	expiry *deadlines

	// slots has each entry at a place of its own for as long as it is here,
	// so that it can be walked piece by piece while the store changes.
	slots pieces[*entry[K, V]]
	free  pieces[int32] // slots that hold nil

	touched uint64 // by touch: the compiler can't leave out what it adds up
}

// newTable returns an empty table for the store.
func (s *Store[K, V]) newTable(capacity int) *table[K, V] {
	t := &table[K, V]{index: newIndex[K, V](), locked: make(map[*entry[K, V]]bool), expiry: newDeadlines()}
	t.unlocked = t.newPolicy(s.o.Policy, capacity)
	return t
}

func (t *table[K, V]) len() int { return t.index.n }

// find returns the entry for key, dead or alive, or nil.
func (t *table[K, V]) find(hash uint32, key K) *entry[K, V] {
	v := t.index.find(hash, key)
	if v == nil {
		return nil
	}
	if now := v.e.version(); now != v {
		t.index.heal(v, now)
	}
	return v.e
}

// add takes in an entry whose key isn't there; listed by expiry it is not yet.
func (t *table[K, V]) add(e *entry[K, V]) {
	v := e.v.Load()
	if t.free.n > 0 {
		v.slot = uint32(t.free.pop())
		*t.slots.at(int(v.slot)) = e
	} else {
		v.slot = uint32(t.slots.n) // below MaxCapacity
		t.slots.push(e)
		t.expiry.grow()
		t.unlocked.grow()
	}
	if e.lease == nil {
		t.unlocked.add(e)
	} else {
		t.locked[e] = true
		t.fixed += uint64(e.weight)
	}
	t.index.add(v)
	t.weight += uint64(e.weight)
}

// overwrite gives e its next version.
func (t *table[K, V]) overwrite(e *entry[K, V], v *version[K, V], weight uint32) {
	if by := uint64(weight) - uint64(e.weight); by != 0 {
		t.weight += by
		if e.lease != nil {
			t.fixed += by
		}
		e.weight = weight
	}
	e.v.Store(v) // before somebody without mu finds it, and puts another in its place
	t.index.replace(v)
}

func (t *table[K, V]) remove(e *entry[K, V]) {
	e.freeze()
	if e.lease == nil {
		t.unlocked.remove(e)
	} else {
		delete(t.locked, e)
		t.fixed -= uint64(e.weight)
	}
	v := e.v.Load()
	t.index.remove(v)
	t.weight -= uint64(e.weight)
	slot := int32(v.slot)
	t.expiry.remove(slot)
	*t.slots.at(int(slot)) = nil
	t.free.push(slot)
	e.born = gone
	if t.len() == 0 {
		t.slots, t.free = pieces[*entry[K, V]]{}, pieces[int32]{}
		t.expiry.reset()
		t.unlocked.emptied()
	}
}

// lock lists e as locked by l.
func (t *table[K, V]) lock(e *entry[K, V], l *Lease[K, V]) {
	e.freeze()
	e.own()
	if e.lease == nil {
		t.unlocked.remove(e)
		t.locked[e] = true
		t.fixed += uint64(e.weight)
	}
	e.lease = l
}

// unlock lists e as the last to be evicted.
func (t *table[K, V]) unlock(e *entry[K, V]) {
	e.lease = nil
	delete(t.locked, e)
	t.fixed -= uint64(e.weight)
	t.unlocked.giveBack(e)
	e.thaw()
}

// touch looks at what it takes to remove the entries in some slots: at that of all of them in
// each step, as the processor then waits for memory once, and not for each.
func (t *table[K, V]) touch(slots [nextPlaces]int32) {
	var entries [nextPlaces]*entry[K, V]
	for i, slot := range slots {
		if slot != noSlot {
			entries[i] = *t.slots.at(int(slot)) // nil = it has gone
			t.touched += uint64(t.expiry.nodes.at(int(slot)).at)
			if m := t.index.marks; m != nil {
				t.touched += uint64(m.at(int(slot)).Load())
			}
		}
	}
	var versions [nextPlaces]*version[K, V]
	for i, e := range entries {
		if e != nil {
			versions[i] = e.v.Load()
			t.touched += uint64(e.created) + e.born + t.expiry.neighbours(slots[i])
		}
	}
	for _, v := range versions {
		if v != nil {
			t.touched += v.used.Load() + t.index.bucket(v.hash).tags.Load()
		}
	}
}
