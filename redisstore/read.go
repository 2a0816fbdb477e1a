package redisstore

import (
	"context"
	"fmt"

	"github.com/redis/rueidis"

	"github.com/latchkey-go/latchkey/store"
)

// Get returns the value for key. It counts as an access; see also
// Options.AccessInterval and Options.NearCache.
//
// Errors: [store.ErrNotFound], [store.ErrLocked], and those of every operation:
// see the package documentation.
func (s *Store[K, V]) Get(ctx context.Context, key K) (value V, err error) {
	name, err := s.beginWith(ctx, key)
	if err != nil {
		return value, err
	}
	_, text, err := s.get(ctx, name)
	if err != nil {
		return value, err
	}
	return s.decodeNear(text)
}

// get reads an entry by the cheapest way there is.
func (s *core) get(ctx context.Context, name string) (meta, string, error) {
	if s.o.AccessInterval == EveryAccess {
		return s.access(ctx, name, "")
	}
	m, text, err := s.look(ctx, name)
	if err != nil {
		return m, text, err
	}
	due := s.about() >= max(m.accessed, m.lease)+micros(s.o.AccessInterval)
	if m.lease > 1 || due {
		return s.access(ctx, name, "") // it may be locked: the server's clock decides
	}
	return m, text, nil
}

// access reads an entry and notes that. fence is the holder's, "" for everybody
// else.
func (s *core) access(ctx context.Context, name, fence string) (meta, string, error) {
	m, text, err := s.read(ctx, name, fence, "1")
	if err == nil {
		s.told(m.accessed)
	}
	return m, text, err
}

func (s *core) read(ctx context.Context, name, fence, counts string) (m meta, text string, err error) {
	message, err := s.run(ctx, scriptGet, name, fence, counts)
	if err != nil {
		return m, "", err
	}
	m, value, err := pair(message)
	if err != nil {
		return m, "", err
	}
	text, err = value.ToString()
	return m, text, err
}

// look reads an entry, locked or not, and leaves no trace: from the near cache if
// that is on and knows no better.
func (s *core) look(ctx context.Context, name string) (m meta, text string, err error) {
	if s.o.NearCache == 0 {
		return s.lookFar(ctx, name)
	}
	limited := &later{Context: ctx, s: s}
	defer limited.release()
	r := s.client.DoCache(limited, s.client.B().Hmget().Key(name).Field("m", "v").Cache(), s.o.NearCache)
	m, text, err = s.fields(ctx, r)
	if (err == nil || err == store.ErrNotFound) && s.near.trusts(name, m) {
		return m, text, err
	}
	m, text, err = s.lookFar(ctx, name)
	if err == nil {
		s.near.saw(name, m)
	}
	return m, text, err
}

// lookFar is look, on the server. The command is put together so that the client
// neither repeats it for ever nor sends it to a replica.
func (s *core) lookFar(ctx context.Context, name string) (meta, string, error) {
	limited, cancel := s.limit(ctx)
	defer cancel()
	return s.fields(ctx, s.client.Do(limited, s.fetch(name)))
}

func (s *core) fetch(name string) rueidis.Completed {
	return s.client.B().Arbitrary("HMGET").Keys(name).Args("m", "v").Build()
}

// fields returns the fields m and v of an entry, as HMGET answers.
func (s *core) fields(ctx context.Context, r rueidis.RedisResult) (m meta, text string, err error) {
	both, err := r.ToArray()
	if err != nil {
		return m, "", s.requestError(ctx, err, false)
	}
	if len(both) != 2 || both[1].IsNil() { // perhaps only a fence is left
		return m, "", store.ErrNotFound
	}
	if m, err = metaOf(both[0]); err != nil {
		return m, "", err
	}
	text, err = both[1].ToString()
	return m, text, err
}

// Peek returns the value for key past any lock, and leaves no trace. See also
// Options.NearCache.
//
// Errors: [store.ErrNotFound], and those of every operation.
func (s *Store[K, V]) Peek(ctx context.Context, key K) (value V, err error) {
	name, err := s.beginWith(ctx, key)
	if err != nil {
		return value, err
	}
	_, text, err := s.look(ctx, name)
	if err != nil {
		return value, err
	}
	return s.decodeNear(text)
}

// Entry is Get with the metadata of the same instant, which have this access in
// them, whatever Options.AccessInterval says.
//
// Errors: those of Get.
func (s *Store[K, V]) Entry(ctx context.Context, key K) (found store.Entry[K, V], err error) {
	name, err := s.beginWith(ctx, key)
	if err != nil {
		return found, err
	}
	m, text, err := s.access(ctx, name, "")
	if err != nil {
		return found, err
	}
	value, err := s.decode(text)
	if err != nil {
		return found, err
	}
	return store.Entry[K, V]{Key: key, Value: value, Metadata: m.metadata(m.accessed, s.o.IdleTimeout)}, nil
}

// Metadata returns what the server knows of the entry for key, locked or not, and
// leaves no trace.
//
// Errors: [store.ErrNotFound], and those of every operation.
func (s *Store[K, V]) Metadata(ctx context.Context, key K) (out store.Metadata, err error) {
	name, err := s.beginWith(ctx, key)
	if err != nil {
		return out, err
	}
	m, now, err := s.timed(ctx, scriptMeta, name)
	if err != nil {
		return out, err
	}
	return m.metadata(now, s.o.IdleTimeout), nil
}

// timed runs a script that returns the field m and the server's time.
func (s *core) timed(ctx context.Context, sc *script, name string, args ...string) (m meta, now uint64, err error) {
	message, err := s.run(ctx, sc, name, args...)
	if err != nil && !applied(err) {
		return m, 0, err
	}
	m, with, pairErr := pair(message)
	if pairErr != nil {
		return m, 0, pairErr
	}
	n, intErr := with.AsInt64()
	if intErr != nil {
		return m, 0, fmt.Errorf("redisstore: a script returned no time: %w", intErr)
	}
	s.told(uint64(n))
	return m, uint64(n), err
}

// Touch renews the idle timeout of the entry for key: an access that
// Metadata.Accesses does not count.
//
// Errors: [store.ErrNotFound], [store.ErrLocked], and those of every operation.
func (s *Store[K, V]) Touch(ctx context.Context, key K) error {
	name, err := s.beginWith(ctx, key)
	if err != nil {
		return err
	}
	_, err = s.run(ctx, scriptTouch, name)
	return err
}
