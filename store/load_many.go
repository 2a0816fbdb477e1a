package store

import (
	"context"
	"errors"
	"slices"
	"sync"
)

// GetOrLoadMany is [Store.GetOrLoad] for many keys: one call of load gets those that
// are missing and that nobody else is loading, and it waits for those that somebody
// is. Keys of which a load was overtaken by a write, and is still under way, are loaded
// after that, by another call of load, perhaps at the same time as the first. Keys that
// load leaves out have no value and are left out of the result; what it returns besides
// what it was asked for is ignored. A key that comes twice counts once. Hits are not
// refreshed.
//
// With an error, one of those that were met, the result has what could be had all
// the same.
//
// Errors: see [Store.GetOrLoad].
func (s *Store[K, V]) GetOrLoadMany(ctx context.Context, keys []K, load func(ctx context.Context, missing []K) (map[K]V, error)) (map[K]V, error) {
	found, missing, err := s.getMany(keys)
	if len(missing) == 0 {
		return found, err
	}
	promises, wantErr := s.want(ctx, missing, load)
	if wantErr != nil {
		return found, wantErr
	}
	defer func() { // also after a panic
		for _, p := range promises {
			s.loads.leave(p)
		}
	}()
	for len(promises) > 0 {
		p := promises[0]
		promises = promises[1:]
		o, ctxErr := s.await(ctx, p)
		if ctxErr != nil {
			return found, ctxErr
		}
		if o.has {
			found[p.key] = o.value
		}
		if err == nil && !errors.Is(o.err, ErrNotFound) {
			err = o.err
		}
	}
	return found, err
}

// getMany gets those of the keys that are there, and tells which are not. err is the
// first of those of the rest.
func (s *Store[K, V]) getMany(keys []K) (found map[K]V, missing []K, err error) {
	found = make(map[K]V, len(keys))
	seen := make(map[K]struct{}, len(keys))
	for _, key := range keys {
		getErr := s.checkKey(key)
		if getErr == nil {
			if _, again := seen[key]; again {
				continue
			}
			seen[key] = struct{}{}
			var value V
			if value, getErr = s.Get(key); getErr == nil {
				found[key] = value
				continue
			}
		}
		switch {
		case getErr == ErrNotFound:
			missing = append(missing, key)
		case err == nil:
			err = getErr
		}
	}
	return found, missing, err
}

// keptTogether is how many loaded values are stored at once where each waits for the
// disk: they share its writes.
const keptTogether = 256

// keepTogether keeps promises some at a time.
func (s *Store[K, V]) keepTogether(l *loading[K, V], end *ending[K, V]) {
	for some := range slices.Chunk(l.promises, keptTogether) {
		var all sync.WaitGroup
		for _, p := range some {
			all.Go(func() { s.keep(p, end) })
		}
		all.Wait()
	}
}
