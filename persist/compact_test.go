package persist_test

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/internal/disk"
	"github.com/latchkey-go/latchkey/persist"
	"github.com/latchkey-go/latchkey/store"
)

func TestCompact(t *testing.T) {
	for _, w := range workshops(t) {
		t.Run(w.name, func(t *testing.T) {
			want, rec := restoredEntries(t, w.tool(w.img.Boot()))
			d := w.img.Boot()
			c := w.tool(d)
			c.Generations = 1
			before := inspect(t, w.img)

			done, err := persist.Compact(t.Context(), c, quiet)
			require.NoError(t, err)
			require.Equal(t, len(want), done.Entries)
			require.Equal(t, rec.Changes, done.Changes)
			require.Less(t, done.After, done.Before)

			after := inspect(t, d.Image())
			require.Empty(t, after.Damage)
			require.True(t, after.Closed)
			require.Len(t, after.Snapshots, 1)
			require.Equal(t, done.Snapshot, after.Snapshots[0].Name)
			require.Zero(t, after.Recovered.Changes)
			require.Equal(t, rec.Capacity, after.Recovered.Capacity)
			require.Equal(t, rec.Seq, after.Recovered.Seq)
			require.GreaterOrEqual(t, after.Fence, before.Recovered.Fence)
			same(t, want, entriesOf(t, after.Recovered.Records))

			s := mustNew(t, w.options(t, d))
			require.Equal(t, len(want), s.Len())
			require.NoError(t, s.Set("customer-9", cart{}))
			require.NoError(t, s.Close())
		})
	}
}

// With older snapshots kept, each still leads to the newest state.
func TestCompactKeepsGenerations(t *testing.T) {
	w := workshops(t)[0]
	d := w.img.Boot()
	_, err := persist.Compact(t.Context(), w.tool(d), quiet)
	require.NoError(t, err)
	s := mustNew(t, w.options(t, d))
	require.NoError(t, s.Delete("customer-6"))
	require.NoError(t, s.Close())
	after := inspect(t, d.Image())
	require.Len(t, after.Snapshots, 2)
	for _, s := range after.Snapshots {
		require.Equal(t, after.Recovered.Seq, s.Reach)
	}
}

// Whichever call of the disk fails, the folder opens with what was there.
func TestCompactOnADiskThatFails(t *testing.T) {
	for _, w := range workshops(t)[:6] {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			want, _ := restoredEntries(t, w.tool(w.img.Boot()))
			for n := 1; ; n++ {
				d := w.img.Boot()
				fails := disk.Fails(d, disk.OnlyCall(n, disk.Refused, errPowerLoss))
				_, err := persist.Compact(t.Context(), w.tool(fails), quiet)
				if _, hits := fails.Count(); hits == 0 {
					require.NoError(t, err)
					return
				}
				if err != nil {
					require.ErrorIs(t, err, errPowerLoss)
				}
				for _, img := range []disk.Image{d.Image(), d.Crash(disk.KeepNone), d.Crash(disk.KeepAll)} {
					all, rec := restoredEntries(t, w.tool(img.Boot()))
					same(t, want, all)
					require.Zero(t, rec.Damaged)
				}
			}
		})
	}
}

// What is damaged is not compacted, unless the damage is to what goes.
func TestCompactLeavesDamageAlone(t *testing.T) {
	for _, w := range workshops(t)[:6] {
		want, _ := restoredEntries(t, w.tool(w.img.Boot()))
		for _, name := range w.files() {
			img := w.img.But(name, w.img[name][:20])
			d := img.Boot()
			_, err := persist.Compact(t.Context(), w.tool(d), quiet)
			if err == nil {
				all, _ := restoredEntries(t, w.tool(d))
				same(t, want, all)
				continue
			}
			require.ErrorIs(t, err, persist.ErrCorrupt, "%s %s", w.name, name)
			require.True(t, maps.EqualFunc(img, d.Image(), bytes.Equal), "nothing may be changed")
		}
	}
}

func TestCompactThatIsCancelled(t *testing.T) {
	w := workshops(t)[0]
	want, _ := restoredEntries(t, w.tool(w.img.Boot()))
	d := w.img.Boot()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := persist.Compact(ctx, w.tool(d), quiet)
	require.ErrorIs(t, err, context.Canceled)
	after := inspect(t, d.Image())
	require.Empty(t, after.Damage)
	require.Empty(t, after.Strays)
	require.True(t, after.Closed)
	same(t, want, entriesOf(t, after.Recovered.Records))
}

// A store that never held anything has told nobody what it would hold.
func TestCompactOfNothing(t *testing.T) {
	d := disk.New()
	s := mustNew(t, options(t, d))
	require.NoError(t, s.Close())
	img := d.Image()
	done, err := persist.Compact(t.Context(), persist.Config{FS: d, Dir: storeDir}, quiet)
	require.NoError(t, err)
	require.Equal(t, &persist.Compacted{}, done)
	require.True(t, maps.EqualFunc(img, d.Image(), bytes.Equal))
}

// What two processes have sealed looks different, though it is not.
func TestCompactOfSealedDescriptions(t *testing.T) {
	for _, w := range workshops(t) {
		if w.codec.ID() != "aes256gcm+gob" || w.sync == persist.OnSnapshot || w.clean {
			continue
		}
		d := w.img.Boot()
		_, err := persist.Compact(t.Context(), persist.Config{FS: d, Dir: storeDir}, quiet)
		require.ErrorIs(t, err, persist.ErrMixed)
		require.True(t, maps.EqualFunc(w.img, d.Image(), bytes.Equal), "nothing may be changed")
		_, err = persist.Compact(t.Context(), persist.Config{FS: d, Dir: storeDir, Codec: w.codec}, quiet)
		require.NoError(t, err)
	}
}

