package tinylfu

import (
	"math"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"github.com/stretchr/testify/require"
)

// listed is what the lists of this package and golang-lru's can do both.
type listed interface {
	add(slot uint32, list uint8)
	use(slot uint32, from, to uint8)
	evict(list uint8) uint32
}

type ownLists struct{ *lists }

func (o ownLists) add(slot uint32, list uint8) {
	o.grow(slot + numLists + 1)
	o.push(slot+numLists, list)
}

func (o ownLists) use(slot uint32, _, to uint8) { o.move(slot+numLists, to) }

func (o ownLists) evict(list uint8) uint32 {
	i := o.oldest(list)
	o.unlink(i)
	return i - numLists
}

// golangLRU keeps what a node has beside its links as the value.
type golangLRU [numLists]*simplelru.LRU[uint32, uint32]

func newGolangLRU() (g golangLRU) {
	for i := range g {
		g[i], _ = simplelru.NewLRU[uint32, uint32](math.MaxInt, nil)
	}
	return g
}

func (g golangLRU) add(slot uint32, list uint8) { g[list].Add(slot, slot) }

func (g golangLRU) use(slot uint32, from, to uint8) {
	if from == to {
		g[to].Get(slot)
		return
	}
	g[from].Remove(slot)
	g[to].Add(slot, slot)
}

func (g golangLRU) evict(list uint8) uint32 {
	slot, _, _ := g[list].RemoveOldest()
	return slot
}

// BenchmarkLists shows what golang-lru's lists would cost here.
func BenchmarkLists(b *testing.B) {
	const n = 100_000
	for name, make := range map[string]func() listed{
		"own":        func() listed { return ownLists{newLists()} },
		"golang-lru": func() listed { return newGolangLRU() },
	} {
		fill := func() listed {
			l := make()
			for slot := range uint32(n) {
				l.add(slot, protected)
			}
			return l
		}
		order := rand.New(rand.NewPCG(1, 2)).Perm(n)
		b.Run("use/"+name, func(b *testing.B) {
			l := fill()
			for i := 0; b.Loop(); i++ {
				l.use(uint32(order[i%n]), protected, protected)
			}
		})
		b.Run("evict and add/"+name, func(b *testing.B) {
			l := fill()
			for b.Loop() {
				l.add(l.evict(protected), protected)
			}
		})
		b.Run("memory/"+name, func(b *testing.B) {
			var l listed
			for b.Loop() {
				l = nil
				before := heap()
				l = fill()
				b.ReportMetric(float64(heap()-before)/n, "B/entry")
			}
			runtime.KeepAlive(l)
		})
	}
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// BenchmarkHit uses entries by Zipf's law; the hash is given, as in a store.
func BenchmarkHit(b *testing.B) {
	for name, n := range map[string]int{"capacity 1000": 1000, "capacity 100000": 100_000, "capacity 1000000": 1_000_000} {
		b.Run(name, func(b *testing.B) {
			p, slots := filled(n), zipf(n)
			for i := 0; b.Loop(); i++ {
				slot := slots[i%len(slots)]
				p.Hit(slot, mix(uint64(slot)))
			}
		})
	}
}

// BenchmarkAdd adds an entry and evicts one.
func BenchmarkAdd(b *testing.B) {
	for name, n := range map[string]int{"capacity 1000": 1000, "capacity 100000": 100_000, "capacity 1000000": 1_000_000} {
		b.Run(name, func(b *testing.B) {
			p, key, slot := filled(n), uint64(n), uint32(n)
			for b.Loop() {
				p.Add(slot, mix(key))
				slot, _ = p.Victim()
				p.Remove(slot)
				key++
			}
		})
	}
}

// BenchmarkMemory tells the bytes per entry of a full policy.
func BenchmarkMemory(b *testing.B) {
	for b.Loop() {
		const n = 1 << 20
		before := heap()
		p := filled(n)
		b.ReportMetric(float64(heap()-before)/n, "B/entry")
		require.Equal(b, n, p.Len())
	}
}

// filled returns a policy with an entry of key slot at each slot.
func filled(n int) *Policy {
	p := New(n)
	for slot := range uint32(n) {
		p.Add(slot, mix(uint64(slot)))
	}
	return p
}

func zipf(n int) []uint32 {
	z := rand.NewZipf(rand.New(rand.NewPCG(1, 2)), 1.01, 1, uint64(n-1))
	slots := make([]uint32, 1<<16)
	for i := range slots {
		slots[i] = uint32(z.Uint64())
	}
	return slots
}

// mix hashes a key: the end of SplitMix64.
func mix(key uint64) uint64 {
	key += 0x9e3779b97f4a7c15
	key = (key ^ key>>30) * 0xbf58476d1ce4e5b9
	key = (key ^ key>>27) * 0x94d049bb133111eb
	return key ^ key>>31
}
