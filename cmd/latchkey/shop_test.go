package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/internal/disk"
	"github.com/latchkey-go/latchkey/persist"
	"github.com/latchkey-go/latchkey/store"
	"github.com/latchkey-go/latchkey/storetest"
)

// session is what the program stores whose folders are looked after here. Its keys
// have the word "customer" in them, its values "hush".
type session struct {
	User string
	Cart []string
}

// shop is such a program.
type shop struct {
	name    string
	codec   persist.Codec
	crashes bool
}

// shops returns one for each codec, that ends well and that crashes.
func shops(t testing.TB) []shop {
	var all []shop
	for _, codec := range []persist.Codec{persist.JSON{}, persist.Gob{}, sealed(t, persist.JSON{}), sealed(t, persist.Gob{})} {
		all = append(all, shop{codec.ID() + ", closed", codec, false}, shop{codec.ID() + ", crashed", codec, true})
	}
	return all
}

// Those for tests to which the codec is all the same.
var (
	jsonShop    = shop{"json, closed", persist.JSON{}, false}
	jsonCrashed = shop{"json, crashed", persist.JSON{}, true}
)

// sealKey is the key of the shops that encrypt. What is sealed with it differs from
// process to process, but not by it.
var sealKey = sha256.Sum256([]byte("a key"))

func sealed(t testing.TB, inner persist.Codec) persist.Codec {
	codec, err := persist.Encrypt(inner, sealKey[:])
	require.NoError(t, err)
	return codec
}

// keyFile writes the key to a file and returns the flag for it; "" for a shop that
// does not encrypt.
func (s shop) keyFile(t testing.TB) string {
	if !s.encrypts() {
		return ""
	}
	require.NoError(t, os.WriteFile("key", []byte(hex.EncodeToString(sealKey[:])+"\n"), 0o600))
	return " --key-file key"
}

func (s shop) encrypts() bool { return s.codec.ID() != "json" && s.codec.ID() != "gob" }

// The shop works on the first day of the year 2000: by now, what has a TTL is long
// past it.
const (
	morning = 8 * time.Hour
	noon    = 12 * time.Hour
)

func (s shop) open(t testing.TB, dir string) *store.Store[string, session] {
	t.Helper()
	return s.openOn(t, nil, dir, noon)
}

// openOn opens the store on a disk, nil for that of the operating system.
func (s shop) openOn(t testing.TB, d persist.FS, dir string, at time.Duration) *store.Store[string, session] {
	t.Helper()
	clock := storetest.NewClock(t)
	clock.Advance(at)
	all, err := store.New(store.Options[string, session]{
		Capacity: 10,
		TTL:      48 * time.Hour,
		Clock:    clock,
		Persist:  persist.Config{FS: d, Dir: dir, Codec: s.codec, Sync: persist.Always},
	})
	require.NoError(t, err)
	return all
}

// worked are the folders that shops have left, by their names.
var worked = make(map[string]files)

// work goes to a new current folder, in which the shop has left "sessions". Five
// entries are in it: customer-1 was changed under a lease, customer-2 is locked,
// customer-5 has no TTL.
func (s shop) work(t testing.TB) {
	t.Helper()
	t.Chdir(t.TempDir())
	if worked[s.name] == nil {
		worked[s.name] = s.workAnew(t)
	}
	worked[s.name].write(t, "sessions")
}

// inMemory is a folder on a disk in memory, which is quicker.
const inMemory = "/data/sessions"

// workAnew has two stores work in a folder, one after the other, so that there are
// two snapshots and a journal.
func (s shop) workAnew(t testing.TB) files {
	t.Helper()
	d := disk.New()
	first := s.openOn(t, d, inMemory, morning)
	for i := range 5 {
		require.NoError(t, first.Set(customer(i), session{fmt.Sprint("hush ", i), []string{"apple"}}))
	}
	require.NoError(t, first.Delete(customer(0)))
	require.NoError(t, first.Close())

	second := s.openOn(t, d, inMemory, noon)
	lease, err := second.TryLock(customer(1), 0)
	require.NoError(t, err)
	require.NoError(t, lease.Set(session{User: "hush 1"}))
	require.NoError(t, lease.Unlock())
	_, err = second.TryLock(customer(2), 0)
	require.NoError(t, err)
	require.NoError(t, second.SetWithTTL(customer(5), session{User: "hush 5"}, store.NoExpiry))
	crashed := d.Image()
	require.NoError(t, second.Close())
	if s.crashes {
		return imaged(crashed)
	}
	return imaged(d.Image())
}

