package redisstore

import (
	"fmt"
	"reflect"

	"github.com/latchkey-go/latchkey/internal/usercode"
	"github.com/latchkey-go/latchkey/persist"
)

// CopyOptions configure [Store.Import] and [Store.Export]. The zero value works.
type CopyOptions struct {
	// Overwrite has Import replace entries on the server that are not those of
	// the folder, unless they are locked. false = they stay.
	Overwrite bool
	// Progress is told how many steps are done, of how many; 0 = not known.
	// It is called by the caller's goroutine and may end its context. nil = nobody.
	Progress func(done, total int)
}

func (o CopyOptions) progress(done, total int) {
	if o.Progress != nil {
		o.Progress(done, total)
	}
}

// Copied tells what Import or Export has done. Each entry of the source is one of
// these.
type Copied struct {
	Entries int // copied by this call
	Present int // there already: from a call before, that was interrupted say
	Expired int // left out, as their time has come
	Differ  int // left as they are, as there is another entry for the key
}

// form is how keys and values are in files of a folder.
type form struct{ key, value persist.Codec }

// formOf returns the codecs for what a file says is in it.
func formOf[K comparable, V any](c persist.Codec, in persist.Contents) (f form, err error) {
	if f.key, err = described(c, new(K), in.Keys); err == nil {
		f.value, err = described(c, new(V), in.Values)
	}
	return f, err
}

func described(c persist.Codec, v any, description []byte) (found persist.Codec, err error) {
	if description == nil {
		return c, nil
	}
	d, ok := c.(persist.Describer)
	if !ok {
		return nil, fmt.Errorf("%w: with descriptions of its types, which this codec does not know", persist.ErrCodecMismatch)
	}
	err = usercode.Contain(func() (err error) {
		found, _, err = d.Described(v, description)
		return err
	})
	if err != nil {
		return nil, codecError("read the description of a type", err)
	}
	return found, nil
}

// contents returns what files with the store's entries say of themselves.
func contents[K comparable, V any](c persist.Config) persist.Contents {
	in := persist.Contents{Codec: c.Codec.ID(), Schema: c.Schema}
	if in.Schema == "" {
		in.Schema = reflect.TypeFor[K]().String() + " " + reflect.TypeFor[V]().String()
	}
	return in
}

// metaOfRecord returns what a record has to say, by the microsecond. Entries die at
// whole milliseconds.
func metaOfRecord(r *persist.Record) meta {
	m := meta{
		revision: r.Revision,
		created:  uint64(r.Created / 1000),
		updated:  uint64(r.Updated / 1000),
		accessed: uint64(r.Accessed / 1000),
		accesses: r.Accesses,
		fence:    r.Fence,
		lease:    uint64((r.LockedUntil + 999) / 1000),
	}
	if r.Expires != 0 {
		m.ttl = uint64(max(1, (r.TTL+999)/1000))
		m.expires = uint64((r.Expires+999_999)/1_000_000) * 1000
	}
	if r.Fence > 0 && r.LockedUntil == 0 {
		m.lease = 1 // whoever had the lease can't unlock it any more
	}
	return m
}

// record is the reverse, as of now by the server's clock.
func (m *meta) record(now uint64) persist.Record {
	r := persist.Record{
		Created:  int64(m.created) * 1000,
		Updated:  int64(m.updated) * 1000,
		Accessed: int64(m.accessed) * 1000,
		Expires:  int64(m.expires) * 1000,
		TTL:      int64(m.ttl) * 1000,
		Accesses: m.accesses,
		Revision: m.revision,
		Used:     max(m.accessed, m.lease),
		Fence:    m.fence,
	}
	switch {
	case m.lease > now:
		r.LockedUntil = int64(m.lease) * 1000
	case m.lease > m.accessed: // its end was the last access
		r.Accessed = int64(m.lease) * 1000
	}
	return r
}
