package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/latchkey-go/latchkey/persist"
)

const exportLong = `Export writes the entries of a store's folder to one file, in the format of
Store.Export: Store.Import and "latchkey import" read it, and refuse a file of
which a single bit is not as it was. The folder stays as it is.

FILE must not be there, unless --force is given: then it is replaced once the
new one is complete. - is standard output.

The file holds keys and values as they are in the folder; only its owner can
read it. What was sealed with persist.Encrypt stays so.

Exit status:
  0  done
  1  the folder is damaged, or has entries that can't go into one file, for
     which see "latchkey help compact"
  2  the command line is wrong
  3  could not be read or written, is in use, or is no store's`

const exportExample = `  latchkey export /var/lib/shop/sessions sessions.latchkey
  latchkey export /var/lib/shop/sessions - | gzip > sessions.latchkey.gz`

const importLong = `Import makes a new folder from a file that Store.Export or "latchkey export" has
written, or from a snapshot taken out of a folder. DIR must not be there, or be
empty: a folder that holds a store already is refused.

FILE - is standard input. All of it comes in, or nothing does: a file that is
damaged or cut short makes no store.

The folder opens with the codec and the types that the file was written with. It
belongs to the user who runs this, and so the store's program must run as that
one, or the folder be given to it (chown -R).

Exit status:
  0  done
  1  the file is damaged
  2  the command line is wrong
  3  could not be read or written, or the folder is not empty`

const importExample = `  latchkey import sessions.latchkey /var/lib/shop/sessions
  gunzip -c sessions.latchkey.gz | latchkey import - /var/lib/shop/sessions`

func newExport(t *tool) *cobra.Command {
	var f folder
	force := false
	c := &cobra.Command{
		Use:     "export DIR FILE",
		Short:   "Write the entries to one file",
		Long:    exportLong,
		Example: exportExample,
		Args:    takes("DIR", "FILE"),
		RunE: func(c *cobra.Command, args []string) error {
			return export(c.Context(), t, &f, args[0], args[1], force)
		},
	}
	c.Flags().BoolVar(&force, "force", false, "replace FILE if it is there")
	f.addNoLock(c)
	f.addKeyFile(c, "tells whether sealed descriptions are the same")
	return c
}

func export(ctx context.Context, t *tool, f *folder, dir, name string, force bool) error {
	if name == "-" && isTerminal(t.stdout) {
		return usagef("an export is no text: have standard output go to a file, or give one in place of -")
	}
	if name != "-" && within(name, dir) {
		return usagef("FILE is %s, which is in the folder: that stays as it is", name)
	}
	switch info, err := os.Stat(name); {
	case err != nil, name == "-":
	case info.IsDir():
		return fmt.Errorf("%s is a folder; give a file", name)
	case !force:
		return fmt.Errorf("%s is there already; give another name, or --force to replace it", name)
	}
	c, done, err := f.config(ctx, t, dir, 1)
	if err != nil {
		return err
	}
	rec, err := restore(c)
	done()
	if err != nil {
		return err
	}
	in, err := rec.Common(c.Codec)
	if err != nil {
		return err
	}
	if in.Codec == "" {
		return fmt.Errorf("folder %s has never held anything: there is nothing to export", c.Dir)
	}
	h := persist.Header{Contents: in, Taken: taken(rec), Fence: rec.Fence, Capacity: rec.Capacity}
	write := func(w io.Writer) error {
		sw, err := persist.NewWriter(w, h)
		if err == nil {
			err = persist.WriteAll(ctx, rec.Records)(sw)
		}
		if err != nil {
			return err
		}
		return sw.Close()
	}
	if name == "-" {
		return write(t.stdout)
	}
	if err := replaceFile(name, write); err != nil {
		return err
	}
	return t.say("%s of codec %s and schema %q, in %s\n", count(len(rec.Records), "entry", "entries"), in.Codec, in.Schema, name)
}

// taken returns when what was restored was so last.
func taken(rec *persist.Recovered) time.Time {
	if newest := at(rec.Newest); newest.After(rec.Taken) {
		return newest
	}
	return rec.Taken
}

// replaceFile writes a file whole and durable before it gets its name.
func replaceFile(name string, write func(io.Writer) error) error {
	f, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".tmp-*") // 0600
	if err != nil {
		return err
	}
	err = write(f)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

func newImport(t *tool) *cobra.Command {
	return &cobra.Command{
		Use:     "import FILE DIR",
		Short:   "Make a folder of such a file",
		Long:    importLong,
		Example: importExample,
		Args:    takes("FILE", "DIR"),
		RunE: func(c *cobra.Command, args []string) error {
			return importFile(c.Context(), t, args[0], args[1])
		},
	}
}

func importFile(ctx context.Context, t *tool, name, dir string) (err error) {
	in, size := t.stdin, int64(-1)
	if name != "-" {
		f, openErr := os.Open(name)
		if openErr != nil {
			return openErr
		}
		defer func() { err = errors.Join(err, f.Close()) }()
		info, statErr := f.Stat()
		switch {
		case statErr != nil:
			return statErr
		case info.IsDir():
			return fmt.Errorf("%s is a folder; \"latchkey export\" makes a file of it", name)
		case info.Mode().IsRegular():
			size = info.Size()
		}
		in = f
	} else {
		name = "standard input"
		in = stoppableReader(ctx, in)
	}
	in, done := t.meteredReader(in, size)
	h, n, err := importAll(ctx, bufio.NewReader(in), name, dir)
	done()
	switch {
	case errors.Is(err, persist.ErrExists):
		return fmt.Errorf("%w, or a store's program can Import into the one it has", err)
	case err != nil:
		return notAnExport(err)
	}
	return t.say("%s of codec %s and schema %q, in %s\n", count(n, "entry", "entries"), h.Codec, h.Schema, dir)
}

// importAll makes the folder dir that of a store with what in, called name, holds.
func importAll(ctx context.Context, in *bufio.Reader, name, dir string) (h persist.Header, n int, err error) {
	if _, err := in.Peek(1); errors.Is(err, io.EOF) {
		return h, 0, fmt.Errorf("%s is empty", name)
	}
	r, err := persist.NewReader(in, name)
	if err != nil {
		return h, 0, err
	}
	h = persist.Header{Contents: r.Header().Contents, Taken: r.Header().Taken, Fence: r.Header().Fence, Capacity: r.Header().Capacity}
	keys := make(map[string]bool)
	err = create(ctx, dir, h, func(w *persist.Writer) error {
		for {
			rec, err := r.Next()
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err == nil && keys[string(rec.Key)] {
				err = fmt.Errorf("%w: two entries for one key", persist.ErrCorrupt)
			}
			if err == nil {
				err = w.Write(&rec)
			}
			if err == nil {
				err = ctx.Err()
			}
			if err != nil {
				return err
			}
			keys[string(rec.Key)] = true
		}
	})
	return h, len(keys), err
}

func notAnExport(err error) error {
	if errors.Is(err, persist.ErrCorrupt) {
		return fmt.Errorf("%w; nothing was imported", err)
	}
	return hint(err)
}
