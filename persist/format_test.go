package persist_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/gob"
	"encoding/hex"
	"encoding/json"
	"hash/crc32"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
)

// The reader in this file knows what FORMAT.md says, and nothing of the package.

type docFrame struct {
	typ     byte
	payload []byte
	at      int
}

func docFrames(t *testing.T, data []byte, kind byte) []docFrame {
	t.Helper()
	crc := func(b []byte) uint32 { return crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)) }
	le := binary.LittleEndian
	require.Equal(t, "LATCHKEY", string(data[:8]))
	require.Equal(t, []byte{kind, 1, 0, 0}, data[8:12])
	require.Equal(t, crc(data[:12]), le.Uint32(data[12:]))
	var frames []docFrame
	for at := 16; at < len(data); {
		n := int(le.Uint32(data[at+4:]))
		end := at + 17 + n
		require.Equal(t, crc(data[at+4:end]), le.Uint32(data[at:]))
		require.EqualValues(t, len(frames)+1, le.Uint64(data[at+8:]))
		frames = append(frames, docFrame{data[at+16], data[at+17 : end], at})
		at = end
	}
	return frames
}

func readGolden(t *testing.T, codec, name string) []byte {
	data, err := os.ReadFile(filepath.Join("testdata", "golden", "v1", codec, name))
	require.NoError(t, err)
	return data
}

func TestFormatOfTheManifest(t *testing.T) {
	frames := docFrames(t, readGolden(t, "json", "MANIFEST"), 'M')
	require.Len(t, frames, 1)
	require.EqualValues(t, 'M', frames[0].typ)
	var state struct {
		Store       string
		Generations []uint64
		Fence       uint64
	}
	require.NoError(t, json.Unmarshal(frames[0].payload, &state))
	require.NotEmpty(t, state.Store)
	require.Equal(t, []uint64{1, 2}, state.Generations)
	require.EqualValues(t, 2, state.Fence, "closed cleanly")
}

func TestFormatOfASnapshot(t *testing.T) {
	data := readGolden(t, "json", "snapshot-000000000002")
	frames := docFrames(t, data, 'S')
	require.Len(t, frames, 6)

	require.EqualValues(t, 'H', frames[0].typ)
	var header struct {
		Codec, Schema, Store string
		Generation, Fence    uint64
		Taken                time.Time
	}
	require.NoError(t, json.Unmarshal(frames[0].payload, &header))
	require.Equal(t, "json", header.Codec)
	require.Equal(t, "string goldenSession", header.Schema)
	require.EqualValues(t, 2, header.Generation)
	require.EqualValues(t, 2, header.Fence)
	require.Equal(t, goldenTime.Add(time.Minute+1), header.Taken)

	type record struct {
		Created, Updated, Accessed, Expires, TTL int64
		Accesses, Revision, Used, Fence          uint64
		LockedUntil                              int64
	}
	got := make(map[string]record)
	used := make(map[string]uint64)
	for _, f := range frames[1:5] {
		require.EqualValues(t, 'R', f.typ)
		var r record
		_, err := binary.Decode(f.payload, binary.LittleEndian, &r)
		require.NoError(t, err)
		k := binary.LittleEndian.Uint32(f.payload[80:])
		var name string
		require.NoError(t, json.Unmarshal(f.payload[84:84+k], &name))
		var value goldenSession
		require.NoError(t, json.Unmarshal(f.payload[84+k:], &value))
		used[name], r.Used = r.Used, 0
		got[name] = r
	}
	start := goldenTime.UnixNano()
	later := start + int64(time.Minute) + 1
	require.Empty(t, cmp.Diff(map[string]record{
		"ada":       {Created: start, Updated: later, Accessed: later, Expires: later + int64(1000*time.Hour), TTL: int64(1000 * time.Hour), Accesses: 3, Revision: 2},
		"für immer": {Created: start, Updated: start, Accessed: later, Revision: 1, Fence: 1},
		"brief":     {Created: start, Updated: start, Accessed: start, Expires: start + int64(time.Hour), TTL: int64(time.Hour), Revision: 1},
		"locked": {
			Created: later, Updated: later, Accessed: later, Expires: later + int64(1000*time.Hour), TTL: int64(1000 * time.Hour),
			Revision: 1, Fence: 2, LockedUntil: later + int64(100*time.Hour),
		},
	}, got))
	require.Less(t, used["brief"], used["ada"])
	require.Less(t, used["ada"], used["locked"])
	require.Less(t, used["locked"], used["für immer"])

	require.EqualValues(t, 'F', frames[5].typ)
	var footer struct {
		Records uint64
		SHA256  string
	}
	require.NoError(t, json.Unmarshal(frames[5].payload, &footer))
	require.EqualValues(t, 4, footer.Records)
	sum := sha256.Sum256(data[:frames[5].at])
	require.Equal(t, hex.EncodeToString(sum[:]), footer.SHA256)
}