func TestToolsRefuseWhatIsNoStore(t *testing.T) {
	d := disk.New()
	s := mustNew(t, options(t, d))
	inUse := persist.Config{FS: d, Dir: storeDir}
	empty := emptyFolder()
	foreign := empty.But(storeDir+"/letter.txt", []byte("dear"))
	for name, tt := range map[string]struct {
		config persist.Config
		want   error
		text   string
	}{
		"no folder":        {persist.Config{FS: disk.New(), Dir: "/data/stroe"}, persist.ErrNoStore, "no such folder"},
		"an empty folder":  {persist.Config{FS: empty.Boot(), Dir: storeDir}, persist.ErrNoStore, "no MANIFEST"},
		"somebody else's":  {persist.Config{FS: foreign.Boot(), Dir: storeDir}, persist.ErrNoStore, "no MANIFEST"},
		"a file":           {persist.Config{FS: foreign.Boot(), Dir: storeDir + "/letter.txt"}, persist.ErrNoStore, "that is a file"},
		"a folder in use":  {inUse, persist.ErrInUse, "close that store first"},
		"negative options": {persist.Config{FS: d, Dir: storeDir, Generations: -1}, nil, "Generations"},
	} {
		t.Run(name, func(t *testing.T) {
			img := tt.config.FS.(*disk.Disk).Image()
			for _, use := range map[string]func() error{
				"inspect": func() error { _, err := persist.Inspect(tt.config, quiet); return err },
				"salvage": func() error { _, err := persist.Salvage(tt.config, quiet); return err },
				"open":    func() error { _, err := persist.OpenExisting(tt.config, quiet); return err },
				"compact": func() error { _, err := persist.Compact(t.Context(), tt.config, quiet); return err },
			} {
				err := use()
				require.ErrorContains(t, err, tt.text)
				if tt.want != nil {
					require.ErrorIs(t, err, tt.want)
				}
			}
			require.True(t, maps.EqualFunc(img, tt.config.FS.(*disk.Disk).Image(), bytes.Equal), "nothing may be changed")
		})
	}
	require.NoError(t, s.Close())
}

func TestReadOnly(t *testing.T) {
	w := workshops(t)[0]
	d := w.img.Boot()
	s := mustNew(t, w.options(t, d))
	img := d.Image()
	c := w.tool(persist.ReadOnly(d))
	i, err := persist.Inspect(c, quiet)
	require.NoError(t, err, "though it is in use")
	require.Len(t, i.Recovered.Records, s.Len())
	_, err = persist.Salvage(c, quiet)
	require.NoError(t, err)
	_, err = persist.Compact(t.Context(), c, quiet)
	require.ErrorContains(t, err, "read only")
	require.Error(t, persist.Create(t.Context(), persist.Config{FS: persist.ReadOnly(d), Dir: "/data/new"}, persist.Header{}, quiet, nil))
	require.True(t, maps.EqualFunc(img, d.Image(), bytes.Equal))
	require.NoError(t, s.Close())
}

func TestCreate(t *testing.T) {
	w := workshops(t)[0]
	want, rec := restoredEntries(t, w.tool(w.img.Boot()))
	h := persist.Header{Contents: rec.Contents, Fence: rec.Fence, Capacity: 50}
	fill := persist.WriteAll(t.Context(), rec.Records)

	t.Run("a new folder", func(t *testing.T) {
		d := disk.New()
		require.NoError(t, persist.Create(t.Context(), persist.Config{FS: d, Dir: storeDir}, h, quiet, fill))
		got := inspect(t, d.Image())
		require.Empty(t, got.Damage)
		require.True(t, got.Closed)
		require.Equal(t, rec.Fence, got.Fence)
		require.EqualValues(t, 50, got.Recovered.Capacity)
		same(t, want, entriesOf(t, got.Recovered.Records))
		s, err := store.New(w.options(t, d))
		require.NoError(t, err)
		require.Equal(t, len(want), s.Len())
		require.NoError(t, s.Close())
	})
	t.Run("an empty folder", func(t *testing.T) {
		d := emptyFolder().But(storeDir+"/LOCK", []byte{}).But(storeDir+"/lost+found", []byte{}).Boot()
		require.NoError(t, persist.Create(t.Context(), persist.Config{FS: d, Dir: storeDir}, h, quiet, fill))
	})
	for name, img := range map[string]disk.Image{
		"a store":          w.img,
		"what is left":     w.img.Without(manifest),
		"a letter":         emptyFolder().But(storeDir+"/letter.txt", []byte("dear")),
		"a file":           emptyFolder().But(storeDir, []byte("dear")),
		"something staged": emptyFolder().But(storeDir+"/snapshot-000000000001.tmp", []byte("L")),
	} {
		t.Run(name, func(t *testing.T) {
			d := img.Boot()
			err := persist.Create(t.Context(), persist.Config{FS: d, Dir: storeDir}, h, quiet, fill)
			require.ErrorIs(t, err, persist.ErrExists)
			require.True(t, maps.EqualFunc(img, d.Image(), bytes.Equal), "nothing may be changed")
		})
	}
	t.Run("what fails", func(t *testing.T) {
		d := disk.New()
		errTorn := errors.New("torn")
		err := persist.Create(t.Context(), persist.Config{FS: d, Dir: storeDir}, h, quiet, func(*persist.Writer) error { return errTorn })
		require.ErrorIs(t, err, errTorn)
		_, err = persist.OpenExisting(persist.Config{FS: d, Dir: storeDir}, quiet)
		require.ErrorIs(t, err, persist.ErrNoStore)
		require.NoError(t, persist.Create(t.Context(), persist.Config{FS: d, Dir: storeDir}, h, quiet, fill), "it may be tried again")
	})
}
