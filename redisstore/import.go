package redisstore

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"

	"github.com/latchkey-go/latchkey/internal/usercode"
	"github.com/latchkey-go/latchkey/persist"
	"github.com/latchkey-go/latchkey/store"
)

// importBatch is how many entries Import has on their way at a time.
const importBatch = 64

// Import copies the entries of a local store's folder to the server, with all that
// is known of them: when they were created, written and accessed, how often, their
// revisions and TTLs. Times of day stay what they are, to the millisecond: what has
// expired meanwhile is left out, by the clock of the server. What is locked stays
// locked until its deadline, and its holder can Resume the lease here by its fence.
// The next fence of each entry is a higher one.
//
// from is the Persist of that store, which must be closed. The folder stays as it
// is. Values are as in the folder if both codecs are the same, and else encoded
// anew; keys are as this Store has them.
//
// Each entry is copied whole or not at all. After an error, or when ctx has ended,
// call Import again: it goes on with what is not there yet. When all is copied,
// every entry is read back and compared. Nobody else should use the entries before
// Import has returned.
//
// Errors: [store.ErrConflict] once all is done, if there are other entries for some
// of the keys, see Copied.Differ and CopyOptions.Overwrite; those of opening the
// folder in package persist; the codec's; those of every operation that changes
// something. With an error, Copied tells how far it came.
func (s *Store[K, V]) Import(ctx context.Context, from persist.Config, o CopyOptions) (done Copied, err error) {
	if err := s.begin(ctx); err != nil {
		return done, err
	}
	if from, err = from.WithDefaults(); err != nil {
		return done, err
	}
	folder, err := persist.OpenExisting(from, s.o.Logger)
	if err != nil {
		return done, err
	}
	defer func() { err = errors.Join(err, folder.Release()) }()
	rec, err := folder.Restore(contents[K, V](from).Check)
	if err != nil {
		return done, err
	}
	if rec.Damaged > 0 {
		return done, fmt.Errorf("redisstore: folder %s: %w: its newest snapshot; the command latchkey can salvage the rest", from.Dir, persist.ErrCorrupt)
	}
	i := &importer[K, V]{s: s, dir: from.Dir, codec: from.Codec, o: o, total: 2 * len(rec.Records), leftOut: map[string]bool{}}
	err = i.each(ctx, rec.Records, i.place)
	if err == nil {
		err = i.each(ctx, rec.Records, i.compare)
	}
	if err == nil && i.done.Differ > 0 {
		err = fmt.Errorf("redisstore: %w: %d entries on the server are not those of the folder, and stay", store.ErrConflict, i.done.Differ)
	}
	return i.done, err
}

// importer is an Import under way.
type importer[K comparable, V any] struct {
	s     *Store[K, V]
	dir   string // of the folder
	codec persist.Codec
	o     CopyOptions
	in    *persist.Contents // those that form is for
	form  form
	steps int
	total int

	mu      sync.Mutex // guards the fields below
	done    Copied
	failed  error
	leftOut map[string]bool // names of what was not copied
}

// item is an entry on its way.
type item struct {
	name, value string
	meta        meta
}