func TestFormatOfSealedValues(t *testing.T) {
	frames := docFrames(t, readGolden(t, "sealed", "snapshot-000000000002"), 'S')
	id := sha256.Sum256(key(42))
	block, err := aes.NewCipher(key(42))
	require.NoError(t, err)
	gcm, err := cipher.NewGCM(block)
	require.NoError(t, err)
	var keys []string
	for _, f := range frames[1:5] {
		k := binary.LittleEndian.Uint32(f.payload[80:])
		sealed := f.payload[84 : 84+k]
		require.Equal(t, id[:4], sealed[:4])
		plain, err := gcm.Open(nil, sealed[4:16], sealed[16:], nil)
		require.NoError(t, err)
		keys = append(keys, string(plain))
	}
	require.ElementsMatch(t, []string{`"ada"`, `"brief"`, `"locked"`, `"für immer"`}, keys)
}

// docSegment reads a segment and returns its header and the frames behind it, less
// the number that each payload begins with.
func docSegment(t *testing.T, data []byte) (header map[string]any, frames []docFrame) {
	t.Helper()
	le, table := binary.LittleEndian, crc32.MakeTable(crc32.Castagnoli)
	end := 16 + 17 + int(le.Uint32(data[16+4:]))
	first := docFrames(t, data[:end], 'J')
	require.Len(t, first, 1)
	require.EqualValues(t, 'H', first[0].typ)
	require.NoError(t, json.Unmarshal(first[0].payload, &header))
	salt := uint32(header["salt"].(float64))
	var last uint64
	for at := end; at < len(data); {
		end := at + 17 + int(le.Uint32(data[at+4:]))
		require.Equal(t, crc32.Update(salt, table, data[at+4:end]), le.Uint32(data[at:]))
		seq := le.Uint64(data[at+8:])
		if last != 0 {
			require.Equal(t, last+1, seq)
		}
		last = seq
		behind, n := binary.Uvarint(data[at+17:])
		require.Positive(t, n)
		require.NotZero(t, behind)
		require.LessOrEqual(t, behind, seq)
		frames = append(frames, docFrame{data[at+16], data[at+17+n : end], at})
		at = end
	}
	return header, frames
}

// varints takes numbers off the front of a payload.
func varints(t *testing.T, b []byte, n int) (numbers []uint64, rest []byte) {
	t.Helper()
	for range n {
		v, size := binary.Uvarint(b)
		require.Positive(t, size)
		numbers, b = append(numbers, v), b[size:]
	}
	return numbers, b
}

