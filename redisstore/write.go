package redisstore

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/redis/rueidis"

	"github.com/latchkey-go/latchkey/store"
)

// writing is what the script set is asked to do.
type writing struct {
	value string
	ttl   string
	must  []string // what must hold, as the script has it; none = nothing
}

// keepTTL has an entry that is there keep the TTL it has.
const keepTTL = ""

func number(n uint64) string { return strconv.FormatUint(n, 10) }

// put runs the script set and notes for the near cache what it has done.
func (s *core) put(ctx context.Context, name string, w writing) (rueidis.RedisMessage, error) {
	message, err := s.run(ctx, scriptSet, name, append([]string{w.value, w.ttl}, w.must...)...)
	s.noted(name, message, err)
	return message, err
}

// noted has the near cache know of a change of ours: what it has made, or that it
// is not known.
func (s *core) noted(name string, message rueidis.RedisMessage, err error) {
	if s.o.NearCache == 0 {
		return
	}
	if (err == nil || applied(err)) && message.IsString() {
		if m, err := metaOf(message); err == nil {
			s.near.saw(name, m)
			return
		}
	}
	if err == nil || applied(err) || errors.Is(err, ErrUnknown) {
		s.near.doubt(name)
	}
}

// applied reports whether an error says that the change is made.
func applied(err error) bool { return errors.Is(err, ErrUnproven) }

// write is every write by key but Update's.
func (s *Store[K, V]) write(ctx context.Context, key K, value V, w writing) error {
	name, err := s.beginWith(ctx, key)
	if err != nil {
		return err
	}
	if w.value, err = s.encode(value); err != nil {
		return err
	}
	_, err = s.put(ctx, name, w)
	return err
}

// Set stores value under key, for the store's TTL: the next revision of a live
// entry, or a new one.
//
// Errors: [store.ErrLocked], [ErrTooLarge], the codec's, and those of every
// operation that changes something: see the package documentation.
func (s *Store[K, V]) Set(ctx context.Context, key K, value V) error {
	return s.write(ctx, key, value, writing{ttl: s.ttl})
}

// SetWithTTL is Set with a TTL of this entry's own: more than 0, at most
// [store.MaxDuration], or [store.NoExpiry]. Update, CompareAndSet and the Set of a
// lease start the same TTL anew, Set goes back to the store's.
func (s *Store[K, V]) SetWithTTL(ctx context.Context, key K, value V, ttl time.Duration) error {
	text, err := ttlText(ttl)
	if err != nil {
		return err
	}
	return s.write(ctx, key, value, writing{ttl: text})
}

// ttlText returns a TTL as the script set has it.
func ttlText(ttl time.Duration) (string, error) {
	switch {
	case ttl == store.NoExpiry:
		return "0", nil
	case ttl <= 0 || ttl > store.MaxDuration:
		return "", fmt.Errorf("redisstore: TTL is %v; it must be above 0 and at most 100 years, or NoExpiry", ttl)
	}
	return number(micros(ttl)), nil
}

// SetIfAbsent is Set if there is no live entry for key, and reports whether there
// was none. An entry that is locked is ErrLocked.
func (s *Store[K, V]) SetIfAbsent(ctx context.Context, key K, value V) (stored bool, err error) {
	err = s.write(ctx, key, value, writing{ttl: s.ttl, must: []string{"absent"}})
	if err == store.ErrConflict {
		return false, nil
	}
	return err == nil || applied(err), err
}

// CompareAndSet is Set if the live entry for key is at the revision given, as told
// by Entry; revision 0 stands for no entry. Else it is [store.ErrConflict]. The
// entry's own TTL starts anew.
func (s *Store[K, V]) CompareAndSet(ctx context.Context, key K, revision uint64, value V) error {
	return s.write(ctx, key, value, writing{ttl: s.ttl, must: []string{"revision", number(revision)}})
}

const (
	// maxUpdates is how often Update tries. Each failed try means that somebody
	// else's succeeded.
	maxUpdates = 1000
	// politeUpdates is after how many tries Update pauses, so that those who are
	// many don't only get in each other's way, and maxPause for how long at most.
	politeUpdates = 4
	maxPause      = 4 * time.Millisecond
)

// Update replaces the value for key by what f makes of it, atomically, and returns
// that. f runs again if somebody else writes meanwhile, so it should do nothing but
// compute. An error of f ends Update and changes nothing, as does a panic. The
// entry's own TTL starts anew.
//
// Errors: f's, those of Set, [store.ErrConflict] if others always write first.
func (s *Store[K, V]) Update(ctx context.Context, key K, f func(old V, found bool) (V, error)) (none V, err error) {
	name, err := s.beginWith(ctx, key)
	if err != nil {
		return none, err
	}
	now, err := s.current(ctx, name)
	for try := 0; err == nil && try < maxUpdates; try++ {
		if err := s.politely(ctx, try); err != nil {
			return none, err
		}
		var value V
		if value, err = s.apply(now, f); err != nil {
			return none, err
		}
		var made bool
		if made, now, err = s.replace(ctx, name, now, value); made {
			return value, err
		}
	}
	if err == nil {
		err = store.ErrConflict
	}
	return none, err
}

// state is an entry as Update has found it; found is false for none.
type state struct {
	meta
	text  string
	found bool
}

// current returns the entry for Update to begin with.
func (s *core) current(ctx context.Context, name string) (now state, err error) {
	now.meta, now.text, err = s.lookFar(ctx, name)
	if err == nil && now.lease > 1 { // the server's clock says whether it still is
		now.meta, now.text, err = s.read(ctx, name, "", "0")
	}
	if err == store.ErrNotFound {
		return state{}, nil
	}
	now.found = err == nil
	return now, err
}

func (s *core) politely(ctx context.Context, try int) error {
	if try > politeUpdates {
		pause(ctx, rand.N(min(maxPause, time.Duration(try)*100*time.Microsecond)))
	}
	return s.begin(ctx)
}

// apply has f make a new value of what there is.
func (s *Store[K, V]) apply(now state, f func(old V, found bool) (V, error)) (V, error) {
	var old V
	if now.found {
		var err error
		if old, err = s.decode(now.text); err != nil {
			return old, err
		}
	}
	return f(old, now.found)
}

// replace writes value if the entry still is what it was, and else returns what it
// is.
func (s *Store[K, V]) replace(ctx context.Context, name string, was state, value V) (made bool, now state, err error) {
	w := writing{ttl: s.ttl, must: []string{"same", number(was.revision), number(was.created)}}
	if w.value, err = s.encode(value); err != nil {
		return false, was, err
	}
	message, err := s.put(ctx, name, w)
	switch {
	case err == store.ErrNotFound:
		return false, state{}, nil
	case err != nil:
		return false, was, err
	case message.IsString():
		return true, was, nil
	}
	m, with, err := pair(message)
	if err != nil {
		return false, was, err
	}
	text, err := with.ToString()
	return false, state{m, text, err == nil}, err
}

// Delete removes the entry for key. That there is none is no error.
//
// Errors: [store.ErrLocked], and those of every operation that changes something.
func (s *Store[K, V]) Delete(ctx context.Context, key K) error {
	name, err := s.beginWith(ctx, key)
	if err != nil {
		return err
	}
	return s.remove(ctx, name, "")
}

func (s *core) remove(ctx context.Context, name, fence string) error {
	message, err := s.run(ctx, scriptDelete, name, fence, s.channel)
	s.noted(name, message, err)
	return err
}
