package persist_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"runtime"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/internal/disk"
	"github.com/latchkey-go/latchkey/persist"
	"github.com/latchkey-go/latchkey/store"
	"github.com/latchkey-go/latchkey/storetest"
)

// An export's first frame, such as a memory-only store of these tests writes.
const exportHeader = `{"codec":"json","schema":"string int","taken":"2000-01-01T00:00:00Z"}`

func headerWithFence(fence uint64) []byte {
	return fmt.Appendf(nil, `{"codec":"json","schema":"string int","taken":"2000-01-01T00:00:00Z","fence":%d}`, fence)
}

// told fails the test if an error of a decoder is not one that it may give.
func told(t testing.TB, err error) {
	t.Helper()
	if err != nil && !errors.Is(err, persist.ErrCorrupt) && !errors.Is(err, persist.ErrVersion) {
		t.Fatalf("got %v, want ErrCorrupt or ErrVersion", err)
	}
}

// readAll reads a snapshot to its end and returns its records' size.
func readAll(data []byte) (size int, err error) {
	r, err := persist.NewReader(bytes.NewReader(data), "fuzz")
	for err == nil {
		var rec persist.Record
		rec, err = r.Next()
		size += len(rec.Key) + len(rec.Value)
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return size, err
}

func FuzzReader(f *testing.F) {
	img := twoSnapshots(f)
	f.Add(img[newer])
	f.Add(img[manifest])
	f.Add(img[newer][:len(img[newer])-1])
	f.Add([]byte(nil))
	f.Fuzz(func(t *testing.T, data []byte) {
		size, err := readAll(data)
		told(t, err)
		if size > len(data) {
			t.Errorf("%d bytes of records from %d", size, len(data))
		}
	})
}

// Behind good checksums too, nothing is taken on trust.
func FuzzFrames(f *testing.F) {
	record := persist.Append(nil, persist.Record{Key: []byte(`"a"`), Value: []byte("1")})
	f.Add([]byte(exportHeader), byte(persist.FrameRecord), record)
	f.Add([]byte(exportHeader), byte(persist.FrameRecord), record[:83])
	f.Add([]byte(exportHeader), byte(persist.FrameFooter), []byte(`{"records":0}`))
	f.Add([]byte(`{`), byte(persist.FrameFooter), []byte(`[]`))
	f.Add([]byte(`{"fence":-1}`), byte('?'), []byte(nil))
	f.Fuzz(func(t *testing.T, header []byte, typ byte, payload []byte) {
		data := persist.Frames(persist.KindSnapshot, persist.Frame{Type: persist.FrameHeader, Payload: header}, persist.Frame{Type: typ, Payload: payload})
		_, err := readAll(data)
		told(t, err)
		if err == nil && typ != persist.FrameFooter {
			t.Error("a snapshot without a footer was accepted")
		}
	})
}

func FuzzRecord(f *testing.F) {
	f.Add([]byte(nil))
	f.Add(make([]byte, 84))
	f.Add(persist.Append(nil, persist.Record{Created: -1, Expires: math.MaxInt64, Fence: 1, Key: []byte("k"), Value: []byte("value")}))
	f.Fuzz(func(t *testing.T, payload []byte) {
		rec, err := persist.Parse(payload)
		if err == nil && !bytes.Equal(payload, persist.Append(nil, rec)) {
			t.Errorf("%x is read as %+v, which is written otherwise", payload, rec)
		}
	})
}

func FuzzManifest(f *testing.F) {
	f.Add(twoSnapshots(f)[manifest])
	f.Add(twoSnapshots(f)[newer])
	f.Add([]byte(nil))
	f.Fuzz(func(t *testing.T, data []byte) {
		img := disk.New().Image()
		img["/data/MANIFEST"] = append([]byte{}, data...)
		_, _, err := persist.ReadManifest(img.Boot(), "/data")
		told(t, err)
	})
}

// A manifest with a good checksum, and whatever it says.
func FuzzManifestState(f *testing.F) {
	f.Add([]byte(`{"store":"X","generations":[],"fence":7}`))
	f.Add([]byte(`{"generations":null,"fence":18446744073709551615}`))
	f.Add([]byte(`{"generations":[18446744073709551615,1,1],"fence":1}`))
	f.Add([]byte(`{"generations":[-1]}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, state []byte) {
		img := emptyFolder()
		img[manifest] = persist.Frames(persist.KindManifest, persist.Frame{Type: persist.FrameState, Payload: state})
		d := img.Boot()
		s, err := store.New(options(t, d))
		told(t, err)
		if err != nil {
			return
		}
		fence, _, err := persist.ReadManifest(img.Boot(), storeDir)
		require.NoError(t, err)
		require.NoError(t, s.Set("a", 1))
		l, err := s.TryLock("a", 0)
		require.NoError(t, err)
		require.Greater(t, l.Fence(), fence)
		require.NoError(t, s.Snapshot(context.Background()))
		require.NoError(t, s.Close())
		require.Empty(t, cmp.Diff(map[string]int{"a": 1}, restored(t, d.Image())))
	})
}

func FuzzUnseal(f *testing.F) {
	c := encrypt(f, persist.JSON{}, key(1), key(2))
	good, err := c.Marshal("text")
	require.NoError(f, err)
	f.Add(good)
	f.Add(good[:5])
	f.Add([]byte(nil))
	f.Fuzz(func(t *testing.T, data []byte) {
		var s string
		if err := c.Unmarshal(data, &s); err == nil && s != "text" {
			t.Errorf("opened %q, which was never sealed", s)
		}
		_ = c.(persist.Renewer).Stale(data)
	})
}

func FuzzImport(f *testing.F) {
	img := twoSnapshots(f)
	f.Add(img[newer])
	f.Add(img[manifest])
	f.Add([]byte("LATCHKEY"))
	f.Fuzz(func(t *testing.T, data []byte) { importAll(t, data) })
}

// A record with good checksums around it, and whatever it says.
func FuzzImportRecord(f *testing.F) {
	for _, n := range []int64{0, 1, -1, math.MinInt64, math.MaxInt64, 946684800e9, 1 << 62} {
		for field := range 10 {
			payload := persist.Append(nil, persist.Record{Key: []byte(`"a"`), Value: []byte("1")})
			binary.LittleEndian.PutUint64(payload[8*field:], uint64(n))
			f.Add(payload)
			rest := bytes.Repeat(binary.LittleEndian.AppendUint64(nil, uint64(n)), 10)
			f.Add(append(rest, payload[80:]...))
		}
	}
	f.Fuzz(func(t *testing.T, payload []byte) { importAll(t, exportOf(exportHeader, payload)) })
}

// exportOf returns a whole export of one record's payload.
func exportOf(header string, payload []byte) []byte {
	frames := []persist.Frame{{Type: persist.FrameHeader, Payload: []byte(header)}, {Type: persist.FrameRecord, Payload: payload}}
	return persist.Frames(persist.KindSnapshot, append(frames, persist.Footer(frames...))...)
}

// importAll imports data into a store that then must work on, whatever came in.
func importAll(t testing.TB, data []byte) {
	t.Helper()
	clock := storetest.NewClock(t)
	s := mustNew(t, store.Options[string, int]{Capacity: 4, TTL: time.Hour, IdleTimeout: time.Hour, Clock: clock})
	before := map[string]int{"before": 1}
	fill(t, s, before)
	if err := s.Import(bytes.NewReader(data)); err != nil {
		require.Empty(t, cmp.Diff(before, contents(s)), "all or nothing")
	}
	for key := range s.All() {
		m, ok := s.Metadata(key)
		require.True(t, ok)
		if l, err := s.Resume(key, m.Fence); err == nil {
			require.NoError(t, l.Unlock())
		}
		_, _ = s.Update(key, func(old int, _ bool) (int, error) { return old + 1, nil })
	}
	require.NoError(t, s.Export(io.Discard))
	require.NoError(t, s.Set("after", 2))
	l, err := s.TryLock("after", 0)
	require.NoError(t, err)
	require.NoError(t, l.Unlock())
	clock.Advance(2 * time.Hour)
	_, err = s.Get("after")
	require.ErrorIs(t, err, store.ErrNotFound)
	_ = s.Len()
	require.NoError(t, s.Close())
}

// What a file claims to hold makes nobody set memory aside for it.
func TestMemoryIsBoundedByTheInput(t *testing.T) {
	good := persist.Frames(persist.KindSnapshot, persist.Frame{Type: persist.FrameHeader, Payload: []byte(exportHeader)})
	for _, claim := range []uint32{1 << 20, 1 << 30, math.MaxUint32} {
		data := append(bytes.Clone(good), make([]byte, persist.FrameSize+100)...)
		binary.LittleEndian.PutUint32(data[len(good)+4:], claim)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := readAll(data)
		runtime.ReadMemStats(&after)
		require.ErrorIs(t, err, persist.ErrCorrupt)
		require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(1<<20))
	}
}
