package persist_test

import (
	"bytes"
	"errors"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/internal/disk"
	"github.com/latchkey-go/latchkey/persist"
)

// inspect inspects a folder, which must stay as it is.
func inspect(t testing.TB, img disk.Image) *persist.Inspection {
	t.Helper()
	d := img.Boot()
	i, err := persist.Inspect(persist.Config{FS: d, Dir: storeDir}, quiet)
	require.NoError(t, err)
	require.True(t, maps.EqualFunc(img, d.Image(), bytes.Equal), "the folder must stay as it is")
	for _, damage := range i.Damage {
		require.True(t, errors.Is(damage, persist.ErrCorrupt) || errors.Is(damage, persist.ErrVersion), damage)
	}
	return i
}

func TestInspectionOfWhatIsWhole(t *testing.T) {
	for _, w := range workshops(t) {
		t.Run(w.name, func(t *testing.T) {
			want, rec := restoredEntries(t, w.tool(w.img.Boot()))
			got := inspect(t, w.img)
			require.Empty(t, got.Damage)
			require.Empty(t, got.Strays)
			require.Equal(t, w.clean, got.Closed)
			same(t, want, entriesOf(t, got.Recovered.Records))
			require.Equal(t, rec.Seq, got.Recovered.Seq)
			for _, s := range got.Segments {
				require.Zero(t, s.Torn+s.Unused+s.Room)
				require.Equal(t, w.codec.ID(), s.Contents.Codec)
			}
			for i, s := range got.Snapshots {
				require.Equal(t, w.codec.ID(), s.Header.Codec)
				if w.sync != persist.OnSnapshot || i == len(got.Snapshots)-1 {
					require.Equal(t, rec.Seq, s.Reach, "the journal leads on from each snapshot")
				}
			}
		})
	}
}

// Without the manifest, nobody knows which store the files must be of: what is right
// about them is not damaged.
func TestInspectionWithoutTheManifest(t *testing.T) {
	for _, w := range workshops(t) {
		t.Run(w.name, func(t *testing.T) {
			whole, got := inspect(t, w.img), inspect(t, w.img.Without(manifest))
			require.Len(t, got.Damage, 1)
			require.ErrorContains(t, got.Damage[0], "MANIFEST is missing")
			require.Nil(t, got.Recovered)
			require.Len(t, got.Snapshots, len(whole.Snapshots))
			for i, s := range got.Snapshots {
				require.Equal(t, whole.Snapshots[i].Entries, s.Entries)
			}
		})
	}
}

// Every flipped bit is told in a folder that was closed, and every cut that costs
// anything: behind the last change of a segment, nothing counts once another has
// gone on from there.
func TestInspectionOfAllDamageToAClosedFolder(t *testing.T) {
	for _, w := range workshops(t) {
		if !w.clean {
			continue
		}
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			files := w.files()
			for _, name := range files {
				counts := countsTo(w.img[name], name == lastSegment(files))
				w.everyDamage(w.img[name], func(damaged []byte, at int) {
					if len(damaged) < len(w.img[name]) && at >= counts {
						return
					}
					got := inspect(t, w.img.But(name, damaged))
					require.NotEmpty(t, got.Damage, "%s at %d of %d", name, at, len(w.img[name]))
					tellsPlace(t, got.Damage[0].Error(), name, at)
				})
				got := inspect(t, w.img.Without(name))
				require.NotEmpty(t, got.Damage, name)
				require.ErrorContains(t, got.Damage[0], filepath.Base(name)+" is missing")
			}
		})
	}
}

func lastSegment(files []string) (last string) {
	for _, name := range files {
		if strings.Contains(name, "journal-") {
			last = name
		}
	}
	return last
}

// countsTo returns the size of what counts in a file.
func countsTo(data []byte, last bool) int {
	const mark, seal = 'K', 'E'
	end := len(data)
	frames := persist.FramesOf(data)
	for i := len(frames) - 1; !last && (frames[i].Type == mark || frames[i].Type == seal); i-- {
		end = frames[i].Offset
	}
	return end
}

// In a folder that was not closed, damage to what had not been promised passes for
// a torn end. Nothing else does: what isn't said to be damaged opens, and what isn't
// said to be torn either is all there.
func TestInspectionOfAllDamageToAFolderThatWasOpen(t *testing.T) {
	for _, w := range workshops(t) {
		if w.clean {
			continue
		}
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			want, _ := restoredEntries(t, w.tool(w.img.Boot()))
			for _, name := range w.files() {
				w.everyDamage(w.img[name], func(damaged []byte, at int) {
					img := w.img.But(name, damaged)
					got := inspect(t, img)
					if len(got.Damage) > 0 {
						return
					}
					all, rec := restoredEntries(t, w.tool(img.Boot()))
					require.Zero(t, rec.Damaged)
					same(t, all, entriesOf(t, got.Recovered.Records))
					if name == lastSegment(w.files()) && (rec.Torn > 0 || len(damaged) == at) {
						return // to what had not been promised
					}
					same(t, want, all)
				})
			}
		})
	}
}

// everyDamage calls f for every cut and a flipped bit in every byte, with the first
// byte that is not as it was; in folders but the first, for some of them.
func (w workshop) everyDamage(data []byte, f func(damaged []byte, at int)) {
	for i := 0; i < len(data); i += w.stride {
		damaged := slices.Clone(data)
		damaged[i] ^= 1 << (i % 8)
		f(damaged, i)
		f(slices.Clone(data[:i]), i)
	}
}
