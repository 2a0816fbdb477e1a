package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/latchkey-go/latchkey/persist"
)

const salvageLong = `Salvage reads what can be read in a damaged folder, and writes it to a new one,
which a store can open. The damaged folder is not touched.

A part of a file that is damaged is skipped to where it can be read again; where
one bit has flipped, it is put right. Manifest, snapshots and segments of the
journal may be damaged or missing. Taken are the entries of the newest snapshot
that is whole, or of all that is left of them, and then the changes that are
left of the journal.

What was done is told in lines:

  saved      how many entries are in the new folder
  mended     where one flipped bit was put right, which costs nothing
  lost       what could not be read: file, offset, bytes, how many entries or
             changes, and why. What is lost in one place can be told in another:
             if the last line is "complete", nothing is missing.
  older      entries that are from an older snapshot, as a newer one is damaged
             and can't tell whether it still had them: they may have been
             changed or deleted since. --drop-older leaves them out, so that
             what was deleted does not come back.
  guessed    changes to entries of which earlier ones are lost. Their values are
             right where they are there, but not their times, counts and leases.
  apart      entries whose types were described differently, and which can't be
             in one folder with the rest. With --split, each kind goes into a
             folder of its own: NEW-2 and so on.

The new folder must not be there, or be empty, and can't be inside the damaged
one. It belongs to the user who runs this, and so the store's program must run
as that one, or the folder be given to it (chown -R).

Every file tells its codec and its types in the beginning. If that is destroyed
in all of them, give --codec and --schema: what info shows for a folder of the
same program. What was sealed with persist.Encrypt is saved sealed. With
--key-file, two entries for the same key are recognised as that: without, a
store may refuse the new folder if a deletion was lost.

Exit status:
  0  nothing is lost
  1  something is lost; what could be read is in the new folder
  2  the command line is wrong
  3  nothing could be read or written, or the folder is in use or no store's`

const salvageExample = `  latchkey salvage --dry-run /var/lib/shop/sessions
  latchkey salvage /var/lib/shop/sessions --out /var/lib/shop/saved
  latchkey salvage --drop-older /var/lib/shop/sessions --out /var/lib/shop/saved
  latchkey salvage --no-lock /mnt/image/sessions --out saved`

// salvage is what the command was asked for.
type salvage struct {
	folder
	schema    string
	out       string
	dryRun    bool
	dropOlder bool
	split     bool
}

func newSalvage(t *tool) *cobra.Command {
	var s salvage
	c := &cobra.Command{
		Use:     "salvage DIR --out NEW",
		Short:   "Save what can be read of a damaged folder",
		Long:    salvageLong,
		Example: salvageExample,
		Args:    takes("DIR"),
		RunE: func(c *cobra.Command, args []string) error {
			if err := s.check(args[0]); err != nil {
				return err
			}
			return s.run(c.Context(), t, args[0])
		},
	}
	c.Flags().StringVar(&s.out, "out", "", "write what is saved to the new folder `NEW`")
	c.Flags().BoolVar(&s.dryRun, "dry-run", false, "tell what could be saved, and write nothing")
	c.Flags().BoolVar(&s.dropOlder, "drop-older", false, "leave out entries that may have been deleted")
	c.Flags().BoolVar(&s.split, "split", false, "write entries that can't be in NEW to NEW-2, and so on")
	c.Flags().StringVar(&s.codec, "codec", "", "the `ID` of the codec, if no file tells it: json, gob,\nor your own")
	c.Flags().StringVar(&s.schema, "schema", "", "the `TYPES`, if no file tells them, as in\n\"string main.Session\"")
	s.addNoLock(c)
	s.addKeyFile(c, "tells sealed keys apart")
	return c
}

func (s *salvage) check(dir string) error {
	switch {
	case s.out == "" && !s.dryRun:
		return usagef("--out is missing: the new folder for what is saved; or --dry-run")
	case (s.codec == "") != (s.schema == ""):
		return usagef("--codec and --schema go together: give both or none")
	case s.dryRun:
		return nil
	}
	if within(s.out, dir) {
		return usagef("--out is %s, which is in the damaged folder: that is not touched", s.out)
	}
	return nil
}

