package main

import (
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/latchkey-go/latchkey/persist"
)

const verifyLong = `Verify reads every file that counts in a store's folder: the manifest, the
snapshots that it lists, the older ones too, and all segments of the journal. It
checks every checksum, and that the files belong together: that each segment
goes on where the one before ends, and that a store would find what was
promised. It changes nothing.

Each file is a line: its name, its size, and its state.

  good      every byte is as it was written
  torn      a crash has left the end unfinished. What is there was never
            promised, the next store passes over it, and it is no damage.
  damaged   with the offset of the first damage, and what it is

"The journal does not lead on from it" is no damage: a good snapshot that is
older than an import, or than a time without a journal, is a way back to its own
time and no further.

Files that the manifest does not list are of no meaning, and shown as strays.

Exit status:
  0  good, torn ends included
  1  damaged: with file and offset, in the list and in the error
  2  the command line is wrong
  3  could not be read, is in use, is no store's, or of a newer release`

const verifyExample = `  latchkey verify /var/lib/shop/sessions
  latchkey verify /backup/sessions >/dev/null || echo "the backup is no good"`

func newVerify(t *tool) *cobra.Command {
	var f folder
	c := &cobra.Command{
		Use:     "verify DIR",
		Short:   "Check every checksum in a folder",
		Long:    verifyLong,
		Example: verifyExample,
		Args:    takes("DIR"),
		RunE: func(c *cobra.Command, args []string) error {
			i, err := inspect(c.Context(), t, &f, args[0])
			if err != nil {
				return err
			}
			damage := damageOf(args[0], i)
			if errors.Is(damage, persist.ErrCorrupt) {
				damage = fmt.Errorf("%w; \"latchkey salvage\" saves what can be read", damage)
			} else {
				damage = hint(damage)
			}
			return errors.Join(t.list(i), damage)
		},
	}
	f.addNoLock(c)
	return c
}

// list writes a line for each file.
func (t *tool) list(i *persist.Inspection) error {
	w := tabwriter.NewWriter(t.stdout, 0, 8, 2, ' ', 0)
	var err error
	line := func(f persist.FileState, torn int64, notes ...string) {
		state := "good"
		switch {
		case f.Damage != nil:
			state, notes = "damaged", []string{place(f)}
		case torn > 0:
			state = "torn"
		}
		if err == nil {
			if len(notes) > 0 {
				state += "\t" + strings.Join(notes, ", ")
			}
			_, err = fmt.Fprintf(w, "%s\t%s\t%s\n", f.Name, size(f.Size), state)
		}
	}
	line(i.Manifest, 0)
	for _, s := range i.Snapshots {
		line(s.FileState, 0, snapshotNotes(s, i.Recovered)...)
	}
	for _, s := range i.Segments {
		line(s.FileState, s.Torn, segmentNotes(s)...)
	}
	for _, name := range i.Strays {
		if err == nil {
			_, err = fmt.Fprintf(w, "%s\t\tstray\tnot listed, and of no meaning\n", name)
		}
	}
	return errors.Join(err, w.Flush())
}

// place returns where a file is damaged, and how: the file's name is in the line.
func place(f persist.FileState) string {
	why := text(f.Damage)
	for _, before := range []string{"damaged: ", f.Name + " is ", f.Name + " "} {
		why = strings.TrimPrefix(why, before)
	}
	return why
}

func snapshotNotes(s persist.SnapshotState, rec *persist.Recovered) []string {
	notes := []string{count(s.Entries, "entry", "entries")}
	if rec != nil && rec.Damaged == 0 && s.Reach < rec.Seq {
		notes = append(notes, "the journal does not lead on from it")
	}
	return notes
}

func segmentNotes(s persist.SegmentState) []string {
	notes := []string{count(s.Changes, "change", "changes")}
	if s.Sealed {
		notes = append(notes, "sealed")
	}
	if s.Torn > 0 {
		notes = append(notes, fmt.Sprintf("%d bytes at the end were left unfinished by a crash", s.Torn))
	}
	if s.Unused > 0 {
		notes = append(notes, fmt.Sprintf("%d bytes at the end do not count: a later segment goes on before them", s.Unused))
	}
	if s.Room > 0 {
		notes = append(notes, fmt.Sprintf("%d bytes of room at the end", s.Room))
	}
	return notes
}
