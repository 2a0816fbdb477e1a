package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/redis/rueidis"
	"github.com/spf13/cobra"

	"github.com/latchkey-go/latchkey/persist"
	"github.com/latchkey-go/latchkey/redisstore"
)

const copyLong = `Copy copies the entries of a store's folder to a server of Redis or Valkey,
where a program finds them with redisstore, or from there to a new folder. One
of FROM and TO is the folder, the other one the server's URL:

  redis://[USER@]HOST[:PORT][/DATABASE]      rediss:// with TLS
  redis://HOST:PORT?addr=HOST2:PORT2         of a cluster
  unix:///PATH/OF/SOCKET

All that is known of an entry goes with it: times, counts, TTL, lease and fence.
What is locked stays locked until its deadline. What has expired is left out.
FROM stays as it is. No program should use the entries meanwhile.

To a server, each entry comes whole or not at all; when copy was interrupted,
run it again, and it goes on with what is missing. In the end each is read back
and compared. Other entries that are there for the same keys stay, and are told,
unless --overwrite is given; locked ones stay in any case.

To a folder, all comes or nothing. DIR must not be there, or be empty, and needs
--codec and --schema: what the store's program has as Persist.Codec, and its
types.

Copy works for codec json, sealed or not. Values are not looked into, and those
sealed with persist.Encrypt stay so; keys on a server are not, and --key-file
opens them. For other codecs, or a KeyCodec, have a program call Import or
Export of redisstore.

Exit status:
  0  done
  1  the folder is damaged, or other entries are on the server and have stayed
  2  the command line is wrong
  3  could not be read or written, is in use, or is no store's`

const copyExample = `  latchkey copy --prefix shop: --idle 30m \
      /var/lib/shop/sessions redis://127.0.0.1:6379
  latchkey copy --prefix shop: --codec json --schema "string main.Session" \
      redis://127.0.0.1:6379 /var/lib/shop/sessions`

// copying is what the command was asked for.
type copying struct {
	folder
	prefix       string
	keys         string // their kind; "" = as the schema tells
	schema       string
	passwordFile string
	idle         time.Duration
	overwrite    bool
}

func newCopy(t *tool) *cobra.Command {
	var o copying
	c := &cobra.Command{
		Use:     "copy FROM TO",
		Short:   "Copy the entries to a server of Redis, or back",
		Long:    copyLong,
		Example: copyExample,
		Args:    takes("FROM", "TO"),
		RunE: func(c *cobra.Command, args []string) error {
			return o.run(c.Context(), t, args[0], args[1])
		},
	}
	f := c.Flags()
	f.StringVar(&o.prefix, "prefix", redisstore.DefaultPrefix, "the `TEXT` of Options.Prefix")
	f.DurationVar(&o.idle, "idle", 0, "the program's Options.IdleTimeout, a `TIME` like 30m")
	f.StringVar(&o.keys, "keys", "", "`KIND` of the keys: string, int, uint, bool, or\njson for all others; the schema tells it if it is\none of these")
	f.BoolVar(&o.overwrite, "overwrite", false, "replace other entries on the server")
	f.StringVar(&o.codec, "codec", "", "`ID` of the codec of the new folder: json or\naes256gcm+json")
	f.StringVar(&o.schema, "schema", "", "its `TYPES`, as in \"string main.Session\"")
	f.StringVar(&o.passwordFile, "pass-file", "", "`FILE` with the password of the server")
	o.addKeyFile(c, "keys that are sealed are opened with it, or sealed")
	return c
}

func isURL(name string) bool { return strings.Contains(name, "://") }

func (o *copying) run(ctx context.Context, t *tool, from, to string) error {
	switch {
	case isURL(from) == isURL(to):
		return usagef("one of FROM and TO must be a folder, the other one the URL of a server: latchkey copy FROM TO")
	case isURL(from) && (o.codec == "" || o.schema == ""):
		return usagef("--codec and --schema are missing: the server does not tell what the new folder is of")
	case isURL(from) && o.overwrite:
		return usagef("--overwrite is for entries on a server; DIR must not be there, or be empty")
	case isURL(to) && (o.codec != "" || o.schema != ""):
		return usagef("--codec and --schema are for a new folder; this one tells them itself")
	case o.idle < 0:
		return usagef("--idle is %v; it must not be negative", o.idle)
	}
	if isURL(to) {
		return o.toServer(ctx, t, from, to)
	}
	return o.toFolder(ctx, t, from, to)
}