// imaged returns the files of the folder in memory.
func imaged(img disk.Image) files {
	all := make(files)
	for name, data := range img {
		if base := filepath.Base(name); filepath.Dir(name) == inMemory && base != "LOCK" {
			all[base] = string(data)
		}
	}
	return all
}

// image is the reverse.
func (f files) image() disk.Image {
	img := disk.Image{"/": nil, "/data": nil, inMemory: nil}
	for name, data := range f {
		img[inMemory+"/"+name] = []byte(data)
	}
	return img
}

func customer(i int) string { return fmt.Sprint("customer-", i) }

// entries are all that a store finds in a folder.
type entries map[string]store.Entry[string, session]

// entries has a store open a copy of the folder.
func (s shop) entries(t testing.TB, dir string) entries {
	t.Helper()
	all := s.openOn(t, filesOf(t, dir).image().Boot(), inMemory, noon)
	found := make(entries)
	for key, value := range all.All() {
		meta, ok := all.Metadata(key)
		require.True(t, ok)
		found[key] = store.Entry[string, session]{Key: key, Value: value, Metadata: meta}
	}
	require.NoError(t, all.Close())
	return found
}

// files are the contents of a folder's files by their names, but for LOCK, in which
// each process that opens the folder leaves its id.
type files map[string]string

func filesOf(t testing.TB, dir string) files {
	t.Helper()
	all := make(files)
	list, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, e := range list {
		if e.Name() != "LOCK" {
			data, err := os.ReadFile(filepath.Join(dir, e.Name()))
			require.NoError(t, err)
			all[e.Name()] = string(data)
		}
	}
	return all
}

func (f files) write(t testing.TB, dir string) {
	t.Helper()
	require.NoError(t, os.Mkdir(dir, 0o700))
	for name, data := range f {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(data), 0o600))
	}
}

// rewrite has these files, and no others, in the folder.
func (f files) rewrite(t testing.TB, dir string) {
	t.Helper()
	require.NoError(t, os.RemoveAll(dir))
	f.write(t, dir)
}

// with returns the files, one of them with other contents.
func (f files) with(name, data string) files {
	other := maps.Clone(f)
	other[name] = data
	return other
}

// without returns the files but for one.
func (f files) without(name string) files {
	other := maps.Clone(f)
	delete(other, name)
	return other
}

// names returns those names that fit a pattern, in order.
func (f files) names(t testing.TB, pattern string) (fit []string) {
	for _, name := range slices.Sorted(maps.Keys(f)) {
		ok, err := filepath.Match(pattern, name)
		require.NoError(t, err)
		if ok {
			fit = append(fit, name)
		}
	}
	return fit
}

// stays makes sure that f leaves the folder byte for byte as it is.
func stays(t testing.TB, dir string, f func()) {
	t.Helper()
	before := filesOf(t, dir)
	f()
	require.True(t, maps.Equal(before, filesOf(t, dir)), "the folder has changed")
}

// damage has a file changed, and returns its name and where it is damaged first.
func damage(t testing.TB, name string, how func([]byte) []byte) (at int) {
	t.Helper()
	data, err := os.ReadFile(name)
	require.NoError(t, err)
	damaged := how(bytes.Clone(data))
	require.NoError(t, os.WriteFile(name, damaged, 0o600))
	for at < len(damaged) && damaged[at] == data[at] {
		at++
	}
	return at
}

// smashed returns how to damage bytes in the middle of the first entry with a key
// that has the text: more than the one bit that could be put right.
func smashed(text string) func([]byte) []byte {
	return func(data []byte) []byte {
		at := bytes.Index(data, []byte(text))
		copy(data[at:], "????")
		return data
	}
}
