package persist_test

import (
	"encoding/binary"
	"hash/crc32"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/internal/disk"
	"github.com/latchkey-go/latchkey/persist"
	"github.com/latchkey-go/latchkey/store"
)

// beginFrame is the first frame of a segment, behind the change with the number given.
func beginFrame(after ...byte) persist.Frame {
	return persist.Frame{Type: persist.FrameBegin, Payload: append([]byte{1}, after...)}
}

// changeFrame is the frame of a change that follows one which is durable.
func changeFrame(c persist.Change) persist.Frame {
	return persist.Frame{Type: byte(c.Kind), Payload: append([]byte{1}, persist.AppendChange(nil, c)...)}
}

// setA sets the entry "a".
func setA(revision uint64) persist.Change {
	return persist.Change{Kind: persist.ChangeSet, At: 946684800e9, Revision: revision, Key: []byte(`"a"`), Value: []byte("1")}
}

// sealFor is the seal of a segment, with a number of frames and a sum that is as
// wrong as it says.
func sealFor(data []byte, frames byte, wrong uint32, more ...byte) persist.Frame {
	sum := crc32.Checksum(data, crc32.MakeTable(crc32.Castagnoli)) + wrong
	payload := binary.LittleEndian.AppendUint32([]byte{1, frames}, sum)
	return persist.Frame{Type: persist.FrameSeal, Payload: append(payload, more...)}
}

// segmentOf is the first segment of store X.
func segmentOf(frames ...persist.Frame) []byte {
	return persist.Segment("X", 1, 1, fuzzContents, frames...)
}

// openSegment opens a folder whose journal is a segment.
func openSegment(t *testing.T, segment []byte) (*store.Store[string, int], error) {
	return openListed(t, manifestText, segment)
}

// manifestOf is the manifest with a text, be that as it may.
func manifestOf(text string) []byte {
	return persist.Frames(persist.KindManifest, persist.Frame{Type: persist.FrameState, Payload: []byte(text)})
}

func openListed(t *testing.T, text string, segment []byte) (*store.Store[string, int], error) {
	img := emptyFolder().But(manifest, manifestOf(text)).But(segmentOne, segment)
	o := options(t, img.Boot())
	o.Persist.Sync = persist.Always
	return store.New(o)
}

