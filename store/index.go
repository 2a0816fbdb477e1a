package store

import (
	"math/bits"
	"sync/atomic"
)

// index finds entries by key. Any number of goroutines read it without a lock, and write
// nothing but the next version of what they find, while one, under mu, changes it. It is
// extendible hashing: a directory of segments by the first bits of the hash, each a small
// table with open addressing that is split in two when it is full. So it grows without a
// pause, but for the directory, which is copied whole when it doubles (1.7 ms for one of
// 1<<17 segments, of some 70 million entries), and nothing moves within a segment that
// readers are in.
type index[K comparable, V any] struct {
	dir   atomic.Pointer[directory[K, V]]
	marks *marks // of the entries, by slot; nil = nobody goes by them

	_ [64]byte // each change writes to what is below, in a cache line that no reader needs
	n int      // entries; for who may change it
	_ [64]byte
}

// directory has 1<<depth places; a segment stands in all that its own, fewer bits
// lead to.
type directory[K comparable, V any] struct {
	depth    uint
	segments []atomic.Pointer[indexSegment[K, V]]
}

const (
	hashBits       = 32
	segmentBuckets = 128
	bucketSlots    = 7
	// segmentFull is at how many entries a segment is split: few of its
	// buckets are full by then, and none is looked for in vain for long.
	segmentFull = segmentBuckets * bucketSlots * 7 / 10
)

type indexSegment[K comparable, V any] struct {
	depth   uint // how many bits of the hash lead here
	n       int
	_       [40]byte // with the word that Go puts before such an object, to the end of a cache line
	buckets [segmentBuckets]indexBucket[K, V]
}

// indexBucket is a cache line. A tag of 0 means that the slot is free.
type indexBucket[K comparable, V any] struct {
	tags  atomic.Uint64 // a byte for each slot; the last counts the entries that had to go on from here
	slots [bucketSlots]atomic.Pointer[version[K, V]]
}

const (
	tagOnes = 0x0001_0101_0101_0101 // one for each slot
	tagTops = tagOnes << 7
	passed  = 1 << 56 // counts one entry
)

func newIndex[K comparable, V any]() *index[K, V] {
	x := &index[K, V]{}
	x.reset()
	return x
}

// reset empties the index.
func (x *index[K, V]) reset() {
	d := &directory[K, V]{segments: make([]atomic.Pointer[indexSegment[K, V]], 1)}
	d.segments[0].Store(&indexSegment[K, V]{})
	x.dir.Store(d)
	x.n = 0
}

// tagOf returns what stands for a hash in a bucket: bits that neither a directory
// of less than 1<<18 places nor the bucket goes by, and one that is always set.
func tagOf(hash uint32) uint64 { return uint64(hash>>7&0x7f | 0x80) }

func (d *directory[K, V]) segment(hash uint32) *indexSegment[K, V] {
	return d.segments[hash>>(hashBits-d.depth)].Load()
}

// bucket returns where the search for a hash begins.
func (x *index[K, V]) bucket(hash uint32) *indexBucket[K, V] {
	return &x.dir.Load().segment(hash).buckets[hash%segmentBuckets]
}

// find returns a version of the entry for key, or nil: the present one, or one that is
// over, to which somebody without mu has just given a successor.
func (x *index[K, V]) find(hash uint32, key K) *version[K, V] {
	v, _ := x.locate(hash, key)
	return v
}

// locate is find, and returns the place where a writer without mu puts the next version.
// If the segment was split since, that is lost and an old one stays in the index, which
// sends those who find it to mu: see heal.
func (x *index[K, V]) locate(hash uint32, key K) (*version[K, V], *atomic.Pointer[version[K, V]]) {
	s := x.dir.Load().segment(hash)
	tag := tagOf(hash)
	for i := hash; ; i++ {
		b := &s.buckets[i%segmentBuckets]
		tags := b.tags.Load()
		for m := matches(tags, tag); m != 0; m &= m - 1 {
			at := &b.slots[bits.TrailingZeros64(m)/8]
			if v := at.Load(); v != nil && v.key == key {
				return v, at
			}
		}
		if tags < passed || i-hash == segmentBuckets {
			return nil, nil
		}
	}
}

