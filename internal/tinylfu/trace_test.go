package tinylfu_test

import (
	"flag"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/internal/testenv"
	"github.com/latchkey-go/latchkey/internal/tinylfu"
)

var allTraces = flag.Bool("all-traces", false, "replay the traces of many millions of requests too, and print a table (minutes)")

// TestHitRatios replays recorded traces. The policy is deterministic, so the
// mean is known to the last digit; whoever changes it, for the better, changes
// it here too.
func TestHitRatios(t *testing.T) {
	if testenv.Race {
		t.Skip("one goroutine: nothing to detect")
	}
	traces := newTraces(t)
	var sum, lru, otter, opt float64
	n := 0
	if *allTraces {
		fmt.Print("| trace | capacity | TinyLFU | LRU | otter | optimum |\n|---|--:|--:|--:|--:|--:|\n")
	}
	for _, r := range testenv.HitRatios(t) {
		if long(r.Trace) && !*allTraces || testing.Short() && !strings.HasPrefix(r.Trace, "lirs_") {
			continue
		}
		ratio := traces.load(r.Trace).replay(r.Size)
		if *allTraces {
			fmt.Printf("| %s | %d | %.2f | %.2f | %.2f | %.2f |\n", r.Trace, r.Size, ratio, r.Of["lru"], r.Of["otter"], r.Of["opt"])
		}
		if strings.HasSuffix(r.Trace, "_visitor") {
			require.Greater(t, ratio, r.Of["lru"]-1, "%s at %d", r.Trace, r.Size)
		}
		sum += ratio
		lru += r.Of["lru"]
		otter += r.Of["otter"]
		opt += r.Of["opt"]
		n++
	}
	mean := fmt.Sprintf("%.2f over %d rows, LRU %.2f", sum/float64(n), n, lru/float64(n))
	switch {
	case *allTraces:
		rows := float64(n)
		fmt.Printf("| **all** | %d rows | %.2f | %.2f | %.2f | %.2f |\n", n, sum/rows, lru/rows, otter/rows, opt/rows)
		require.Equal(t, "60.29 over 206 rows, LRU 50.84", mean)
	case testing.Short():
		require.Equal(t, "56.29 over 88 rows, LRU 38.95", mean)
	default:
		require.Equal(t, "59.86 over 182 rows, LRU 50.10", mean)
	}
}

// long tells traces of many millions of requests.
func long(trace string) bool {
	return strings.HasPrefix(trace, "arc_P") || trace == "cache2k_orm-busy"
}

// trace is a trace with its keys numbered; a key's number serves as its slot.
type trace struct {
	name   string
	slots  []uint32
	hashes []uint64 // by slot
}

// traces keeps the trace read last: rows of one trace follow each other.
type traces struct {
	t    *testing.T
	last trace
}

func newTraces(t *testing.T) *traces { return &traces{t: t} }

func (ts *traces) load(name string) trace {
	if ts.last.name == name {
		return ts.last
	}
	ts.last = trace{name: name}
	numbers := make(map[int64]uint32)
	for _, key := range testenv.Trace(ts.t, name) {
		slot, ok := numbers[key]
		if !ok {
			slot = uint32(len(numbers))
			numbers[key] = slot
			ts.last.hashes = append(ts.last.hashes, mix(uint64(key)))
		}
		ts.last.slots = append(ts.last.slots, slot)
	}
	return ts.last
}

// replay returns the hit ratio in percent of a store that is asked for each key
// and takes it in when it isn't there.
func (tr trace) replay(size int) float64 {
	p := tinylfu.New(size)
	hits := 0
	for _, slot := range tr.slots {
		if p.Has(slot) {
			hits++
			p.Hit(slot, tr.hashes[slot])
			continue
		}
		tr.takeIn(p, slot, size)
	}
	return 100 * float64(hits) / float64(len(tr.slots))
}

// takeIn adds a slot to a policy, and removes the victim if that is one too many.
func (tr trace) takeIn(p *tinylfu.Policy, slot uint32, size int) {
	p.Add(slot, tr.hashes[slot])
	if p.Len() > size {
		victim, _ := p.Victim()
		p.Remove(victim)
	}
}

// mix hashes a key: the end of SplitMix64.
func mix(key uint64) uint64 {
	key += 0x9e3779b97f4a7c15
	key = (key ^ key>>30) * 0xbf58476d1ce4e5b9
	key = (key ^ key>>27) * 0x94d049bb133111eb
	return key ^ key>>31
}