// A segment whose checksums are all good, and that no store has written, is refused.
func TestSegmentIsReadStrictly(t *testing.T) {
	begin, set := beginFrame(0), changeFrame(setA(1))
	good := segmentOf(begin, set)
	s, err := openSegment(t, segmentOf(begin, set, sealFor(good, 3, 0)))
	require.NoError(t, err)
	require.Equal(t, map[string]int{"a": 1}, contents(s))

	with := func(changes ...persist.Change) []byte {
		frames := []persist.Frame{begin, set}
		for _, c := range changes {
			frames = append(frames, changeFrame(c))
		}
		return segmentOf(frames...)
	}
	key, other := []byte(`"a"`), []byte(`"b"`)
	lock := persist.Change{Kind: persist.ChangeLock, Fence: 5, Until: 1 << 62, Key: key}
	sealed := segmentOf(begin, set, sealFor(good, 3, 0))
	header := len(segmentOf())
	gap := slices.Concat(good, persist.Segment("X", 1, 4, fuzzContents, changeFrame(setA(2)))[header:])
	const begins, seals, record = "does not begin as one", "does not match its seal", "a record that is not one"
	for _, test := range []struct {
		name string
		data []byte
		says string
	}{
		{"another store's", persist.Segment("Y", 1, 1, fuzzContents, begin, set), `segment 1 of store "Y"`},
		{"another segment", persist.Segment("X", 2, 1, fuzzContents, begin, set), "segment 2 of store"},
		{"no beginning", segmentOf(set), begins},
		{"a mark in its place", segmentOf(persist.Frame{Type: persist.FrameMark, Payload: []byte{1, 0}}, set), begins},
		{"an empty beginning", segmentOf(beginFrame(), set), begins},
		{"a long beginning", segmentOf(beginFrame(0, 0), set), begins},
		{"behind itself", segmentOf(beginFrame(1), set), begins},
		{"behind changes that are missing", persist.Segment("X", 1, 9, fuzzContents, beginFrame(5), set), "it goes on behind change 5"},
		{"a gap", gap, "record 4 where 3 is due"},
		{"frames in the seal", segmentOf(begin, set, sealFor(good, 2, 0)), seals},
		{"sum in the seal", segmentOf(begin, set, sealFor(good, 3, 1)), seals},
		{"a long seal", segmentOf(begin, set, sealFor(good, 3, 0, 0)), seals},
		{"an empty seal", segmentOf(begin, set, persist.Frame{Type: persist.FrameSeal, Payload: []byte{1}}), seals},
		{"a seal without a sum", segmentOf(begin, set, persist.Frame{Type: persist.FrameSeal, Payload: []byte{1, 3}}), seals},
		{"a frame behind the seal", append(slices.Clone(sealed), good[header:]...), "bytes after the seal"},
		{"a byte behind the seal", append(slices.Clone(sealed), 1), "bytes after the seal"},
		{"a byte behind zeros behind the seal", append(slices.Clone(sealed), append(make([]byte, 100), 1)...), "bytes after the seal"},
		{"kind", segmentOf(begin, persist.Frame{Type: '?', Payload: make([]byte, 9)}), "not one"},
		{"unknown kind", segmentOf(begin, persist.Frame{Type: '?', Payload: append([]byte{1}, make([]byte, 8)...)}), "unknown type '?'"},
		{"no time", segmentOf(begin, set, persist.Frame{Type: 'D', Payload: []byte{1}}), record},
		{"fence", with(persist.Change{Kind: persist.ChangeLock, Fence: 1<<62 + 1, Key: key}), record},
		{"TTL", with(persist.Change{Kind: persist.ChangeSet, TTL: -1, Revision: 2, Key: key, Value: []byte("1")}), record},
		{"revision", with(setA(3)), "revision 3 of an entry at revision 1"},
		{"revision of nothing", segmentOf(begin, changeFrame(setA(2))), "revision 2 of an entry that isn't there"},
		{"end of nothing", with(persist.Change{Kind: persist.ChangeDelete, Key: other}), "an entry that isn't there"},
		{"lease on nothing", with(persist.Change{Kind: persist.ChangeLock, Fence: 5, Key: other}), "a lease with fence 5"},
		{"fence that falls", with(lock, persist.Change{Kind: persist.ChangeLock, Fence: 4, Key: key}), "a lease with fence 4"},
		{"end of a lease on nothing", with(persist.Change{Kind: persist.ChangeUnlock, Fence: 5, Key: other}), "the end of a lease with fence 5"},
		{"end of another lease", with(lock, persist.Change{Kind: persist.ChangeUnlock, Fence: 4, Key: key}), "the end of a lease with fence 4"},
	} {
		_, err := openSegment(t, test.data)
		if test.name == "kind" { // its number is 0: no frame, and nothing says that it was durable
			require.NoError(t, err)
			continue
		}
		require.ErrorIs(t, err, persist.ErrCorrupt, test.name)
		require.ErrorContains(t, err, test.says, test.name)
	}
}

// A frame whose numbers can't be is none, and what is no frame, and was not promised,
// is a torn end.
func TestFramesThatAreNone(t *testing.T) {
	begin, set := beginFrame(0), changeFrame(setA(1))
	mark := func(payload ...byte) persist.Frame {
		return persist.Frame{Type: persist.FrameMark, Payload: payload}
	}
	huge := segmentOf(begin, set, mark(1))
	binary.LittleEndian.PutUint32(huge[len(huge)-1-persist.FrameSize+4:], 1<<30+85)
	for name, data := range map[string][]byte{
		"durable before it was written": segmentOf(begin, set, mark(0)),
		"durable below zero":            segmentOf(begin, set, mark(9)),
		"empty":                         segmentOf(begin, set, mark()),
		"a number above all":            persist.Segment("X", 1, 1<<62-2, fuzzContents, begin, set, mark(1), mark(1)),
		"a length above all":            huge,
	} {
		s, err := openSegment(t, data)
		require.NoError(t, err, name)
		require.Equal(t, map[string]int{"a": 1}, contents(s), name)
		require.NotZero(t, s.Stats().TornBytes, name)
	}
}

