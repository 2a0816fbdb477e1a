package store

import "time"

// reading is a reading of the clock.
type reading struct {
	at   instant
	wall int64 // in nanoseconds since 1970; 0 = was not asked for
}

// read reads the clock, which may be user code: never under mu, and once in an
// operation. Of the system's, it reads the monotonic clock alone.
func (s *Store[K, V]) read() reading {
	switch {
	case s.coarse != nil:
		return reading{at: instant(s.coarse.Elapsed() - s.began)}
	case s.system:
		return reading{at: instant(time.Since(s.base))}
	}
	return s.readWall()
}

// orRead is a reading, or one of now if there was none.
func (s *Store[K, V]) orRead(was reading) reading {
	if was == (reading{}) {
		return s.read()
	}
	return was
}

// readWall is read, and the time of day with it. Whatever is to go to the disk
// goes by that; as it may be stepped, it is read again each time that the journal
// is synced.
func (s *Store[K, V]) readWall() reading {
	t := s.o.Clock.Now()
	return reading{s.instant(t), t.UnixNano()}
}

// instant returns the instant of a reading of the clock.
func (s *Store[K, V]) instant(t time.Time) instant {
	return min(max(-lastInstant, instant(t.Sub(s.base))), lastInstant)
}
