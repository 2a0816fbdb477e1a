package persist_test

import (
	"bytes"
	"context"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/internal/disk"
	"github.com/latchkey-go/latchkey/persist"
	"github.com/latchkey-go/latchkey/store"
	"github.com/latchkey-go/latchkey/storetest"
)

// on returns the options of a store that is kept so.
func (w way) on(t testing.TB, d *disk.Disk) store.Options[string, int] {
	if w.mapped {
		d.Mapped()
	}
	o := options(t, d)
	o.Persist.Sync = w.sync
	return o
}

// damaged is a folder that is to be damaged.
type damaged struct {
	t      *testing.T
	way    way
	img    disk.Image
	states []string // that it has been in
	full   string   // the last
}

// journaled returns the folder of a store with two snapshots, changes between them
// and behind the last; closed, or left by kill -9.
func journaled(t *testing.T, w way, closed bool) damaged {
	d := disk.New()
	s := mustNew(t, w.on(t, d))
	f := damaged{t: t, way: w, states: []string{""}}
	note := func(err error) {
		require.NoError(t, err)
		f.states = append(f.states, visible(s))
	}
	note(s.Set("a", 1))
	note(s.Snapshot(context.Background()))
	note(s.Set("b", 2))
	note(s.Delete("a"))
	note(s.Snapshot(context.Background()))
	note(s.Set("c", 3))
	_, err := s.TryLock("c", 0)
	note(err)
	note(s.Set("d", 4))
	require.NoError(t, s.Sync())
	f.full = visible(s)
	f.img = d.Image()
	if closed {
		// Without a snapshot, as a store is closed whose disk is full.
		faulty := disk.Fails(f.img.Boot(), func(c disk.Call) (disk.Fault, error) {
			if strings.Contains(c.Name, "snapshot-") && c.Op == "create" {
				return disk.Refused, errPowerLoss
			}
			return disk.None, nil
		})
		o := w.on(t, d)
		o.Persist.FS = faulty
		s := mustNew(t, o)
		require.NoError(t, s.Set("e", 5))
		f.full = visible(s)
		f.states = append(f.states, f.full)
		require.ErrorIs(t, s.Close(), errPowerLoss)
		f.img = faultyImage(faulty)
	}
	return f
}

// faultyImage returns what is on the disk under a faulty one.
func faultyImage(f *disk.Faulty) disk.Image {
	f.Heal()
	return f.Under().(*disk.Disk).Image()
}

