package persist_test

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/binary"
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
