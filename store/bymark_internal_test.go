package store

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// Whatever is listed in between, the earliest comes first, and each once.
func TestByMark(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var b byMark
		var listed []marked
		mark := rapid.OneOf(
			rapid.Int64Range(0, 3), // many alike
			rapid.Int64Range(-1000, 1000),
			rapid.SampledFrom([]int64{math.MinInt64, math.MaxInt64 - 1}),
		)
		slot := int32(0)
		push := func(t *rapid.T) {
			m := marked{instant(mark.Draw(t, "mark")), slot}
			slot++
			b.push(m.it, m.at)
			listed = append(listed, m)
		}
		t.Repeat(map[string]func(*rapid.T){
			"push": push,
			"push many": func(t *rapid.T) {
				for range rapid.IntRange(1, 5*fewMarked).Draw(t, "n") {
					push(t)
				}
			},
			"pop": func(t *rapid.T) {
				for range min(len(listed), rapid.IntRange(1, 2*fewMarked).Draw(t, "n")) {
					first := b.pop()
					at := slices.Index(listed, first)
					require.GreaterOrEqual(t, at, 0)
					for _, m := range listed {
						require.LessOrEqual(t, first.at, m.at)
					}
					listed = slices.Delete(listed, at, at+1)
				}
			},
			"clear": func(t *rapid.T) {
				if rapid.IntRange(0, 9).Draw(t, "really") == 0 {
					b.clear()
					listed = nil
				}
			},
			"": func(t *rapid.T) {
				require.Equal(t, len(listed), b.len())
				next := never
				for _, m := range listed {
					next = min(next, m.at)
				}
				require.Equal(t, next, b.next())
			},
		})
	})
}

// More than are put in order at all come in order, whatever that was before.
func TestByMarkOfMany(t *testing.T) {
	const n = 3 * mostSome
	r := rand.New(rand.NewPCG(1, 2))
	for name, mark := range map[string]func(i int) int{
		"rising":    func(i int) int { return i },
		"falling":   func(i int) int { return -i },
		"at random": func(int) int { return r.IntN(n) },
		"alike":     func(int) int { return 1 },
		"few":       func(int) int { return r.IntN(3) },
		"up, down":  func(i int) int { return min(i, n-i) },
	} {
		t.Run(name, func(t *testing.T) {
			var b byMark
			var want []instant
			for i := range n {
				want = append(want, instant(mark(i)))
				b.push(int32(i), want[i])
			}
			slices.Sort(want)
			for i, at := range want {
				require.Equal(t, at, b.next())
				require.LessOrEqual(t, len(b.ends), 100, "none of a part that has gone")
				require.Equal(t, at, b.pop().at, i)
			}
			require.Zero(t, b.len())
		})
	}
}
