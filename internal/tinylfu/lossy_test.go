package tinylfu_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/internal/testenv"
	"github.com/latchkey-go/latchkey/internal/tinylfu"
)

// TestLossyReads: reads that a busy store drops or reports late cost little.
func TestLossyReads(t *testing.T) {
	if testenv.Race || testing.Short() {
		t.Skip("one goroutine: nothing to detect")
	}
	traces := newTraces(t)
	var exact, dropped, delayed, both, n float64
	for _, r := range testenv.HitRatios(t) {
		if !strings.HasPrefix(r.Trace, "weblog_") && !strings.HasPrefix(r.Trace, "cache2k_web") || r.Size < 200 {
			continue
		}
		tr := traces.load(r.Trace)
		exact += tr.replay(r.Size)
		dropped += tr.lossy(r.Size, 0.1, 1)
		delayed += tr.lossy(r.Size, 0, 64)
		both += tr.lossy(r.Size, 0.1, 64)
		n++
	}
	t.Logf("mean of %.0f rows: %.2f; 10 %% dropped %.2f, 64 at a time %.2f, both %.2f",
		n, exact/n, dropped/n, delayed/n, both/n)
	require.InDelta(t, exact/n, dropped/n, 0.5)
	require.InDelta(t, exact/n, delayed/n, 0.5)
	require.InDelta(t, exact/n, both/n, 0.5)
}

// lossy is replay with a share of the hits dropped and the others applied batch
// by batch, each in a random order.
func (tr trace) lossy(size int, drop float64, batch int) float64 {
	p, draw := tinylfu.New(size), rand.New(rand.NewPCG(1, 2))
	var late []uint32
	hits := 0
	for _, slot := range tr.slots {
		if p.Has(slot) {
			hits++
			if draw.Float64() >= drop {
				late = append(late, slot)
			}
			if len(late) >= batch {
				draw.Shuffle(len(late), func(i, j int) { late[i], late[j] = late[j], late[i] })
				for _, slot := range late {
					p.Hit(slot, tr.hashes[slot])
				}
				late = late[:0]
			}
			continue
		}
		tr.takeIn(p, slot, size)
	}
	return 100 * float64(hits) / float64(len(tr.slots))
}
