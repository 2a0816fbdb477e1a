package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/latchkey-go/latchkey/persist"
)

const infoLong = `Info tells what is in a store's folder: which codec and types, how many entries,
how large, how old, and whether its last store was closed. It reads and checks
all of it, and changes nothing.

  entries    what a store would find, and how many of them are past their TTL by
             now, or locked. Entries that only an idle timeout has ended are
             counted: that is an option of the program, and not in the folder.
  newest     the latest change that is known: a write, or an access that was
             saved
  fence      at or above the fence of every lease ever handed out. While a store
             is open, and after a crash, that is far above, as it sets them
             aside.
  state      closed, or not: after a crash, and as long as nothing has been
             saved since. A folder that was not closed is as good as any other.
  torn       bytes at the journal's end that a crash has left unfinished: of
             changes that were never promised. The next store that opens the
             folder passes over them.
  journal    the segments, which have what changed since the snapshots
  damage     the first in each file; what is shown then is what is left to see,
             or what an older snapshot holds

With --json, the same is one JSON object, with sizes in bytes, times as in RFC
3339, and durations left out. What a store would find is not in it if none would
open the folder.

Exit status:
  0  all is good
  1  the folder is damaged; what could be read is shown
  2  the command line is wrong
  3  could not be read, is in use, or is no store's`

const infoExample = `  latchkey info /var/lib/shop/sessions
  latchkey info --json /var/lib/shop/sessions | jq .entries
  latchkey info --no-lock /mnt/backup/sessions    on a disk that is read-only`

func newInfo(t *tool) *cobra.Command {
	var f folder
	asJSON := false
	c := &cobra.Command{
		Use:     "info DIR",
		Short:   "Tell what is in a folder",
		Long:    infoLong,
		Example: infoExample,
		Args:    takes("DIR"),
		RunE: func(c *cobra.Command, args []string) error {
			i, err := inspect(c.Context(), t, &f, args[0])
			if err != nil {
				return err
			}
			about := newAbout(args[0], i, time.Now())
			if asJSON {
				err = about.writeJSON(t.stdout)
			} else {
				err = about.write(t.stdout)
			}
			return errors.Join(err, hint(damageOf(args[0], i)))
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "write one JSON object")
	f.addNoLock(c)
	return c
}

// inspect inspects a folder.
func inspect(ctx context.Context, t *tool, f *folder, dir string) (*persist.Inspection, error) {
	c, done, err := f.config(ctx, t, dir, 2)
	if err != nil {
		return nil, err
	}
	i, err := persist.Inspect(c, silent)
	done()
	if err != nil {
		return nil, hint(err)
	}
	return i, nil
}

// damageOf returns an error that sums up the damage in a folder, if there is any.
func damageOf(dir string, i *persist.Inspection) error {
	switch n := len(i.Damage); n {
	case 0:
		return nil
	case 1:
		return fmt.Errorf("folder %s: %w", dir, i.Damage[0])
	default:
		return fmt.Errorf("folder %s, in %d files: %w", dir, n, i.Damage[0])
	}
}

// about is what info tells.
type about struct {
	Dir       string     `json:"dir"`
	Store     string     `json:"store"`
	Codec     string     `json:"codec"`
	Schema    string     `json:"schema"`
	*aboutAll            // nil = unknown: a store would not open the folder
	Snapshots []aboutOne `json:"snapshots"`
	Segments  []aboutOne `json:"segments"`
	Strays    []string   `json:"strays"`
	Damage    []string   `json:"damage"`
}

// aboutAll is what info tells of what a store would find.
type aboutAll struct {
	Entries    int        `json:"entries"`
	Expired    int        `json:"expired"`
	Locked     int        `json:"locked"`
	KeyBytes   int64      `json:"keyBytes"`
	ValueBytes int64      `json:"valueBytes"`
	Capacity   uint64     `json:"capacity"` // 0 = unknown
	Newest     *time.Time `json:"newest"`
	Seq        uint64     `json:"seq"` // number of the last change
	Fence      uint64     `json:"fence"`
	Closed     bool       `json:"closed"`
	Torn       int64      `json:"tornBytes"`
}

// aboutOne is what info tells of a file.
type aboutOne struct {
	Name    string     `json:"name"`
	Bytes   int64      `json:"bytes"`
	Entries *uint64    `json:"entries,omitempty"`
	Changes *uint64    `json:"changes,omitempty"`
	Taken   *time.Time `json:"taken,omitempty"`
	Seq     uint64     `json:"seq"` // the last change that is in it
	Damaged bool       `json:"damaged"`
}

func newAbout(dir string, i *persist.Inspection, now time.Time) *about {
	a := &about{
		Dir: dir, Store: i.Store,
		Snapshots: []aboutOne{}, Segments: []aboutOne{}, Strays: append([]string{}, i.Strays...), Damage: []string{},
	}
	for _, s := range i.Snapshots {
		one := aboutOne{Name: s.Name, Bytes: s.Size, Seq: s.Header.Seq, Damaged: s.Damage != nil}
		if !one.Damaged {
			one.Entries, one.Taken = &s.Entries, &s.Header.Taken
		}
		a.Snapshots = append(a.Snapshots, one)
		a.Codec, a.Schema = cmp.Or(s.Header.Codec, a.Codec), cmp.Or(s.Header.Schema, a.Schema)
	}
	for _, s := range i.Segments {
		one := aboutOne{Name: s.Name, Bytes: s.Size, Seq: max(s.After, s.Last), Damaged: s.Damage != nil}
		if !one.Damaged {
			one.Changes = &s.Changes
		}
		a.Segments = append(a.Segments, one)
		a.Codec, a.Schema = cmp.Or(s.Contents.Codec, a.Codec), cmp.Or(s.Contents.Schema, a.Schema)
	}
	for _, damage := range i.Damage {
		a.Damage = append(a.Damage, text(damage))
	}
	if i.Recovered != nil {
		a.Codec, a.Schema = i.Recovered.Contents.Codec, i.Recovered.Contents.Schema
		a.aboutAll = newAboutAll(i.Recovered, now)
		a.Fence, a.Closed = i.Fence, i.Closed
	}
	return a
}

func newAboutAll(rec *persist.Recovered, now time.Time) *aboutAll {
	a := &aboutAll{Entries: len(rec.Records), Capacity: rec.Capacity, Seq: rec.Seq, Torn: rec.Torn}
	newest := rec.Newest
	for _, r := range rec.Records {
		a.KeyBytes += int64(len(r.Key))
		a.ValueBytes += int64(len(r.Value))
		newest = max(newest, r.Updated, r.Accessed)
		if r.Expires != 0 && r.Expires <= now.UnixNano() {
			a.Expired++
		}
		if r.LockedUntil > now.UnixNano() {
			a.Locked++
		}
	}
	if newest != 0 {
		at := time.Unix(0, newest).UTC()
		a.Newest = &at
	}
	return a
}

func (a *about) writeJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(a)
}

