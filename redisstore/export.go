package redisstore

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/rueidis"

	"github.com/latchkey-go/latchkey/persist"
)

// Export copies the entries from the server to a new folder, which a local store
// can open: the reverse of [Store.Import]. The folder must not be there, or be
// empty. It holds all of the entries, or after an error none: what was written is
// read back, and counts and checksums are compared, before it is a store's.
//
// to is the Persist of that store, which needs room for the entries: see
// store.Options.Capacity. What is locked stays locked until its deadline, by the
// clock of that machine. The next fences are higher than any before. The entries on
// the server stay. Nobody else should change them before Export has returned, or
// else they are of no one instant.
//
// Errors: [persist.ErrExists]; the codec's; those of every operation; those of the
// file system.
func (s *Store[K, V]) Export(ctx context.Context, to persist.Config, o CopyOptions) (done Copied, err error) {
	if to, err = to.WithDefaults(); err != nil {
		return done, err
	}
	x := &exporter[K, V]{s: s, codec: to.Codec, o: o}
	for b, err := range s.scan(ctx) {
		if err == nil {
			err = x.read(ctx, b)
		}
		if err != nil {
			return x.done, err
		}
		o.progress(len(x.records), 0)
	}
	if err := x.readClocks(ctx); err != nil {
		return x.done, err
	}
	h := persist.Header{Contents: contents[K, V](to), Taken: instant(x.now).UTC(), Fence: x.fence}
	if err := persist.Create(ctx, to, h, s.o.Logger, persist.WriteAll(ctx, x.records)); err != nil {
		return x.done, err
	}
	x.done.Entries = len(x.records)
	return x.done, nil
}

// exporter is an Export under way.
type exporter[K comparable, V any] struct {
	s       *Store[K, V]
	codec   persist.Codec
	o       CopyOptions
	records []persist.Record
	fence   uint64 // at or above all
	now     uint64
	done    Copied
}

// read fetches the entries of a batch.
func (x *exporter[K, V]) read(ctx context.Context, b batch) error {
	commands := make([]rueidis.Completed, len(b.names))
	for i, name := range b.names {
		commands[i] = x.s.fetch(name)
	}
	for i, r := range x.s.all(ctx, commands) {
		both, err := r.ToArray()
		if err != nil {
			return x.s.requestError(ctx, err, false)
		}
		if len(both) != 2 || both[0].IsNil() {
			if len(both) == 2 && both[1].IsNil() {
				continue // it is gone since, or is nobody's
			}
			return ErrForeign
		}
		m, err := metaOf(both[0])
		if err != nil {
			return err
		}
		x.fence = max(x.fence, m.fence)
		if both[1].IsNil() {
			continue // of an entry, its fence alone is left
		}
		text, err := both[1].ToString()
		if err != nil {
			return err
		}
		if err := x.add(b.names[i], m, text, b.now); err != nil {
			return err
		}
	}
	return nil
}

func (x *exporter[K, V]) add(name string, m meta, text string, now uint64) error {
	if ends := m.metadata(now, x.s.o.IdleTimeout).Expires; !ends.IsZero() && uint64(ends.UnixMicro()) <= now {
		x.done.Expired++
		return nil
	}
	e, err := x.s.entry(name, text)
	if err != nil {
		return err
	}
	r := m.record(now)
	if r.Key, err = marshal(x.codec, "encode the key", e.Key); err != nil {
		return err
	}
	r.Value = []byte(text)
	if x.codec.ID() != x.s.o.Codec.ID() {
		if r.Value, err = marshal(x.codec, "encode the value", e.Value); err != nil {
			return err
		}
	}
	x.records = append(x.records, r)
	return nil
}

// readClocks makes sure that fences given by the servers' clocks are below ours.
func (x *exporter[K, V]) readClocks(ctx context.Context) error {
	nodes, err := x.s.primaries(ctx)
	if err != nil {
		return err
	}
	limited, cancel := x.s.limit(ctx)
	defer cancel()
	for _, node := range nodes {
		clock, err := node.Do(limited, node.B().Time().Build()).AsIntSlice()
		if err != nil {
			return x.s.requestError(ctx, err, false)
		}
		if len(clock) != 2 {
			return fmt.Errorf("redisstore: %w: no time", ErrUnavailable)
		}
		x.now = max(x.now, uint64(clock[0]*int64(time.Second/time.Microsecond)+clock[1]))
	}
	x.fence = max(x.fence, x.now)
	return nil
}
