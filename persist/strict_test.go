package persist_test

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/internal/testenv"
	"github.com/latchkey-go/latchkey/persist"
	"github.com/latchkey-go/latchkey/store"
)

// withPreamble returns a file whose preamble is changed and has a good checksum.
func withPreamble(data []byte, change func(preamble []byte)) []byte {
	data = slices.Clone(data)
	change(data[:12])
	binary.LittleEndian.PutUint32(data[12:], crc32.Checksum(data[:12], crc32.MakeTable(crc32.Castagnoli)))
	return data
}

func ofVersion(version byte, data []byte) []byte {
	return withPreamble(data, func(p []byte) { p[9] = version })
}

// Files of another version are no damage: nothing is given up for an older
// snapshot, and nothing is changed.
func TestOtherVersions(t *testing.T) {
	img := twoSnapshots(t)
	for _, version := range []byte{0, 2, 255} {
		for _, file := range []string{manifest, newer} {
			img := img.But(file, ofVersion(version, img[file]))
			d := img.Boot()
			_, err := store.New(options(t, d))
			require.ErrorIs(t, err, persist.ErrVersion)
			require.NotErrorIs(t, err, persist.ErrCorrupt)
			require.True(t, img.Equal(d.Image()))
		}
		s := mustNew(t, store.Options[string, int]{})
		fill(t, s, olderState)
		err := s.Import(bytes.NewReader(ofVersion(version, img[newer])))
		require.ErrorIs(t, err, persist.ErrVersion)
		require.Empty(t, cmp.Diff(olderState, contents(s)))
	}
}

// A file whose checksums are all good is read strictly all the same.
func TestReaderIsStrict(t *testing.T) {
	record := func(key string) persist.Frame {
		return persist.Frame{Type: persist.FrameRecord, Payload: persist.Append(nil, persist.Record{Key: []byte(key), Value: []byte("1")})}
	}
	header := persist.Frame{Type: persist.FrameHeader, Payload: []byte(exportHeader)}
	body := []persist.Frame{header, record(`"a"`), record(`"b"`)}
	footer := persist.Footer(body...)
	file := func(frames ...persist.Frame) []byte { return persist.Frames(persist.KindSnapshot, frames...) }
	whole := file(append(slices.Clone(body), footer)...)
	with := func(last persist.Frame) []byte { return file(append(slices.Clone(body), last)...) }
	a, b, end := frameAt(whole, 1), frameAt(whole, 2), frameAt(whole, 3)

	_, err := readAll(whole)
	require.NoError(t, err)
	for _, test := range []struct {
		name string
		data []byte
		says string
	}{
		{"empty", nil, "cut short"},
		{"magic", withPreamble(whole, func(p []byte) { p[0] = 'l' }), "not a file of Latchkey"},
		{"kind", withPreamble(whole, func(p []byte) { p[8] = 'M' }), `kind 'M' where 'S' is due`},
		{"preamble alone", whole[:persist.PreambleSize], "cut short"},
		{"frames swapped", slices.Concat(whole[:a], whole[b:end], whole[a:b], whole[end:]), "frame 3 where frame 2 is due"},
		{"a frame twice", slices.Concat(whole[:b], whole[a:]), "frame 2 where frame 3 is due"},
		{"a frame missing", slices.Concat(whole[:a], whole[b:]), "frame 3 where frame 2 is due"},
		{"no header", file(record(`"a"`)), `type 'R' where 'H' is due`},
		{"two headers", file(header, header), `unknown type 'H'`},
		{"header is not JSON", file(persist.Frame{Type: persist.FrameHeader, Payload: []byte("{")}), "JSON"},
		{"fence of the header", file(persist.Frame{Type: persist.FrameHeader, Payload: []byte(`{"fence":4611686018427387905}`)}), "a fence of 4611686018427387905"},
		{"generation", file(persist.Frame{Type: persist.FrameHeader, Payload: []byte(`{"generation":4611686018427387905}`)}), "a generation of 4611686018427387905"},
		{"fence of a record", file(header, persist.Frame{Type: persist.FrameRecord, Payload: persist.Append(nil, persist.Record{Fence: 1<<62 + 1})}), "fence is too high"},
		{"no footer", file(body...), "cut short"},
		{"footer is not JSON", with(persist.Frame{Type: persist.FrameFooter, Payload: []byte("[]")}), "the footer is not one"},
		{"count", with(persist.Frame{Type: persist.FrameFooter, Payload: bytes.Replace(footer.Payload, []byte(":2,"), []byte(":3,"), 1)}), "2 records where the footer counts 3"},
		{"hash", with(persist.Footer(header, record(`"a"`), record(`"c"`))), "does not match its hash"},
		{"something after the footer", slices.Concat(whole, whole[a:b]), "bytes after the end"},
		{"record too short", file(header, persist.Frame{Type: persist.FrameRecord, Payload: make([]byte, 83)}), "too short"},
		{"key too long", file(header, persist.Frame{Type: persist.FrameRecord, Payload: append(make([]byte, 80), 1, 0, 0, 0)}), "longer than the record"},
		{"type", file(header, persist.Frame{Type: '?'}), `unknown type '?'`},
		{"length", claiming(whole, a, 1<<30+85), "claims 1073741909 bytes"},
	} {
		_, err := readAll(test.data)
		require.ErrorIs(t, err, persist.ErrCorrupt, test.name)
		require.ErrorContains(t, err, test.says, test.name)
	}
}