func TestFormatOfASegment(t *testing.T) {
	data := readGolden(t, "json-journal", "journal-000000000003")
	header, frames := docSegment(t, data)
	require.Equal(t, "json", header["codec"])
	require.EqualValues(t, 3, header["segment"])
	var types []byte
	for _, f := range frames {
		if f.typ != 'K' {
			types = append(types, f.typ)
		}
	}
	require.Equal(t, "BSDSLULL", string(types))
	at := func(b []byte) time.Duration {
		return time.Duration(int64(binary.LittleEndian.Uint64(b)) - goldenTime.UnixNano())
	}
	last := 200*time.Hour + time.Minute + 1
	for _, f := range frames {
		switch f.typ {
		case 'S':
			require.Equal(t, last, at(f.payload))
			n, rest := varints(t, f.payload[8:], 4)
			require.EqualValues(t, 1000*time.Hour, n[0])
			key, value := string(rest[:n[3]]), rest[n[3]:]
			var session goldenSession
			require.NoError(t, json.Unmarshal(value, &session))
			if key == `"ada"` {
				require.Equal(t, []uint64{2, 1}, n[1:3], "its second revision, read once")
				require.Equal(t, "Ada", session.User)
			} else {
				require.Equal(t, `"locked"`, key)
				require.Equal(t, []uint64{1, 0}, n[1:3])
			}
		case 'D':
			require.Equal(t, `"deleted"`, string(f.payload[8:]))
		case 'L':
			n, rest := varints(t, f.payload[8:], 1)
			key := map[uint64]string{1: `"für immer"`, 2: `"locked"`}[n[0]]
			require.Equal(t, key, string(rest[8:]))
			require.Contains(t, []time.Duration{last + time.Hour, last + 100*time.Hour}, at(rest))
		case 'U':
			n, rest := varints(t, f.payload[8:], 1)
			require.EqualValues(t, 1, n[0])
			require.Equal(t, `"für immer"`, string(rest))
		}
	}

	// The one before was sealed, and holds the other kinds.
	data = readGolden(t, "json-journal", "journal-000000000002")
	_, frames = docSegment(t, data)
	seal := frames[len(frames)-1]
	require.EqualValues(t, 'E', seal.typ)
	n, sum := varints(t, seal.payload, 1)
	require.EqualValues(t, len(frames), n[0])
	require.Equal(t, crc32.Checksum(data[:seal.at], crc32.MakeTable(crc32.Castagnoli)), binary.LittleEndian.Uint32(sum))
	types = nil
	for _, f := range frames {
		if f.typ != 'K' {
			types = append(types, f.typ)
		}
	}
	require.Equal(t, "BXAAAVZE", string(types))
}

func TestFormatOfTheManifestWithAJournal(t *testing.T) {
	frames := docFrames(t, readGolden(t, "json-journal", "MANIFEST"), 'M')
	var state struct{ Generations, Segments []uint64 }
	require.NoError(t, json.Unmarshal(frames[0].payload, &state))
	require.Equal(t, []uint64{1, 2}, state.Generations)
	require.Equal(t, []uint64{2, 3}, state.Segments)
	var header struct{ Seq, Segment uint64 }
	frames = docFrames(t, readGolden(t, "json-journal", "snapshot-000000000002"), 'S')
	require.NoError(t, json.Unmarshal(frames[0].payload, &header))
	require.EqualValues(t, 3, header.Segment)
	require.NotZero(t, header.Seq)
}

func TestFormatOfDescribedGob(t *testing.T) {
	_, frames := docSegment(t, readGolden(t, "gob-journal", "journal-000000000003"))
	data := readGolden(t, "gob-journal", "journal-000000000003")
	header, _ := docSegment(t, data)
	description, err := base64.StdEncoding.DecodeString(header["values"].(string))
	require.NoError(t, err)
	n, rest := varints(t, description, 1)
	stream := rest[n[0]:]
	// The number of the type stands in the last message, behind its length.
	last := stream
	for next := last; len(next) > 0; next = next[1+next[0]:] {
		last = next // all messages here are shorter than 128 bytes
	}
	id := last[1:3] // as 64 and above are written in two bytes
	found := false
	for _, f := range frames {
		if f.typ != 'S' {
			continue
		}
		n, rest := varints(t, f.payload[8:], 4)
		message := append(bytes.Clone(id), rest[n[3]:]...)
		decoder := gob.NewDecoder(bytes.NewReader(append(append(bytes.Clone(stream), byte(len(message))), message...)))
		var zero, session goldenSession
		require.NoError(t, decoder.Decode(&zero))
		require.NoError(t, decoder.Decode(&session))
		found = found || session.User == "Ada" && len(session.Cart) == 2
	}
	require.True(t, found)
}
