package persist_test

import (
	"bytes"
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/internal/disk"
	"github.com/latchkey-go/latchkey/persist"
	"github.com/latchkey-go/latchkey/store"
)

// salvage salvages a folder, which must stay as it is.
func salvage(t testing.TB, w workshop, img disk.Image) *persist.Salvaged {
	t.Helper()
	d := img.Boot()
	s, err := persist.Salvage(w.tool(d), quiet)
	require.NoError(t, err)
	require.True(t, maps.EqualFunc(img, d.Image(), bytes.Equal), "the folder must stay as it is")
	return s
}

func TestSalvageOfWhatIsWhole(t *testing.T) {
	for _, w := range workshops(t) {
		t.Run(w.name, func(t *testing.T) {
			want, rec := restoredEntries(t, w.tool(w.img.Boot()))
			got := salvage(t, w, w.img)
			require.True(t, got.Complete)
			require.Empty(t, got.Lost)
			require.Empty(t, got.Mended)
			require.Equal(t, rec.Capacity, got.Capacity)
			same(t, want, salvagedEntries(t, got))
		})
	}
}

// A single flipped bit, wherever it is, costs nothing.
func TestSalvageOfEveryFlippedBit(t *testing.T) {
	for _, w := range workshops(t) {
		if w.clean {
			continue
		}
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			want, _ := restoredEntries(t, w.tool(w.img.Boot()))
			for _, name := range w.files() {
				for i := 0; i < len(w.img[name]); i += w.stride {
					damaged := slices.Clone(w.img[name])
					damaged[i] ^= 1 << (i % 8)
					got := salvage(t, w, w.img.But(name, damaged))
					require.Empty(t, got.Lost, "%s at %d", name, i)
					same(t, want, salvagedEntries(t, got))
				}
			}
		})
	}
}

// What is left of a file, whichever of its frames is destroyed, is saved: all
// entries but the one that the frame is about are as they were. What is said to be
// complete is.
func TestSalvageWithoutAnyOneFrame(t *testing.T) {
	for _, w := range workshops(t) {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			want, _ := restoredEntries(t, w.tool(w.img.Boot()))
			for _, name := range w.files() {
				for _, frame := range persist.FramesOf(w.img[name]) {
					for _, smash := range []func([]byte, persist.FramePlace) []byte{overwritten, cutOut} {
						img := w.img.But(name, smash(slices.Clone(w.img[name]), frame))
						got := salvage(t, w, img)
						all := salvagedEntries(t, got)
						same(t, without(want, frame.Key), without(all, append(olderKeys(got, want), frame.Key)...))
						if got.Complete {
							same(t, without(want), without(all))
						}
					}
				}
			}
		})
	}
}

func overwritten(data []byte, at persist.FramePlace) []byte {
	for i := range at.Size {
		data[at.Offset+i] ^= byte(0x55 + i)
	}
	return data
}

func cutOut(data []byte, at persist.FramePlace) []byte {
	return slices.Delete(data, at.Offset, at.Offset+at.Size)
}

// olderKeys returns the keys that may be there though they were deleted.
func olderKeys(s *persist.Salvaged, want entries) (keys []string) {
	for _, g := range s.Groups {
		for _, r := range g.Records[len(g.Records)-g.Older:] {
			if _, ok := want[string(r.Key)]; !ok {
				keys = append(keys, string(r.Key))
			}
		}
	}
	return keys
}

// without returns entries but for some keys, and without the order of use: that
// counts all uses, those too that are lost.
func without(all entries, keys ...string) entries {
	rest := make(entries, len(all))
	for k, r := range all {
		if !slices.Contains(keys, k) {
			r.Used = 0
			rest[k] = r
		}
	}
	return rest
}

// Wherever a file is cut off, what does not stand behind that is saved.
func TestSalvageOfEveryCut(t *testing.T) {
	for _, w := range workshops(t) {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			want, _ := restoredEntries(t, w.tool(w.img.Boot()))
			for _, name := range w.files() {
				frames := persist.FramesOf(w.img[name])
				for at := 0; at < len(w.img[name]); at += w.stride {
					got := salvage(t, w, w.img.But(name, slices.Clone(w.img[name][:at])))
					behind := olderKeys(got, want)
					for _, f := range frames {
						if f.Offset+f.Size > at {
							behind = append(behind, f.Key)
						}
					}
					all := salvagedEntries(t, got)
					same(t, without(want, behind...), without(all, behind...))
					if got.Complete && w.clean {
						same(t, without(want), without(all))
					}
				}
			}
		})
	}
}

