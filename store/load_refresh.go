package store

import "context"

// refresh has an entry loaded that is still served, unless that is being done, has
// just failed, or too many others are.
func (s *Store[K, V]) refresh(ctx context.Context, key K, load Loader[K, V], seen Metadata) {
	if l := s.loads.refresh(ctx, key, seen, s.instant(seen.Accessed)); l != nil {
		go s.run(l, one(load))
	}
}