func (o *copying) toServer(ctx context.Context, t *tool, dir, url string) error {
	c, doneReading, err := o.config(ctx, t, dir, 1)
	if err != nil {
		return err
	}
	rec, err := restore(c)
	doneReading()
	if err != nil {
		return err
	}
	in := rec.Contents
	if in.Codec == "" {
		return fmt.Errorf("folder %s has never held anything: there is nothing to copy", c.Dir)
	}
	o.codec, o.schema = in.Codec, in.Schema
	copyAll, client, err := o.prepare(url)
	if err != nil {
		return err
	}
	defer client.Close()
	show := t.newCounter()
	done, err := copyAll.toServer(ctx, persist.Config{Dir: c.Dir}, redisstore.CopyOptions{Overwrite: o.overwrite, Progress: show.to})
	show.done()
	if err != nil {
		return o.failed(err, done)
	}
	return t.say("%s copied, %d there already, %d left out as expired; all read back, and as in the folder\n",
		count(done.Entries, "entry", "entries"), done.Present, done.Expired)
}

func (o *copying) toFolder(ctx context.Context, t *tool, url, dir string) error {
	copyAll, client, err := o.prepare(url)
	if err != nil {
		return err
	}
	defer client.Close()
	dir = filepath.Clean(dir)
	made := missing(dir)
	show := t.newCounter()
	done, err := copyAll.toFolder(ctx, persist.Config{Dir: dir}, redisstore.CopyOptions{Progress: show.to})
	show.done()
	if err := unmake(dir, made, err); err != nil {
		return hint(err)
	}
	return t.say("%s of codec %s and schema %q, in %s\n", count(done.Entries, "entry", "entries"), o.codec, o.schema, dir)
}

// failed says what to do about an error.
func (o *copying) failed(err error, done redisstore.Copied) error {
	if done.Entries+done.Present > 0 {
		err = fmt.Errorf("%w (%s on the server now; run it again for what is missing)", err, count(done.Entries+done.Present, "entry is", "entries are"))
	}
	return hint(err)
}

// prepare finds out what kind of entries it is about, and connects to the server.
func (o *copying) prepare(url string) (copier, rueidis.Client, error) {
	codec, err := o.untouched()
	if err != nil {
		return nil, nil, err
	}
	kind, err := o.kind()
	if err != nil {
		return nil, nil, err
	}
	client, err := o.connect(url)
	if err != nil {
		return nil, nil, err
	}
	ro := redisstore.Options{Prefix: o.prefix, IdleTimeout: o.idle, Codec: codec}
	copyAll, err := kind(client, ro, o.schema)
	if err != nil {
		client.Close()
		return nil, nil, err
	}
	return copyAll, client, nil
}

// connect returns a client of the server. Its URL, which may have a password in it,
// is never part of an error.
func (o *copying) connect(url string) (rueidis.Client, error) {
	options, err := rueidis.ParseURL(url)
	if err != nil {
		return nil, usagef("that is no URL of a server; see \"latchkey help copy\"")
	}
	if o.passwordFile != "" {
		password, err := os.ReadFile(o.passwordFile)
		if err != nil {
			return nil, err
		}
		options.Password = strings.TrimRight(string(password), "\r\n")
	}
	options.DisableCache = true
	client, err := rueidis.NewClient(options)
	if reply, ok := rueidis.IsRedisErr(err); ok {
		code, _, _ := strings.Cut(reply.Error(), " ")
		return nil, fmt.Errorf("the server answered %s; are user, --pass-file and database right?", code)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: is it running, and the address right? %w", redisstore.ErrUnavailable, err)
	}
	return client, nil
}