func (s *salvage) run(ctx context.Context, t *tool, dir string) error {
	if left, err := os.ReadDir(s.out); err == nil && !s.dryRun && slices.ContainsFunc(left, isContent) {
		return fmt.Errorf("folder %s: %w; give a new folder", s.out, persist.ErrExists) // before all that is read
	}
	c, done, err := s.config(ctx, t, dir, 2)
	if err != nil {
		return err
	}
	c.Schema = s.schema
	if s.codec != "" && c.Codec == nil {
		c.Codec = plain(s.codec)
	}
	found, err := persist.Salvage(c, silent)
	done()
	if err == nil {
		err = ctx.Err() // else what was not read any more would be lost
	}
	if err != nil {
		return hint(err)
	}
	s.leaveOut(found)
	r := report{tool: t}
	if len(found.Groups) == 0 && found.Complete {
		return fmt.Errorf("folder %s has never held anything: there is nothing to save", dir)
	}
	if len(found.Groups) == 0 {
		r.losses(found)
		return fmt.Errorf("nothing could be saved from %s: no file tells which codec and types it is of; give --codec and --schema", dir)
	}
	if err := s.write(ctx, found, &r); err != nil {
		return err
	}
	r.losses(found)
	if r.end(found, s); r.err != nil || found.Complete && !r.partial {
		return r.err
	}
	return fmt.Errorf("folder %s: %w", dir, errLost)
}

func isContent(e os.DirEntry) bool { return e.Name() != "LOCK" }

// leaveOut drops what may have been deleted, if so asked.
func (s *salvage) leaveOut(found *persist.Salvaged) {
	for i := range found.Groups {
		if g := &found.Groups[i]; s.dropOlder {
			g.Records = g.Records[:len(g.Records)-g.Older]
		}
	}
}

// write makes the new folders.
func (s *salvage) write(ctx context.Context, found *persist.Salvaged, r *report) error {
	for i, g := range found.Groups {
		out := s.out
		if i > 0 {
			out = fmt.Sprintf("%s-%d", strings.TrimRight(out, string(os.PathSeparator)), i+1)
		}
		switch {
		case i > 0 && !s.split:
			r.line("apart", "%s of another kind: not saved; --split writes them to %s", count(len(g.Records), "entry", "entries"), out)
			r.partial = true
			continue
		case s.dryRun:
			r.line("saved", "%s would be", count(len(g.Records), "entry", "entries"))
			continue
		}
		h := persist.Header{Contents: g.Contents, Taken: found.Taken, Fence: found.Fence, Capacity: found.Capacity}
		err := create(ctx, out, h, persist.WriteAll(ctx, g.Records))
		if err != nil {
			return err
		}
		r.line("saved", "%s, in %s", count(len(g.Records), "entry", "entries"), out)
	}
	return nil
}

// report writes what was done. Its first error stays.
type report struct {
	*tool
	partial bool // not all that was found is written
	err     error
}

func (r *report) line(what, format string, args ...any) {
	if r.err == nil {
		r.err = r.say("%-9s  "+format+"\n", append([]any{what}, args...)...)
	}
}

func (r *report) losses(found *persist.Salvaged) {
	for _, m := range found.Mended {
		r.line("mended", "%s at byte %d: one bit had flipped", m.File, m.Offset)
	}
	for _, l := range found.Lost {
		records := ""
		switch {
		case l.Records > 0:
			records = ", " + count(l.Records, "record", "records")
		case l.Records < 0:
			records = ", an unknown number of records"
		}
		r.line("lost", "%s at byte %d, %d bytes%s: %s", l.File, l.Offset, l.Bytes, records, strings.ReplaceAll(l.Why, "persist: ", ""))
	}
}

func (r *report) end(found *persist.Salvaged, s *salvage) {
	older := 0
	for _, g := range found.Groups {
		older += g.Older
	}
	switch {
	case older > 0 && s.dropOlder:
		r.line("older", "%s that may have been changed or deleted since: left out", count(older, "entry", "entries"))
	case older > 0:
		r.line("older", "%s that may have been changed or deleted since: saved; --drop-older leaves them out", count(older, "entry", "entries"))
	}
	if found.Guessed > 0 {
		r.line("guessed", "%s to entries of which earlier ones are lost", count(found.Guessed, "change", "changes"))
	}
	if found.Complete && !r.partial {
		r.line("complete", "nothing is missing")
	}
}
