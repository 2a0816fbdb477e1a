package persist_test

import (
	"maps"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/internal/disk"
	"github.com/latchkey-go/latchkey/persist"
)

// Whatever stands in whichever file, Salvage comes to an end, makes nothing up, and
// what it saves makes a good folder.
func FuzzSalvage(f *testing.F) {
	all := workshops(f)[:6]
	for i, w := range all {
		for k, name := range w.files() {
			f.Add(byte(i), byte(k), w.img[name])
			f.Add(byte(i), byte(k), w.img[name][:len(w.img[name])/2])
			f.Add(byte(i), byte(k), overwritten(append([]byte{}, w.img[name]...), persist.FramePlace{Offset: 8, Size: 40}))
		}
	}
	f.Fuzz(func(t *testing.T, i, k byte, data []byte) {
		w := all[int(i)%len(all)]
		names := w.files()
		img := maps.Clone(w.img)
		img[names[int(k)%len(names)]] = append([]byte{}, data...)

		got := salvage(t, w, img)
		size := 0
		for _, g := range got.Groups {
			for _, r := range g.Records {
				size += len(r.Value)
			}
		}
		bound := 0
		for _, data := range img {
			bound += len(data)
		}
		require.LessOrEqual(t, size, bound, "bytes out of nothing")
		inspect(t, img)

		for _, g := range got.Groups {
			d := disk.New()
			h := persist.Header{Contents: g.Contents, Taken: got.Taken, Fence: got.Fence, Capacity: got.Capacity}
			c := persist.Config{FS: d, Dir: storeDir}
			require.NoError(t, persist.Create(t.Context(), c, h, quiet, persist.WriteAll(t.Context(), g.Records)))
			made := inspect(t, d.Image())
			require.Empty(t, made.Damage)
			same(t, entriesOf(t, g.Records), entriesOf(t, made.Recovered.Records))
		}
	})
}
