package persist_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/persist"
	"github.com/latchkey-go/latchkey/store"
)

const (
	segmentOne   = storeDir + "/journal-000000000001"
	manifestText = `{"store":"X","generations":[],"segments":[1],"fence":7}`
)

var fuzzContents = persist.Contents{Codec: "json", Schema: "string int"}

// withSegment opens a folder with a segment alone, which then must work on,
// whatever is in it.
func withSegment(t testing.TB, segment []byte) {
	t.Helper()
	img := emptyFolder()
	img[manifest] = persist.Frames(persist.KindManifest, persist.Frame{Type: persist.FrameState, Payload: []byte(manifestText)})
	img[segmentOne] = append([]byte{}, segment...)
	o := options(t, img.Boot())
	o.Persist.Sync = persist.Always
	s, err := store.New(o)
	if err != nil {
		switch {
		case errors.Is(err, persist.ErrCodecMismatch), errors.Is(err, persist.ErrTypeMismatch), errors.Is(err, store.ErrInvalidKey):
		case strings.Contains(err.Error(), "codec can't decode"):
		default:
			told(t, err)
		}
		return
	}
	for key := range s.All() {
		if m, _ := s.Metadata(key); m.LockedUntil.IsZero() {
			_, err := s.Update(key, func(old int, _ bool) (int, error) { return old + 1, nil })
			require.NoError(t, err)
		}
	}
	want := contents(s)
	require.NoError(t, s.Close())
	require.Equal(t, want, contents(mustNew(t, o)))
}

func FuzzSegment(f *testing.F) {
	begin := persist.Frame{Type: persist.FrameBegin, Payload: []byte{1, 0}}
	set := persist.Frame{Type: 'S', Payload: append([]byte{1}, persist.AppendChange(nil, persist.Change{
		Kind: persist.ChangeSet, At: 946684800e9, Revision: 1, Key: []byte(`"a"`), Value: []byte("1"),
	})...)}
	whole := persist.Segment("X", 1, 1, fuzzContents, begin, set, persist.Frame{Type: persist.FrameMark, Payload: []byte{1}})
	f.Add(whole)
	f.Add(whole[:len(whole)-3])
	f.Add(append(bytes.Clone(whole), make([]byte, 100)...))
	f.Add([]byte("LATCHKEY"))
	f.Fuzz(func(t *testing.T, data []byte) { withSegment(t, data) })
}

// Behind good checksums too, nothing is taken on trust.
func FuzzSegmentFrames(f *testing.F) {
	for _, c := range []persist.Change{
		{Kind: persist.ChangeSet, At: 946684800e9, TTL: 1, Revision: 1, Key: []byte(`"a"`), Value: []byte("1")},
		{Kind: persist.ChangeSet, Revision: 9, Key: []byte(`"a"`)},
		{Kind: persist.ChangeDelete, Key: []byte(`"a"`)},
		{Kind: persist.ChangeEvict, Key: []byte(`"a"`)},
		{Kind: persist.ChangeExpire, Key: []byte(`"b"`)},
		{Kind: persist.ChangeLock, Fence: 1 << 61, Until: 946684801e9, Key: []byte(`"a"`)},
		{Kind: persist.ChangeUnlock, Fence: 1, Key: []byte(`"a"`)},
		{Kind: persist.ChangeAccess, Accesses: 1 << 63, At: -1, Key: []byte(`"a"`)},
		{Kind: persist.ChangeClear},
		{Kind: persist.ChangeResize, Capacity: 1},
	} {
		f.Add(byte(c.Kind), append([]byte{1}, persist.AppendChange(nil, c)...), uint64(1))
	}
	f.Add(byte(persist.FrameSeal), []byte{1, 2, 3, 4, 5, 6}, uint64(1))
	f.Add(byte(persist.FrameBegin), []byte{1, 0}, uint64(1<<59))
	f.Fuzz(func(t *testing.T, typ byte, payload []byte, first uint64) {
		first %= 1 << 60 // no store gets near the highest number, and one that did could not go on
		begin := persist.Frame{Type: persist.FrameBegin, Payload: []byte{1, 0}}
		set := persist.Frame{Type: 'S', Payload: append([]byte{1}, persist.AppendChange(nil, persist.Change{
			Kind: persist.ChangeSet, At: 946684800e9, Revision: 1, Key: []byte(`"a"`), Value: []byte("1"),
		})...)}
		withSegment(t, persist.Segment("X", 1, first, fuzzContents, begin, set, persist.Frame{Type: typ, Payload: payload}))
		withSegment(t, persist.Segment("X", 1, first, fuzzContents, persist.Frame{Type: typ, Payload: payload}, set))
	})
}

func FuzzChange(f *testing.F) {
	f.Add(byte('S'), persist.AppendChange(nil, persist.Change{Kind: persist.ChangeSet, TTL: 1 << 40, Revision: 300, Accesses: 1, Key: []byte("k"), Value: []byte("v")}))
	f.Add(byte('L'), persist.AppendChange(nil, persist.Change{Kind: persist.ChangeLock, Fence: 1 << 40, Until: -1, Key: []byte("k")}))
	f.Add(byte('C'), make([]byte, 8))
	f.Add(byte('A'), append(make([]byte, 8), 0x80, 0, 'k')) // a number that is padded
	f.Fuzz(func(t *testing.T, kind byte, payload []byte) {
		c, err := persist.ParseChange(kind, payload)
		if err == nil && !bytes.Equal(payload, persist.AppendChange(nil, c)) {
			t.Errorf("%q %x is read as %+v, which is written otherwise", kind, payload, c)
		}
	})
}

// What a description or a value says makes nobody panic.
func FuzzDescribedGob(f *testing.F) {
	c, description, err := persist.Gob{}.Describe(new(session))
	require.NoError(f, err)
	data, err := c.Marshal(session{User: "Ada", Cart: map[string]int{"tea": 1}})
	require.NoError(f, err)
	f.Add(description, data)
	f.Add(description[:len(description)-1], data)
	f.Add(description, data[1:])
	f.Add([]byte(nil), []byte(nil))
	f.Fuzz(func(t *testing.T, description, data []byte) {
		c, _, err := persist.Gob{}.Described(new(session), description)
		if err == nil {
			_ = c.Unmarshal(data, new(session))
		}
	})
}

// A segment's frame that claims to be long makes nobody set memory aside for it.
func TestMemoryIsBoundedByTheSegment(t *testing.T) {
	good := persist.Segment("X", 1, 1, fuzzContents, persist.Frame{Type: persist.FrameBegin, Payload: []byte{1, 0}})
	for _, claim := range []uint32{1 << 20, 1 << 30} {
		data := append(bytes.Clone(good), bytes.Repeat([]byte{1}, persist.FrameSize+100)...)
		binary.LittleEndian.PutUint32(data[len(good)+4:], claim)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		withSegment(t, data)
		runtime.ReadMemStats(&after)
		require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(1<<20))
	}
}
