package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/latchkey-go/latchkey/persist"
)

const compactLong = `Compact takes a snapshot of a store's folder and drops its journal and the older
snapshots, so that the folder is small and quick to open. It leaves the folder
closed. A store does the same by itself from time to time: compact is for
folders that are not in use, before a backup or a move say.

The new snapshot is durable and has been read back before anything goes. When it
fails, or is interrupted, the folder opens with the same entries as before. A
folder that is damaged is left as it is: salvage is for those.

With --keep N, the N-1 newest of the older snapshots stay, to go back to if the
new one is ever damaged, and so does the journal that leads from them to the
present.

New files belong to the user who runs this: run it as the one that the store's
program runs as, or it could not open its folder any more. On Unix, others are
refused.

Entries whose types were described differently, by releases of a program in
which its types differ, or by processes that each sealed a description with
persist.Encrypt, can't go into one snapshot. For the latter, --key-file helps.

Exit status:
  0  done
  1  the folder is damaged, or has entries that can't go into one snapshot;
     nothing was changed
  2  the command line is wrong
  3  could not be read or written, is in use, or is no store's`

const compactExample = `  latchkey compact /var/lib/shop/sessions
  sudo -u shop latchkey compact --keep 2 /var/lib/shop/sessions`

func newCompact(t *tool) *cobra.Command {
	var f folder
	keep := 1
	c := &cobra.Command{
		Use:     "compact DIR",
		Short:   "Take a snapshot and drop the journal",
		Long:    compactLong,
		Example: compactExample,
		Args:    takes("DIR"),
		RunE: func(c *cobra.Command, args []string) error {
			if keep < 1 {
				return usagef("--keep is %d; it must be 1 or more, as the new snapshot is one of them", keep)
			}
			return compact(c.Context(), t, &f, args[0], keep)
		},
	}
	c.Flags().IntVar(&keep, "keep", keep, "keep `N` snapshots, the new one among them")
	f.addKeyFile(c, "tells whether sealed descriptions are the same")
	return c
}

func compact(ctx context.Context, t *tool, f *folder, dir string, keep int) error {
	c, done, err := f.config(ctx, t, dir, 2) // the snapshot is read back
	if err != nil {
		return err
	}
	if err := sameOwner(c.Dir); err != nil {
		return err
	}
	c.Generations = keep
	did, err := persist.Compact(ctx, c, silent)
	done()
	if err != nil {
		return hint(err)
	}
	if did.Snapshot == "" {
		return t.say("the folder has never held anything: there is nothing to compact\n")
	}
	if did.Torn > 0 {
		err = t.say("%d bytes at the journal's end, which a crash had left unfinished, are gone\n", did.Torn)
	}
	if err != nil {
		return err
	}
	return t.say("%s has %s; %s became %s\n", did.Snapshot, count(did.Entries, "entry", "entries"), size(did.Before), size(did.After))
}

// say writes to standard output.
func (t *tool) say(format string, args ...any) error {
	_, err := fmt.Fprintf(t.stdout, format, args...)
	return err
}