// matches returns a bit for each slot whose tag may be the one given; a false one
// is rare, and is found out by its key.
func matches(tags, tag uint64) uint64 {
	x := tags ^ tag*tagOnes
	return (x - tagOnes) &^ x & tagTops
}

// add takes in a version of a key that isn't there.
func (x *index[K, V]) add(v *version[K, V]) {
	for {
		d := x.dir.Load()
		s := d.segment(v.hash)
		if s.n < segmentFull {
			s.add(v)
			x.n++
			return
		}
		x.split(d, s, v.hash)
	}
}

func (s *indexSegment[K, V]) add(v *version[K, V]) {
	s.n++
	for i := v.hash; ; i++ {
		b := &s.buckets[i%segmentBuckets]
		tags := b.tags.Load()
		if free := ^tags & tagTops; free != 0 {
			slot := bits.TrailingZeros64(free) / 8
			b.slots[slot].Store(v) // before its tag, by which it is found
			b.tags.Store(tags | tagOf(v.hash)<<(8*slot))
			return
		}
		s.buckets[i%segmentBuckets].pass(passed)
	}
}

// pass counts an entry that goes past the bucket, or does so no longer. At its limit
// the count stays.
func (b *indexBucket[K, V]) pass(by uint64) {
	if tags := b.tags.Load(); tags>>56 != 0xff {
		b.tags.Store(tags + by)
	}
}

// split puts two segments in the place of s, to which hash leads.
func (x *index[K, V]) split(d *directory[K, V], s *indexSegment[K, V], hash uint32) {
	if s.depth == d.depth {
		d = d.doubled()
		x.dir.Store(d)
	}
	var halves [2]*indexSegment[K, V]
	for i := range halves {
		halves[i] = &indexSegment[K, V]{depth: s.depth + 1}
	}
	for i := range s.buckets {
		b := &s.buckets[i]
		for j := range b.slots {
			if v := b.slots[j].Load(); v != nil {
				halves[v.hash>>(hashBits-1-s.depth)&1].add(v)
			}
		}
	}
	width := 1 << (d.depth - s.depth) // places that s stands in
	first := int(hash>>(hashBits-d.depth)) &^ (width - 1)
	for i := range width {
		d.segments[first+i].Store(halves[2*i/width])
	}
}

func (d *directory[K, V]) doubled() *directory[K, V] {
	twice := &directory[K, V]{depth: d.depth + 1, segments: make([]atomic.Pointer[indexSegment[K, V]], 2*len(d.segments))}
	for i := range twice.segments {
		twice.segments[i].Store(d.segments[i/2].Load())
	}
	return twice
}

// replace puts another version in the place of that which there is of its entry.
func (x *index[K, V]) replace(v *version[K, V]) {
	s, i, slot := x.place(v)
	s.buckets[i].slots[slot].Store(v)
}

// heal puts v, the present version, in the place of one that is over, if that is where
// it was.
func (x *index[K, V]) heal(over, v *version[K, V]) {
	s, i, slot := x.place(over)
	s.buckets[i].slots[slot].CompareAndSwap(over, v)
}

// remove takes out the entry that v is a version of.
func (x *index[K, V]) remove(v *version[K, V]) {
	s, at, slot := x.place(v)
	for i := uint64(v.hash % segmentBuckets); i != at; i = (i + 1) % segmentBuckets {
		s.buckets[i].pass(^uint64(passed - 1))
	}
	b := &s.buckets[at]
	b.tags.Store(b.tags.Load() &^ (0xff << (8 * slot)))
	b.slots[slot].Store(nil)
	s.n--
	if x.n--; x.n == 0 {
		x.reset()
	}
}

// place returns where the entry is that v is a version of: the bucket of which segment,
// and the slot in it.
func (x *index[K, V]) place(v *version[K, V]) (s *indexSegment[K, V], bucket uint64, slot int) {
	s = x.dir.Load().segment(v.hash)
	for i := uint64(v.hash % segmentBuckets); ; i = (i + 1) % segmentBuckets {
		b := &s.buckets[i]
		for m := matches(b.tags.Load(), tagOf(v.hash)); m != 0; m &= m - 1 {
			slot = bits.TrailingZeros64(m) / 8
			if there := b.slots[slot].Load(); there != nil && there.e == v.e {
				return s, i, slot
			}
		}
	}
}
