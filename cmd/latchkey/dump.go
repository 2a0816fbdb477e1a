package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/latchkey-go/latchkey/persist"
)

const dumpLong = `Dump writes the entries of a store's folder, as a store would find them, each as
one line of JSON, those first whose last use is the longest ago. It changes
nothing.

  key, keyBase64        the key: as JSON where the codec is json, else in base64
                        as the codec made it
  value, valueBase64    the value likewise, with --redact=false alone
  valueBytes            its size when encoded
  created, updated      times as in RFC 3339
  accessed
  expires               the end of the TTL; left out if there is none. Entries
                        past it are shown as long as they are in the folder.
  ttl                   as in 24h0m0s; left out if there is none
  accesses, revision    counts
  fence                 of the last lease; 0 = there was none
  lockedUntil           the deadline of the lease; left out if there is none

Values are left out unless asked for: they are what users have entrusted to the
store. Keys can be secrets too, such as session ids: treat the output like the
folder itself. What was sealed with persist.Encrypt stays so, unless --key-file
has the key.

Exit status:
  0  done
  1  the folder is damaged; nothing is shown
  2  the command line is wrong
  3  could not be read, is in use, or is no store's`

const dumpExample = `  latchkey dump /var/lib/shop/sessions
  latchkey dump --keys-only /var/lib/shop/sessions | wc -l
  latchkey dump --redact=false /var/lib/shop/sessions | jq .value`

// dump is what the command was asked for.
type dump struct {
	folder
	keysOnly, redact bool
}

func newDump(t *tool) *cobra.Command {
	var d dump
	c := &cobra.Command{
		Use:     "dump DIR",
		Short:   "Write the entries as lines of JSON",
		Long:    dumpLong,
		Example: dumpExample,
		Args:    takes("DIR"),
		RunE: func(c *cobra.Command, args []string) error {
			if d.keysOnly && !d.redact {
				return usagef("--keys-only shows no values, and --redact=false asks for them: give one of the two")
			}
			return d.run(c.Context(), t, args[0])
		},
	}
	c.Flags().BoolVar(&d.keysOnly, "keys-only", false, "write nothing but the keys")
	c.Flags().BoolVar(&d.redact, "redact", true, "leave the values out; --redact=false shows\nthem")
	d.addNoLock(c)
	d.addKeyFile(c, "what was sealed with it is opened")
	return c
}

func (d *dump) run(ctx context.Context, t *tool, dir string) error {
	c, done, err := d.config(ctx, t, dir, 1)
	if err != nil {
		return err
	}
	rec, err := restore(c)
	done()
	if err != nil {
		return err
	}
	slices.SortStableFunc(rec.Records, func(a, b persist.Record) int { return cmp.Compare(a.Used, b.Used) })
	return d.write(ctx, t.stdout, rec.Records, c.Codec)
}

func (d *dump) write(ctx context.Context, to io.Writer, records []persist.Record, sealed persist.Codec) error {
	w := bufio.NewWriter(to)
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	for i := range records {
		if err := ctx.Err(); err != nil {
			return err
		}
		r := &records[i]
		asJSON, err := unseal(r, sealed)
		if err != nil {
			return err
		}
		if err := e.Encode(d.entry(r, asJSON)); err != nil {
			return err
		}
	}
	return w.Flush()
}

// unseal opens the key and the value of a record, if they are sealed and the key is
// given. It reports whether they are JSON.
func unseal(r *persist.Record, sealed persist.Codec) (asJSON bool, err error) {
	codec := r.In.Codec
	if inner, ok := strings.CutPrefix(codec, sealedPrefix); ok && sealed != nil {
		codec = inner
		if err := errors.Join(sealed.Unmarshal(r.Key, &r.Key), sealed.Unmarshal(r.Value, &r.Value)); err != nil {
			return false, errWrongKey
		}
	}
	return codec == persist.JSON{}.ID() && json.Valid(r.Key) && json.Valid(r.Value), nil
}

var errWrongKey = errors.New("an entry was sealed with another key than those of --key-file; give that too")

// entryKey is the key in a line.
type entryKey struct {
	Key       json.RawMessage `json:"key,omitempty"`
	KeyBase64 *[]byte         `json:"keyBase64,omitempty"`
}

// entryLine is a line.
type entryLine struct {
	entryKey
	Value       json.RawMessage `json:"value,omitempty"`
	ValueBase64 *[]byte         `json:"valueBase64,omitempty"`
	ValueBytes  int             `json:"valueBytes"`
	Created     time.Time       `json:"created"`
	Updated     time.Time       `json:"updated"`
	Accessed    time.Time       `json:"accessed"`
	Expires     *time.Time      `json:"expires,omitempty"`
	TTL         string          `json:"ttl,omitempty"`
	Accesses    uint64          `json:"accesses"`
	Revision    uint64          `json:"revision"`
	Fence       uint64          `json:"fence"`
	LockedUntil *time.Time      `json:"lockedUntil,omitempty"`
}

// entry returns the line for a record.
func (d *dump) entry(r *persist.Record, asJSON bool) any {
	key := entryKey{KeyBase64: &r.Key}
	if asJSON {
		key = entryKey{Key: r.Key}
	}
	if d.keysOnly {
		return key
	}
	e := entryLine{
		entryKey: key, ValueBytes: len(r.Value),
		Created: at(r.Created), Updated: at(r.Updated), Accessed: at(r.Accessed),
		Accesses: r.Accesses, Revision: r.Revision, Fence: r.Fence,
		Expires: atOrNever(r.Expires), LockedUntil: atOrNever(r.LockedUntil),
	}
	if r.TTL != 0 {
		e.TTL = time.Duration(r.TTL).String()
	}
	switch {
	case d.redact:
	case asJSON:
		e.Value = r.Value
	default:
		e.ValueBase64 = &r.Value
	}
	return e
}

func at(nanoseconds int64) time.Time { return time.Unix(0, nanoseconds).UTC() }

func atOrNever(nanoseconds int64) *time.Time {
	if nanoseconds == 0 {
		return nil
	}
	t := at(nanoseconds)
	return &t
}