// What a user has stored may look like frames of the journal: no other one has its
// salt. So it vouches for nothing that a crash has torn.
func TestValuesThatLookLikeFrames(t *testing.T) {
	marks := slices.Repeat([]persist.Frame{{Type: persist.FrameMark, Payload: []byte{1}}}, 10)
	d := disk.New()
	o := store.Options[string, []byte]{}
	o.Persist = persist.Config{FS: d, Dir: storeDir, Sync: persist.Always, Codec: persist.Gob{}}
	s := mustNew(t, o)
	require.NoError(t, s.Set("a", persist.Frames(persist.KindSegment, marks...)))
	img := d.Image()
	for _, f := range persist.FramesOf(img[segmentOne]) {
		if f.Type == byte(persist.ChangeSet) {
			o.Persist.FS = img.But(segmentOne, img[segmentOne][:f.Offset+f.Size-1]).Boot()
		}
	}
	s = mustNew(t, o)
	require.Zero(t, s.Len())
	require.NotZero(t, s.Stats().TornBytes)
}

// A manifest whose numbers are not in order was not written by a store.
func TestManifestIsInOrder(t *testing.T) {
	for _, text := range []string{
		`{"store":"X","generations":[2,1],"fence":7}`,
		`{"store":"X","generations":null,"segments":[1,1],"fence":7}`,
		`{"store":"X","generations":null,"segments":[4611686018427387905],"fence":7}`,
	} {
		_, err := store.New(options(t, emptyFolder().But(manifest, manifestOf(text)).Boot()))
		require.ErrorIs(t, err, persist.ErrCorrupt, text)
		require.ErrorContains(t, err, "MANIFEST at byte 16", text)
	}
}

// A journal that was closed has all changes up to the last one, and a crash has torn
// nothing of it.
func TestClosedJournalIsWhole(t *testing.T) {
	const closed = `{"store":"X","generations":null,"segments":[1],"closed":3,"fence":7}`
	whole := segmentOf(beginFrame(0), changeFrame(setA(1)), changeFrame(setA(2)))
	_, err := openListed(t, closed, whole)
	require.NoError(t, err)
	_, err = openListed(t, closed, segmentOf(beginFrame(0), changeFrame(setA(1))))
	require.ErrorIs(t, err, persist.ErrCorrupt)
	require.ErrorContains(t, err, "ends with change 2, and was closed after 3")
	_, err = openListed(t, closed, append(slices.Clone(whole), 1)) // of a seal
	require.ErrorIs(t, err, persist.ErrCorrupt)
}

// A manifest is not mended into one that no store has written.
func TestSalvageMendsNoManifestThatCannotBe(t *testing.T) {
	for text, mended := range map[string]int{
		`{"store":"X","generations":[1,2],"segments":[1,2],"fence":7}`: 1,
		`{"store":"X","generations":[2,1],"fence":7}`:                  0,
		`{"store":"X","generations":[],"segments":[2,1],"fence":7}`:    0,
		`{"store":"X","generations":[],"fence":4611686018427387905}`:   0,
		`{"store":"X","generations":[4611686018427387905],"fence":7}`:  0,
		`{"store":"X","segments":[4611686018427387905],"fence":7}`:     0,
	} {
		data := manifestOf(text)
		img := emptyFolder().But(segmentOne, segmentOf(beginFrame(0))).But(manifest, flipped(data, len(data)-1))
		got, err := persist.Salvage(persist.Config{FS: img.Boot(), Dir: storeDir}, quiet)
		require.NoError(t, err)
		require.Len(t, got.Mended, mended, text)
	}
}
