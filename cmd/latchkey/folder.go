package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/latchkey-go/latchkey/persist"
)

// silent is the log of what commands tell themselves.
var silent = slog.New(slog.DiscardHandler)

// folder is how a command opens a folder.
type folder struct {
	noLock   bool
	keyFiles []string
	codec    string // where none is told; "" = json
}

func (f *folder) addNoLock(c *cobra.Command) {
	c.Flags().BoolVar(&f.noLock, "no-lock", false,
		"write nothing at all, and so take no lock, as on a\nread-only disk; while a store has the folder open,\nwhat is shown may be wrong, and look damaged")
}

func (f *folder) addKeyFile(c *cobra.Command, use string) {
	c.Flags().StringArrayVar(&f.keyFiles, "key-file", nil,
		"`FILE` with a key of persist.Encrypt: 32 bytes, as they\nare, or in hex or base64; may be given several times;\n"+use)
}

// config returns the configuration for the folder in dir, which can be read until
// ctx ends, with a progress bar for as many passes over what is in it; the caller
// calls done before it writes anything.
func (f *folder) config(ctx context.Context, t *tool, dir string, passes int64) (c persist.Config, done func(), err error) {
	c, err = persist.Config{Dir: filepath.Clean(dir)}.WithDefaults()
	if err != nil {
		return c, nil, err
	}
	if c.Codec, err = f.sealed(); err != nil {
		return c, nil, err
	}
	if f.noLock {
		c.FS = persist.ReadOnly(c.FS)
	}
	c.FS, done = t.metered(stoppableFS{c.FS, ctx.Err}, c.Dir, passes)
	return c, done, nil
}

// sealed returns a codec that opens what is sealed and leaves it at that; nil
// without a key.
func (f *folder) sealed() (persist.Codec, error) {
	if len(f.keyFiles) == 0 {
		return nil, nil
	}
	keys, err := f.readKeys()
	if err != nil {
		return nil, err
	}
	return persist.Encrypt(plain(strings.TrimPrefix(f.codec, sealedPrefix)), keys...)
}

func (f *folder) readKeys() (keys [][]byte, err error) {
	for _, name := range f.keyFiles {
		key, err := readKey(name)
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// readKey reads a key, which never becomes part of an error.
func readKey(name string) ([]byte, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	if len(data) == persist.KeySize {
		return data, nil
	}
	line := string(bytes.TrimSpace(data))
	for _, decode := range []func(string) ([]byte, error){
		hex.DecodeString, base64.StdEncoding.DecodeString, base64.URLEncoding.DecodeString, base64.RawURLEncoding.DecodeString,
	} {
		if key, err := decode(line); err == nil && len(key) == persist.KeySize {
			return key, nil
		}
	}
	return nil, fmt.Errorf("%s holds no key: that is %d bytes, as they are, or in hex or base64", name, persist.KeySize)
}

// sealedPrefix begins the id of a codec of persist.Encrypt.
const sealedPrefix = "aes256gcm+"

// plain is a codec that hands out bytes as they are. It has the id of the codec that
// made them.
type plain string

func (p plain) ID() string { return string(p) }

func (p plain) Marshal(any) ([]byte, error) { return nil, errors.ErrUnsupported }

func (p plain) Unmarshal(data []byte, v any) error {
	to, ok := v.(*[]byte)
	if !ok {
		return errors.ErrUnsupported
	}
	*to = bytes.Clone(data)
	return nil
}

// restore reads what a store would find in a folder, and refuses to go back to an
// older snapshot.
func restore(c persist.Config) (*persist.Recovered, error) {
	f, err := persist.OpenExisting(c, silent)
	if err != nil {
		return nil, hint(err)
	}
	rec, err := f.Restore(func(persist.Contents) error { return nil })
	if err = errors.Join(err, f.Release()); err != nil {
		return nil, hint(err)
	}
	if rec.Damaged > 0 {
		return nil, hint(fmt.Errorf("folder %s: %w: its newest snapshot", c.Dir, persist.ErrCorrupt))
	}
	return rec, nil
}

// create makes a folder that is a store's, or if that fails leaves none behind.
func create(ctx context.Context, dir string, h persist.Header, fill func(*persist.Writer) error) error {
	dir = filepath.Clean(dir)
	made := missing(dir)
	return unmake(dir, made, persist.Create(ctx, persist.Config{Dir: dir}, h, silent, fill))
}

// unmake removes folders that were made for a store if err says that there is none,
// and returns it.
func unmake(dir string, made []string, err error) error {
	somebodyElses := errors.Is(err, persist.ErrInUse) || errors.Is(err, persist.ErrExists)
	if err != nil && len(made) > 0 && !somebodyElses {
		_ = os.Remove(filepath.Join(dir, "LOCK"))
		for _, name := range made {
			_ = os.Remove(name) // which fails if there is anything in it
		}
	}
	return err
}

// missing returns which of dir and the folders it is in are not there, dir first.
func missing(dir string) (names []string) {
	for {
		if _, err := os.Lstat(dir); !errors.Is(err, fs.ErrNotExist) {
			return names
		}
		names = append(names, dir)
		dir = filepath.Dir(dir)
	}
}

// within reports whether a path leads to a folder or into it.
func within(name, dir string) bool {
	name, nameErr := filepath.Abs(name)
	dir, dirErr := filepath.Abs(dir)
	rest, err := filepath.Rel(dir, name)
	return errors.Join(nameErr, dirErr, err) == nil && filepath.IsLocal(rest)
}

// hint adds to an error what to do about it, where persist does not say so itself.
func hint(err error) error {
	switch {
	case errors.Is(err, persist.ErrCorrupt):
		return fmt.Errorf("%w; \"latchkey verify\" tells all damage, \"latchkey salvage\" saves what can be read", err)
	case errors.Is(err, persist.ErrVersion):
		return fmt.Errorf("%w; use the latchkey of the release that wrote it", err)
	}
	return err
}