// each has f look at all records, a batch of them at a time.
func (i *importer[K, V]) each(ctx context.Context, records []persist.Record, f func(context.Context, item) error) error {
	for len(records) > 0 {
		n := min(importBatch, len(records))
		items := make([]item, n)
		for k := range items {
			var err error
			if items[k], err = i.item(&records[k]); err != nil {
				return &usercode.FolderError{Package: "redisstore", Dir: i.dir, Cause: err}
			}
		}
		var all sync.WaitGroup
		for _, it := range items {
			all.Go(func() {
				if err := f(ctx, it); err != nil {
					i.fail(err)
				}
			})
		}
		all.Wait()
		if i.failed != nil {
			return i.failed
		}
		records = records[n:]
		i.steps += n
		i.o.progress(i.steps, i.total)
		if err := i.s.begin(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (i *importer[K, V]) fail(err error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.failed == nil {
		i.failed = err
	}
}

// item returns the entry in a record, as it is to be on the server.
func (i *importer[K, V]) item(r *persist.Record) (it item, err error) {
	if r.In != i.in {
		if i.form, err = formOf[K, V](i.codec, *r.In); err != nil {
			return it, err
		}
		i.in = r.In
	}
	var key K
	if err := unmarshal(i.form.key, "decode a key", string(r.Key), &key); err != nil {
		return it, err
	}
	if it.name, err = i.s.name(key); err != nil {
		return it, err
	}
	it.meta = metaOfRecord(r)
	it.value, err = i.value(r)
	return it, err
}

// value returns a value as it is to be on the server, where it can be decoded.
func (i *importer[K, V]) value(r *persist.Record) (string, error) {
	if r.In.Values == nil && r.In.Codec == i.s.o.Codec.ID() {
		text := string(r.Value)
		if len(text) > i.s.o.MaxValue {
			return "", i.s.tooLarge(len(text))
		}
		_, err := i.s.decode(text)
		return text, err
	}
	var value V
	if err := unmarshal(i.form.value, "decode a value", string(r.Value), &value); err != nil {
		return "", err
	}
	return i.s.encode(value)
}

// place has the server take an entry in.
func (i *importer[K, V]) place(ctx context.Context, it item) error {
	replace := "0"
	if i.o.Overwrite {
		replace = "1"
	}
	message, err := i.s.run(ctx, scriptPlace, it.name, it.value, it.meta.text(), replace)
	i.s.noted(it.name, message, err)
	i.mu.Lock()
	defer i.mu.Unlock()
	switch {
	case err == store.ErrNotFound:
		i.done.Expired++
		i.leftOut[it.name] = true
	case err == store.ErrConflict, err == store.ErrLocked:
		i.done.Differ++
		i.leftOut[it.name] = true
	case err != nil:
		return err
	case message.IsInt64():
		i.done.Present++
	default:
		i.done.Entries++
	}
	return nil
}

// compare reads an entry back.
func (i *importer[K, V]) compare(ctx context.Context, it item) error {
	if i.leftOut[it.name] { // which nobody changes any more
		return nil
	}
	m, value, err := i.s.lookFar(ctx, it.name)
	switch {
	case err == store.ErrNotFound && i.s.mayBeDead(it.meta):
		return nil
	case err != nil && err != store.ErrNotFound:
		return err
	case err == nil && m.sameAs(it.meta) && i.equal(value, it.value):
		return nil
	}
	return fmt.Errorf("redisstore: %w: an entry that was copied is no longer what it was; have nobody use the entries meanwhile", store.ErrConflict)
}

// drift is, in microseconds, by how much two readings of one time may differ: a
// local store tells times of day by two clocks.
const drift = 1_000_000

// sameAs reports whether m is of an entry that was copied from one with other.
func (m *meta) sameAs(other meta) bool {
	near := func(a, b uint64) bool { return max(a, b)-min(a, b) < drift }
	return m.revision == other.revision && m.ttl == other.ttl && m.fence >= other.fence &&
		near(m.created, other.created) && near(m.updated, other.updated) && near(m.expires, other.expires)
}

// mayBeDead reports whether an entry is at its end, or close to it.
func (s *core) mayBeDead(m meta) bool {
	dies := m.metadata(s.about(), s.o.IdleTimeout).Expires
	return !dies.IsZero() && uint64(dies.UnixMicro()) < s.about()+drift
}

// equal reports whether two values are the same when decoded: not every codec
// encodes a value in one way alone.
func (i *importer[K, V]) equal(a, b string) bool {
	if a == b {
		return true
	}
	x, errX := i.s.decode(a)
	y, errY := i.s.decode(b)
	return errX == nil && errY == nil && reflect.DeepEqual(x, y)
}