func (a *about) write(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	var err error
	line := func(name, format string, args ...any) {
		if err == nil {
			_, err = fmt.Fprintf(t, name+"\t"+format+"\n", args...)
		}
	}
	line("folder", "%s", a.Dir)
	line("store", "%s", orUnknown(a.Store))
	line("codec", "%s", orUnknown(a.Codec))
	line("schema", "%s", orUnknown(a.Schema))
	if a.aboutAll != nil {
		a.writeKnown(line)
	} else {
		line("entries", "unknown: a store would not open the folder")
	}
	for _, s := range a.Snapshots {
		line("snapshot", "%s, %s, %s", s.Name, size(s.Bytes), s.state())
	}
	for _, s := range a.Segments {
		line("journal", "%s, %s, %s", s.Name, size(s.Bytes), s.state())
	}
	for _, damage := range a.Damage {
		line("damage", "%s", strings.TrimPrefix(damage, "damaged: "))
	}
	if len(a.Strays) > 0 {
		line("stray", "%s: not listed, and of no meaning", strings.Join(a.Strays, ", "))
	}
	return errors.Join(err, t.Flush())
}

func (a *aboutAll) writeKnown(line func(name, format string, args ...any)) {
	line("entries", "%s, %d of them past their TTL, %d locked", humanize.Comma(int64(a.Entries)), a.Expired, a.Locked)
	line("size", "keys %s, values %s", size(a.KeyBytes), size(a.ValueBytes))
	if a.Capacity > 0 {
		line("capacity", "%s", humanize.Comma(int64(a.Capacity)))
	} else {
		line("capacity", "unknown")
	}
	if a.Newest != nil {
		line("newest", "%s", when(*a.Newest))
	} else {
		line("newest", "none")
	}
	line("fence", "%d", a.Fence)
	if a.Closed {
		line("state", "closed")
	} else {
		line("state", "not closed: its last store has crashed, or was open when this was copied")
	}
	line("torn", "%s", size(a.Torn))
}

func (o aboutOne) state() string {
	switch {
	case o.Damaged:
		return "damaged"
	case o.Changes != nil:
		return count(*o.Changes, "change", "changes")
	}
	return count(*o.Entries, "entry", "entries") + ", taken " + when(*o.Taken)
}