// Any file may be missing. With a journal, every snapshot may; and the manifest.
func TestSalvageWithoutAFile(t *testing.T) {
	for _, w := range workshops(t) {
		t.Run(w.name, func(t *testing.T) {
			want, _ := restoredEntries(t, w.tool(w.img.Boot()))
			for _, name := range w.files() {
				got := salvage(t, w, w.img.Without(name))
				if got.Complete || name == manifest {
					same(t, without(want), without(salvagedEntries(t, got)))
				}
				if name == manifest {
					require.False(t, got.Complete, "nobody knows what was listed")
					require.Equal(t, []persist.Loss{{Place: persist.Place{File: "MANIFEST"}, Why: "it is missing"}}, got.Lost)
					require.GreaterOrEqual(t, got.Fence, uint64(1<<40), "as many may have been set aside")
				}
			}
		})
	}
}

// The checksums of a segment start from a number in its header. Without that, any
// frame tells; and what is in the file, the others tell, or the caller.
func TestSalvageWithoutHeaders(t *testing.T) {
	for _, w := range workshops(t) {
		t.Run(w.name, func(t *testing.T) {
			want, _ := restoredEntries(t, w.tool(w.img.Boot()))
			img := maps.Clone(w.img)
			for _, name := range w.files() {
				if name == manifest {
					continue
				}
				img[name] = overwritten(slices.Clone(w.img[name]), persist.FramesOf(w.img[name])[0])
				got := salvage(t, w, w.img.But(name, img[name]))
				same(t, without(want), without(salvagedEntries(t, got)))
			}
			require.Empty(t, salvage(t, w, img).Groups, "nothing tells what the entries are")

			d := img.Boot()
			c := w.tool(d)
			c.Codec, c.Schema = w.codec, "string cart"
			got, err := persist.Salvage(c, quiet)
			require.NoError(t, err)
			all := salvagedEntries(t, got)
			for key, r := range want {
				require.Equal(t, r.Value, all[key].Value)
			}
			for _, g := range got.Groups {
				require.Equal(t, persist.Contents{Codec: w.codec.ID(), Schema: "string cart"}, g.Contents)
			}
		})
	}
}

// What is saved makes a good folder, whatever was damaged.
func TestSalvagedFolderOpens(t *testing.T) {
	for _, w := range workshops(t) {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(40) {
				r := rand.New(rand.NewPCG(seed, 0))
				img := maps.Clone(w.img)
				for range 1 + r.IntN(3) {
					name := w.files()[r.IntN(len(w.files()))]
					img[name] = battered(r, img[name])
				}
				got := salvage(t, w, img)
				if len(got.Groups) == 0 {
					continue
				}
				g, d := got.Groups[0], disk.New()
				h := persist.Header{Contents: g.Contents, Taken: got.Taken, Fence: got.Fence, Capacity: got.Capacity}
				c := w.tool(d)
				require.NoError(t, persist.Create(t.Context(), c, h, quiet, persist.WriteAll(t.Context(), g.Records)))
				require.Empty(t, inspect(t, d.Image()).Damage)
				o := w.options(t, d)
				o.Capacity = 100
				s := mustNew(t, o)
				require.Equal(t, len(g.Records), s.Len())
				for key := range s.All() {
					_, err := s.Get(key)
					require.True(t, err == nil || errors.Is(err, store.ErrLocked), err)
				}
				require.NoError(t, s.Set("one more", cart{}))
				l, err := s.TryLock("one more", 0)
				require.NoError(t, err)
				require.Greater(t, l.Fence(), got.Fence)
				require.NoError(t, s.Close())
			}
		})
	}
}

// battered returns data with a stretch of it overwritten, taken out, or twice there.
func battered(r *rand.Rand, data []byte) []byte {
	if len(data) == 0 {
		return data
	}
	data = slices.Clone(data)
	from := r.IntN(len(data))
	to := min(len(data), from+1+r.IntN(80))
	switch r.IntN(3) {
	case 0:
		for i := from; i < to; i++ {
			data[i] = byte(r.Uint32())
		}
		return data
	case 1:
		return slices.Delete(data, from, to)
	default:
		return slices.Insert(data, to, data[from:to]...)
	}
}
