package persist_test

import (
	"bytes"
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/internal/disk"
	"github.com/latchkey-go/latchkey/persist"
	"github.com/latchkey-go/latchkey/store"
)

// fences makes sure that the fences of a store, whatever befalls it, rise.
type fences struct{ last uint64 }

// take takes a lease and gives it back.
func (f *fences) take(t testing.TB, s *store.Store[string, int]) {
	t.Helper()
	require.NoError(t, s.Set("a", 1))
	l, err := s.TryLock("a", 0)
	require.NoError(t, err)
	require.Greater(t, l.Fence(), f.last)
	f.last = l.Fence()
	require.NoError(t, l.Unlock())
}

func TestFenceAfterACleanClose(t *testing.T) {
	o := options(t, disk.New())
	var f fences
	s := mustNew(t, o)
	for range 3 {
		f.take(t, s)
		s = reopen(t, s, o)
	}
	require.EqualValues(t, 3, f.last, "none is wasted")
}

func TestFenceAfterACrash(t *testing.T) {
	d := disk.New()
	o := options(t, d)
	var f fences
	s := mustNew(t, o)
	for range 3 {
		f.take(t, s)
		d = d.Crash(disk.KeepNone).Boot() // and no snapshot knows of it
		s = mustNew(t, on(o, d))
		f.take(t, s)
	}
}

// The newest snapshot, which knew of the newest fence, is damaged.
func TestFenceAfterDamage(t *testing.T) {
	for _, closed := range []bool{true, false} {
		d := disk.New()
		o := options(t, d)
		var f fences
		s := mustNew(t, o)
		for range 2 {
			f.take(t, s)
			require.NoError(t, s.Snapshot(context.Background()))
		}
		if closed {
			require.NoError(t, s.Close())
		}
		img := d.Image()
		img[newer][100] ^= 1
		s = mustNew(t, on(o, img.Boot()))
		require.Equal(t, 1, s.Stats().DamagedSnapshots)
		f.take(t, s)
	}
}

func TestFenceIsImported(t *testing.T) {
	from := mustNew(t, options(t, disk.New()))
	var f fences
	for range 10 {
		f.take(t, from)
	}
	var b bytes.Buffer
	require.NoError(t, from.Export(&b))
	into := mustNew(t, options(t, disk.New()))
	require.NoError(t, into.Import(&b))
	f.take(t, into)
}

// A fence far above those that the folder has set aside: more are set aside
// before the import has an effect.
func TestHighFenceIsImported(t *testing.T) {
	const high = 1 << 50
	in := func(header uint64, record uint64) []byte {
		r := persist.Record{Key: []byte(`"b"`), Value: []byte("1"), Revision: 1, Fence: record}
		frames := []persist.Frame{
			{Type: persist.FrameHeader, Payload: headerWithFence(header)},
			{Type: persist.FrameRecord, Payload: persist.Append(nil, r)},
		}
		return persist.Frames(persist.KindSnapshot, append(frames, persist.Footer(frames...))...)
	}
	for _, data := range [][]byte{in(high, 0), in(0, high)} {
		d := disk.New()
		o := options(t, d)
		s := mustNew(t, o)
		f := fences{last: high}
		require.NoError(t, s.Import(bytes.NewReader(data)))
		f.take(t, s)
		s = mustNew(t, on(o, d.Crash(disk.KeepNone).Boot()))
		f.take(t, s)
	}
}