func (f damaged) segments() (names []string) {
	for name := range f.img {
		if strings.Contains(name, "journal-") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// outcome is what comes of opening a damaged folder.
type outcome struct {
	state string
	stats store.Stats
	log   string
}

// open opens the folder with other content. Either it is told as damage, with file
// and offset, and nothing is changed, or what is there is a state that was.
func (f damaged) open(img disk.Image, file string) (o outcome, corrupt bool) {
	f.t.Helper()
	d := img.Boot()
	options := f.way.on(f.t, d)
	var log logBook
	options.Logger = log.logger()
	s, err := store.New(options)
	if err != nil {
		require.ErrorIs(f.t, err, persist.ErrCorrupt)
		require.Contains(f.t, err.Error(), filepath.Base(file))
		require.True(f.t, img.Equal(d.Image()), "the disk must stay as it is")
		return o, true
	}
	o = outcome{visible(s), s.Stats(), log.String()}
	require.Contains(f.t, f.states, o.state)
	return o, false
}

// Damage to any file of a journaled folder is told, and costs nothing that was
// promised: the content is all there, or the folder is refused.
func TestAllDamageToAJournaledFolder(t *testing.T) {
	t.Parallel()
	for _, w := range journalWays {
		for _, closed := range []bool{false, true} {
			f := journaled(t, w, closed)
			last := f.segments()[len(f.segments())-1]
			for name, data := range f.img {
				if data == nil || strings.HasSuffix(name, "LOCK") {
					continue
				}
				used := len(bytes.TrimRight(data, "\x00")) + 64 // and some of the room behind it
				damageUpTo(t, data, min(len(data), used), func(bad []byte, at int) {
					cut := at < len(data) && len(bad) == at
					o, corrupt := f.open(f.img.But(name, bad), name)
					switch {
					case corrupt:
						require.NotContains(t, name, "snapshot-", "there is another snapshot, and the journal")
					case o.state == f.full:
						// Nothing is lost. If the damage was in the way, that is told.
						if strings.Contains(name, "snapshot-000000000002") {
							require.Equal(t, 1, o.stats.DamagedSnapshots)
							require.Contains(t, o.log, "snapshot can't be used")
						}
					case cut && name == last && !closed:
						// As if it had never been written: of a store that was
						// killed, nobody knows how much there was.
					default:
						t.Fatalf("%s, damaged at byte %d: lost without a word:\n%s", name, at, o.state)
					}
				})
			}
		}
	}
}

// A run of zeros, as a disk leaves where it has lost what was written, is not taken for
// the end of what there is as long as anything stands behind it.
func TestZerosInASegment(t *testing.T) {
	t.Parallel()
	for _, w := range journalWays {
		for _, closed := range []bool{false, true} {
			f := journaled(t, w, closed)
			names := f.segments()
			for _, name := range names {
				end := len(bytes.TrimRight(f.img[name], "\x00"))
				if name == names[len(names)-1] && !closed {
					end = f.lastChange(name, end)
				}
				for _, run := range []int{16, 32, 64} {
					for at := range max(0, end-run) {
						if o, corrupt := f.zeroed(name, at, at+run); !corrupt {
							require.Equal(t, f.full, o.state, "%s, %d zeros from byte %d on", name, run, at)
						}
					}
				}
			}
		}
	}
}

// zeroed opens the folder with zeros in some of a file.
func (f damaged) zeroed(name string, from, to int) (o outcome, corrupt bool) {
	f.t.Helper()
	bad := slices.Clone(f.img[name])
	clear(bad[from:to])
	return f.open(f.img.But(name, bad), name)
}

// lastChange returns where the last change begins in a segment that ends at a byte: what
// is not all there from there on may never have been promised.
func (f damaged) lastChange(name string, end int) int {
	torn := func(at int) string {
		o, _ := f.zeroed(name, at, len(f.img[name]))
		return o.state
	}
	for torn(end-1) == f.full {
		end--
	}
	for without := torn(end - 1); torn(end-1) == without; {
		end--
	}
	return end
}

func TestSegmentsInTheWrongPlace(t *testing.T) {
	for _, w := range journalWays {
		for _, closed := range []bool{false, true} {
			f := journaled(t, w, closed)
			other := journaled(t, w, closed)
			names := f.segments()
			require.Greater(t, len(names), 1)
			for i, name := range names {
				// Missing, and that of another store.
				_, corrupt := f.open(f.img.Without(name), name)
				require.True(t, corrupt || i == 0, "without %s", name)
				o, corrupt := f.open(f.img.But(name, other.img[other.segments()[i]]), name)
				require.True(t, corrupt || i == 0 && o.state == f.full, "foreign %s", name)
				// Empty, and in the place of another.
				_, corrupt = f.open(f.img.But(name, []byte{}), name)
				require.True(t, corrupt || i == 0, "empty %s", name)
				for j := range names {
					if i == j {
						continue
					}
					o, corrupt := f.open(f.img.But(name, f.img[names[j]]), name)
					require.True(t, corrupt || i == 0 && o.state == f.full, "%s in the place of %s", names[j], name)
				}
			}
		}
	}
}

// The end of a journal that was being written when the machine stopped is cut off,
// and that is told.
func TestTornEnd(t *testing.T) {
	for _, w := range journalWays {
		d := disk.New()
		s := mustNew(t, w.on(t, d))
		require.NoError(t, s.Set("a", 1))
		require.NoError(t, s.Sync())
		name := storeDir + "/journal-000000000001"
		before := len(d.Image()[name])
		if w.mapped {
			before = len(strings.TrimRight(string(d.Image()[name]), "\x00"))
		}
		require.NoError(t, s.Set("b", 2))
		img := d.Image()
		whole := img[name]
		for n := before + 1; n < before+30; n++ {
			if strings.Trim(string(whole[before:n]), "\x00") == "" {
				continue // as if nothing had been written: a checksum may begin with zeros
			}
			torn := slices.Clone(whole)
			if w.mapped {
				clear(torn[n:])
			} else {
				torn = torn[:n]
			}
			o := w.on(t, img.But(name, torn).Boot())
			var log logBook
			o.Logger = log.logger()
			s := mustNew(t, o)
			require.Empty(t, cmp.Diff(map[string]int{"a": 1}, contents(s)))
			require.NotZero(t, s.Stats().TornBytes)
			require.Contains(t, log.String(), "torn")
			require.Contains(t, log.String(), "offset="+strconv.Itoa(before))
			require.NoError(t, s.Set("c", 3))

			// It is told once, and the store goes on behind it.
			left := o.Persist.FS.(*disk.Disk).Image()
			again := mustNew(t, w.on(t, left.Boot()))
			require.Empty(t, cmp.Diff(map[string]int{"a": 1, "c": 3}, contents(again)))
			require.Zero(t, again.Stats().TornBytes)
			require.Equal(t, torn, left[name], "it is left as it is")
		}
	}
}

// What was damaged once stays refused: nothing is repaired behind the operator's
// back, and the error says where to look.
func TestDamagedJournalStaysRefused(t *testing.T) {
	f := journaled(t, journalWays[0], false)
	name := f.segments()[len(f.segments())-1]
	bad := slices.Clone(f.img[name])
	bad[len(bad)/2] ^= 1
	d := f.img.But(name, bad).Boot()
	for range 3 {
		_, err := store.New(f.way.on(t, d))
		require.ErrorIs(t, err, persist.ErrCorrupt)
		require.Contains(t, err.Error(), filepath.Base(name)+" at byte ")
	}
	require.NoError(t, func() error {
		_, err := store.New(f.way.on(t, f.img.Boot()))
		return err
	}())
}

// A folder that has a journal opens without one, and the other way round.
func TestWaysInTurn(t *testing.T) {
	all := append(slices.Clone(journalWays), way{"OnSnapshot", persist.OnSnapshot, false})
	for _, first := range all {
		for _, second := range all {
			for _, third := range all {
				d := disk.New()
				clock := storetest.NewClock(t)
				want := map[string]int{}
				for i, w := range []way{first, second, third, first} {
					o := w.on(t, d)
					o.Clock = clock
					s := mustNew(t, o)
					require.Empty(t, cmp.Diff(want, contents(s)))
					key := string(rune('a' + i))
					require.NoError(t, s.Set(key, i))
					want[key] = i
					if i%2 == 0 {
						require.NoError(t, s.Close())
						d = d.Image().Boot()
						continue
					}
					require.NoError(t, s.Sync())
					d = d.Crash(disk.KeepNone).Boot()
				}
				s := mustNew(t, third.on(t, d))
				require.Empty(t, cmp.Diff(want, contents(s)))
			}
		}
	}
}
