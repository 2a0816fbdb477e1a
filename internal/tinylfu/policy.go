package tinylfu

const (
	agePeriod  = 30 // capacities of uses, after which all counters are halved
	shadowSize = 256
	doubt = 2
	decay      = 0.98
	choosing   = 4 // times per capacity of requests
)

var plans = []plan{{1, strict}, {1, fading}, {20, fading}, {60, returning}}

// Policy is the policy of one store. It is not safe for concurrent use.
type Policy struct {
	main     segments
	sketch   *sketch
	shadows  *shadows
	capacity int
	current  int // plan
	requests int // since it was chosen
}

// New returns a policy for a store of capacity entries, at least 1.
func New(capacity int) *Policy {
	p := &Policy{sketch: newSketch(capacity)}
	p.main = newSegments(p.sketch)
	p.setCapacity(capacity)
	return p
}

func (p *Policy) setCapacity(capacity int) {
	p.capacity = max(1, capacity)
	p.main.setPlan(plans[p.current], p.capacity)
	p.shadows = newShadows(plans, p.capacity, p.sketch)
}

// Resize changes the capacity.
func (p *Policy) Resize(capacity int) {
	if capacity == p.capacity {
		return
	}
	p.sketch.resize(capacity)
	p.setCapacity(capacity)
}

// Len returns the number of entries.
func (p *Policy) Len() int { return p.main.len() }

// Has reports whether an entry is listed at slot.
func (p *Policy) Has(slot uint32) bool { return p.main.has(slot) }

// Add lists a new entry.
func (p *Policy) Add(slot uint32, hash uint64) {
	tag := fold(hash)
	p.request(tag)
	p.main.list(slot, tag, window)
}

// Hit notes a use of the entry at slot.
func (p *Policy) Hit(slot uint32, hash uint64) {
	tag := fold(hash)
	p.request(tag)
	if n := p.main.find(slot); n != nil && n.list != nowhere && n.tag == tag {
		p.main.use(slot)
	}
}

// Remove takes an entry off.
func (p *Policy) Remove(slot uint32) {
	if !p.main.has(slot) {
		return
	}
	i := slot + numLists
	n := p.main.node(i)
	n.was = n.list
	p.main.unlink(i)
}

// Return lists an entry again.
func (p *Policy) Return(slot uint32, hash uint64) {
	tag, list := fold(hash), uint8(window)
	if n := p.main.find(slot); n != nil && n.tag == tag && n.was != nowhere {
		list = n.was
	}
	p.main.list(slot, tag, list)
}

// Victim returns the entry to evict.
func (p *Policy) Victim() (slot uint32, ok bool) { return p.main.victim() }

func fold(hash uint64) uint32 { return uint32(hash ^ hash>>32) }

func (p *Policy) request(tag uint32) {
	p.sketch.add(tag)
	p.shadows.see(tag)
	p.requests++
	if p.requests*choosing >= p.capacity {
		p.requests = 0
		if best := p.shadows.best(p.current); best != p.current {
			p.current = best
			p.main.setPlan(plans[best], p.capacity)
		}
	}
}
