package store

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// Pieces are what a slice is, whatever the order of pushes and pops.
func TestPieces(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var p pieces[int]
		var want []int
		for next := 0; next < 4*pieceLen; {
			for range rapid.IntRange(0, 2*pieceLen).Draw(t, "pushes") {
				p.push(next)
				want = append(want, next)
				next++
			}
			for range min(len(want), rapid.IntRange(0, 2*pieceLen).Draw(t, "pops")) {
				require.Equal(t, want[len(want)-1], p.pop())
				want = want[:len(want)-1]
			}
			if rapid.IntRange(0, 9).Draw(t, "clear") == 0 {
				p.clear()
				want = nil
			}
			require.Equal(t, len(want), p.n)
			require.LessOrEqual(t, len(p.all), p.n/pieceLen+2, "what is not in use goes")
			var got []int
			for some := p.from(0, 100); len(some) > 0; some = p.from(len(got), 100) {
				require.LessOrEqual(t, len(some), 100)
				got = append(got, some...)
			}
			require.Empty(t, cmp.Diff(want, got, cmpopts.EquateEmpty()))
			for i, x := range want {
				require.Equal(t, x, *p.at(i))
			}
			next++ // so that it ends
		}
	})
}
