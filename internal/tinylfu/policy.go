package tinylfu

const (
	agePeriod  = 30 // capacities of uses, after which all counters are halved
	shadowSize = 256
	maxClasses = 64   // of keys, of which the shadows see one
	choosing   = 4    // times per capacity of requests
	decay      = 0.98 // of what the shadows have counted, each time
	doubt      = 2.0  // standard deviations, squared, that a plan has to be ahead
)

// The plans were chosen by trying many, alone and together, on recorded traces;
// the first is what a policy begins with.
var plans = []plan{{1, fading}, {1, strict}, {20, fading}, {60, returning}}

// maxCapacity is what the sketch and the shadows are sized for at most: 16
// million entries. Beyond it keys share more counters.
const maxCapacity = 1 << 24

const (
	// countTogether is how many newcomers are counted together: the waits for so many overlap.
	countTogether = 16
	// countTogetherFrom is from which capacity on: the sketch of a smaller one is in the
	// processor's cache. The window is so large there that all who leave it were counted.
	countTogetherFrom = 1 << 14
)

// Policy decides which entry of a store goes. It is not safe for concurrent
// use; no call but [Policy.Resize] does more than a bounded amount of work.
type Policy struct {
	main     segments
	sketch   *sketch
	shadows  *shadows
	capacity int
	current  int // plan
	requests int // since one was chosen

	newTags []uint32 // of the latest newcomers, which are counted when it is full, or before a hit is

	looked uint64 // by look, and HitAll: the compiler can't leave out what it adds up
}

// New returns a policy for a store of so many entries; less than 1 means 1. It
// allocates about 9 to 17 bytes for each, and 16 more once it's there.
func New(capacity int) *Policy {
	p := &Policy{sketch: new(sketch)}
	p.main = newSegments(p.sketch)
	p.Resize(capacity)
	return p
}

// Resize changes the capacity. It evicts nothing: if there is too much now, the
// store asks for victims. What is known of the keys is kept, and the time it
// takes grows with the capacity.
func (p *Policy) Resize(capacity int) {
	capacity = max(1, capacity)
	if capacity == p.capacity {
		return
	}
	p.countNew()
	together := 1
	if capacity >= countTogetherFrom {
		together = countTogether
	}
	p.newTags = make([]uint32, 0, together)
	p.capacity = capacity
	p.sketch.resize(min(capacity, maxCapacity))
	p.main.setPlan(plans[p.current], capacity)
	p.shadows = newShadows(plans, min(capacity, maxCapacity), p.sketch)
}

// Len returns the number of entries listed.
func (p *Policy) Len() int { return p.main.len() }

// Has reports whether an entry is listed at slot.
func (p *Policy) Has(slot uint32) bool { return p.main.has(slot) }

// Add lists a new entry, which counts as a use of its key. Slots should be small
// numbers: there is a node for each up to the largest. It panics if the slot is
// taken.
func (p *Policy) Add(slot uint32, hash uint64) {
	tag := fold(hash)
	p.main.list(slot, tag, window)
	p.newTags = append(p.newTags, tag)
	if len(p.newTags) == cap(p.newTags) {
		p.countNew()
	}
}

// countNew counts the latest newcomers. It looks at the memory that it needs for all of them
// first: the processor then waits for it once, and not for each.
func (p *Policy) countNew() {
	for _, tag := range p.newTags {
		p.look(tag)
	}
	for _, tag := range p.newTags {
		p.request(tag)
	}
	p.newTags = p.newTags[:0]
}

// look looks at the memory that it takes to count a key.
func (p *Policy) look(tag uint32) {
	words, _ := p.sketch.block(spread(tag))
	p.looked += words[0]
}

// Hit notes a use of the entry at slot. It may come late: if the entry is no
// longer listed there, the use counts for the key, and nothing moves.
func (p *Policy) Hit(slot uint32, hash uint64) {
	p.countNew()
	tag := fold(hash)
	p.request(tag)
	if n := p.main.find(slot); n != nil && n.list != nowhere && n.tag == tag {
		p.main.use(slot)
	}
}

// Use is one of an entry, as for [Policy.Hit].
type Use struct {
	Slot uint32
	Hash uint64
}

// HitAll is Hit for some, in their order. It looks at the memory that it needs for all of
// them first: the processor then waits for it once, and not for each.
func (p *Policy) HitAll(uses []Use) {
	for _, use := range uses {
		p.look(fold(use.Hash))
		if n := p.main.find(use.Slot); n != nil {
			p.looked += uint64(n.older)
		}
	}
	for _, use := range uses {
		if n := p.main.find(use.Slot); n != nil && n.list != nowhere {
			p.looked += uint64(p.main.node(n.older).tag) + uint64(p.main.node(n.newer).tag)
		}
	}
	for _, use := range uses {
		p.Hit(use.Slot, use.Hash)
	}
}

// Remove takes an entry off, for good or until [Policy.Return]. Without an entry
// at slot it does nothing.
func (p *Policy) Remove(slot uint32) {
	if n := p.main.find(slot); n != nil && n.list != nowhere {
		n.was = n.list
		p.main.unlink(slot + numLists)
	}
}

// Return lists an entry that was removed for a while, because it was locked, as
// the newest where it had been listed; one that never was, as a newcomer's. It
// doesn't count as a use. It panics if the slot is taken.
func (p *Policy) Return(slot uint32, hash uint64) {
	tag, list := fold(hash), uint8(window)
	if n := p.main.find(slot); n != nil && n.tag == tag && n.was != nowhere {
		list = n.was
	}
	p.main.list(slot, tag, list)
}

// Victim returns the entry to evict, and reports whether there is any. It is
// asked when one too many is there, after the Add: the newcomer pushes another
// out of the window, and that one may be the victim. The entry stays listed
// until it is removed; asked again without that, Victim may change its mind.
func (p *Policy) Victim() (slot uint32, ok bool) { return p.main.victim(0) }

// VictimFor is Victim as it will be once a newcomer is listed, for a store that
// makes room first.
func (p *Policy) VictimFor() (slot uint32, ok bool) { return p.main.victim(1) }

// Next fills slots with those of the oldest in the window, many of which are victims soon,
// and returns how many there are. It looks at the memory that it takes to decide on them, as
// HitAll does.
func (p *Policy) Next(slots []int32) (n int) {
	for i := p.main.oldest(window); n < len(slots) && i >= numLists; n++ {
		node := p.main.node(i)
		p.look(node.tag)
		slots[n] = int32(i - numLists)
		i = node.newer
	}
	return n
}

func fold(hash uint64) uint32 { return uint32(hash ^ hash>>32) }

// request counts a use of a key, and chooses a plan now and then.
func (p *Policy) request(tag uint32) {
	p.sketch.add(tag)
	p.shadows.see(tag)
	p.requests++
	if p.requests < (p.capacity+choosing-1)/choosing {
		return
	}
	p.requests = 0
	if best := p.shadows.best(p.current); best != p.current {
		p.current = best
		p.main.setPlan(plans[best], p.capacity)
	}
}