// frameAt returns where the n-th frame of a file begins, from 0.
func frameAt(data []byte, n int) int {
	at := persist.PreambleSize
	for range n {
		at += persist.FrameSize + int(binary.LittleEndian.Uint32(data[at+4:]))
	}
	return at
}

// claiming returns the file with another length in the frame at a place.
func claiming(data []byte, at int, n uint32) []byte {
	data = slices.Clone(data)
	binary.LittleEndian.PutUint32(data[at+4:], n)
	return data
}

func TestManifestIsReadStrictly(t *testing.T) {
	img := twoSnapshots(t)
	for _, frames := range [][]persist.Frame{
		{},
		{{Type: persist.FrameHeader, Payload: []byte("{}")}},
		{{Type: persist.FrameState, Payload: []byte("[]")}},
		{{Type: persist.FrameState, Payload: []byte("{}")}, {Type: persist.FrameState, Payload: []byte("{}")}},
		{{Type: persist.FrameState, Payload: []byte(`{"fence":4611686018427387905}`)}},
		{{Type: persist.FrameState, Payload: []byte(`{"generations":[4611686018427387905]}`)}},
	} {
		refusesToOpen(t, img.But(manifest, persist.Frames(persist.KindManifest, frames...)), manifest, 1000)
	}
}

// An import is read as strictly: two entries never become one.
func TestImportOfTwoEntriesForOneKey(t *testing.T) {
	twice := persist.Append(nil, persist.Record{Key: []byte(`"a"`), Value: []byte("1")})
	body := []persist.Frame{
		{Type: persist.FrameHeader, Payload: []byte(exportHeader)},
		{Type: persist.FrameRecord, Payload: twice},
		{Type: persist.FrameRecord, Payload: twice},
	}
	s := mustNew(t, store.Options[string, int]{})
	fill(t, s, olderState)
	data := persist.Frames(persist.KindSnapshot, append(body, persist.Footer(body...))...)
	require.ErrorIs(t, s.Import(bytes.NewReader(data)), persist.ErrCorrupt)
	require.Empty(t, cmp.Diff(olderState, contents(s)))
}

func TestWriterRefusesWhatNoReaderTakes(t *testing.T) {
	if testenv.Race {
		return // it would take note of every byte of a gigabyte
	}
	var b bytes.Buffer
	w, err := persist.NewWriter(&b, persist.Header{})
	require.NoError(t, err)
	require.ErrorContains(t, w.Write(&persist.Record{Value: make([]byte, persist.MaxRecord+1)}), "the most is 1073741824")
}

// A key that could never be found again does not come in by way of a snapshot.
func TestImportOfAnImpossibleKey(t *testing.T) {
	nan, err := persist.Gob{}.Marshal(math.NaN())
	require.NoError(t, err)
	one, err := persist.Gob{}.Marshal(1)
	require.NoError(t, err)
	body := []persist.Frame{
		{Type: persist.FrameHeader, Payload: []byte(`{"codec":"gob","schema":"float64 int"}`)},
		{Type: persist.FrameRecord, Payload: persist.Append(nil, persist.Record{Key: nan, Value: one})},
	}
	s := mustNew(t, store.Options[float64, int]{Persist: persist.Config{Codec: persist.Gob{}}})
	require.NoError(t, s.Set(1, 1))
	data := persist.Frames(persist.KindSnapshot, append(body, persist.Footer(body...))...)
	require.ErrorIs(t, s.Import(bytes.NewReader(data)), store.ErrInvalidKey)
	require.Empty(t, cmp.Diff(map[float64]int{1: 1}, contents(s)))
}
