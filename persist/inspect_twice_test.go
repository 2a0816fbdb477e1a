package persist_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/internal/disk"
	"github.com/latchkey-go/latchkey/persist"
)

// names reports whether one of some errors is about a file.
func names(damage []error, file string) bool {
	return slices.ContainsFunc(damage, func(err error) bool { return strings.Contains(err.Error(), filepath.Base(file)) })
}

// flipped returns data with a bit of one byte flipped.
func flipped(data []byte, at int) []byte {
	data = slices.Clone(data)
	data[at] ^= 1
	return data
}

// All damage is told, not only that which a store would stumble over first: what is
// told of a file alone is told beside damage to the newest snapshot too.
func TestInspectionOfDamageToTwoFiles(t *testing.T) {
	for _, w := range workshops(t)[:6] {
		if w.sync == persist.OnSnapshot {
			continue
		}
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			files := w.files()
			newest := files[len(files)-1]
			require.Contains(t, newest, "snapshot-")
			other := w
			other.work(t)
			both := func(name string, data []byte, what string) {
				if alone := inspect(t, w.img.But(name, data)); !names(alone.Damage, name) {
					return
				}
				img := w.img.But(name, data).But(newest, flipped(w.img[newest], 40))
				got := inspect(t, img)
				require.True(t, names(got.Damage, name), "%s, %s: %v", name, what, got.Damage)
				require.True(t, names(got.Damage, newest), "%s, %s", name, what)
			}
			for _, name := range files[:len(files)-1] {
				both(name, other.img[name], "another store's")
				for _, twin := range files {
					both(name, w.img[twin], twin)
				}
				for at := 0; at < len(w.img[name]); at += 7 {
					both(name, flipped(w.img[name], at), "flipped")
					both(name, w.img[name][:at], "cut")
				}
			}
		})
	}
}

// Two entries for one key are damage, behind good checksums too: an inspection
// says so, and a journal does not go on from there.
func TestSnapshotOfTwoEntriesForOneKey(t *testing.T) {
	one := persist.Frame{Type: persist.FrameRecord, Payload: persist.Append(nil, persist.Record{Key: []byte(`"a"`), Value: []byte("1"), Revision: 1})}
	header := `{"codec":"json","schema":"string int","store":"X","generation":1,"segment":1,"taken":"2000-01-01T00:00:00Z","fence":0}`
	body := []persist.Frame{{Type: persist.FrameHeader, Payload: []byte(header)}, one, one}
	img := emptyFolder().But(storeDir+"/LOCK", []byte{})
	img[storeDir+"/snapshot-000000000001"] = persist.Frames(persist.KindSnapshot, append(body, persist.Footer(body...))...)
	listing := func(text string) disk.Image {
		return img.But(manifest, persist.Frames(persist.KindManifest, persist.Frame{Type: persist.FrameState, Payload: []byte(text)}))
	}
	got := inspect(t, listing(`{"store":"X","generations":[1],"fence":7}`))
	require.Len(t, got.Damage, 1)
	require.ErrorContains(t, got.Damage[0], "two entries for one key")

	img[segmentOne] = segmentOf(beginFrame(0), changeFrame(setA(2)))
	got = inspect(t, listing(`{"store":"X","generations":[1],"segments":[1],"fence":7}`))
	require.Nil(t, got.Recovered, "an older state is no excuse")
}

// A change that was torn when a store went on before it is of no meaning. But where
// one flipped bit is all that is wrong with it, it had been written well, and what
// was taken for torn then was damaged: that is told, late as it is.
func TestInspectionOfDamageTakenForTorn(t *testing.T) {
	segment := segmentOf(beginFrame(0), changeFrame(setA(1)), changeFrame(setA(2)))
	img := emptyFolder().But(storeDir+"/LOCK", []byte{})
	img[manifest] = persist.Frames(persist.KindManifest, persist.Frame{Type: persist.FrameState, Payload: []byte(`{"store":"X","generations":null,"segments":[1,2],"fence":7}`)})
	img[storeDir+"/journal-000000000002"] = persist.Segment("X", 2, 3, fuzzContents, beginFrame(2))

	got := inspect(t, img.But(segmentOne, segment[:len(segment)-1]))
	require.Empty(t, got.Damage)
	require.NotZero(t, got.Segments[0].Unused)
	got = inspect(t, img.But(segmentOne, flipped(segment, len(segment)-1)))
	require.True(t, names(got.Damage, segmentOne), got.Damage)
	require.NotNil(t, got.Recovered, "a store passes it over")
}

// Behind good checksums too, an inspection looks at each record, whatever becomes of
// the rest of the folder.
func TestInspectionOfRecordsThatCannotBe(t *testing.T) {
	good, header := segmentOf(beginFrame(0), changeFrame(setA(1))), len(segmentOf())
	late := persist.Segment("X", 1, 4, fuzzContents, changeFrame(setA(2)))
	for says, segment := range map[string][]byte{
		"record 4 where 3 is due":  slices.Concat(good, late[header:]),
		"a record that is not one": segmentOf(beginFrame(0), persist.Frame{Type: 'D', Payload: []byte{1}}),
	} {
		img := emptyFolder().But(storeDir+"/LOCK", []byte{}).But(manifest, []byte("damaged")).But(segmentOne, segment)
		damage := inspect(t, img).Damage
		require.True(t, names(damage, manifest))
		require.True(t, slices.ContainsFunc(damage, func(err error) bool { return strings.Contains(err.Error(), says) }), says)
	}
}

// A snapshot in the place of another, or of another store, is damage to itself, whether
// or not a store would have to go by it.
func TestInspectionOfSnapshotsInTheWrongPlace(t *testing.T) {
	for _, w := range workshops(t)[:6] {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			other := w
			other.work(t)
			snapshots := slices.DeleteFunc(w.files(), func(name string) bool { return !strings.Contains(name, "snapshot-") })
			for i, name := range snapshots {
				wrong := [][]byte{other.img[name]}
				for _, twin := range snapshots {
					if twin != name {
						wrong = append(wrong, w.img[twin])
					}
				}
				for _, data := range wrong {
					require.NotNil(t, data)
					got := inspect(t, w.img.But(name, data))
					require.ErrorIs(t, got.Snapshots[i].Damage, persist.ErrCorrupt)
				}
			}
		})
	}
}
