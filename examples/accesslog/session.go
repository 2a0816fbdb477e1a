package main

import (
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/latchkey-go/latchkey/store"
)

// A Visitor is whom a session belongs to: an address, with -key ip+agent the
// browser or robot there.
type Visitor struct {
	Host  string
	Agent string `json:",omitempty"`
}

// A Session is what the store keeps of a visitor.
type Session struct {
	First, Last time.Time // by the clock of the replay
	Hits, Pages int
	Bytes       int64
	Run         Tally
}

// A Tally is how far the run had come with the session's last request. The
// newest session thus tells where the run was: sessions and the place in the log
// are saved as one, and cannot disagree.
type Tally struct {
	Requests int
	Sum      uint32 // CRC-32C of the lines so far, to know the log again
	Created  int
	Expired  int
	Evicted  int
	Peak     int // most live sessions before this request
}

// limits say when a session ends. Zero is never.
type limits struct {
	idle, ttl time.Duration
}

// end returns when the session dies if no further request comes.
func (l limits) end(s Session) time.Time {
	var end time.Time
	if l.idle > 0 {
		end = s.Last.Add(l.idle)
	}
	if ttl := s.First.Add(l.ttl); l.ttl > 0 && (l.idle == 0 || ttl.Before(end)) {
		end = ttl
	}
	return end
}

// left returns how much of the time to live is left at the last request.
func (l limits) left(s Session) time.Duration {
	if l.ttl == 0 {
		return store.NoExpiry
	}
	return s.First.Add(l.ttl).Sub(s.Last)
}

// with returns the session after one more request.
func (s Session) with(r request, now time.Time, run Tally) Session {
	if s.Hits == 0 {
		s.First = now
	}
	s.Last = now
	s.Hits++
	s.Bytes += r.Bytes
	if r.page() {
		s.Pages++
	}
	s.Run = run
	return s
}

// utf8Only writes bytes that are not UTF-8 as \xNN, as most servers do, so
// that the text survives JSON.
func utf8Only(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	var out []byte
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size == 1 {
			out = fmt.Appendf(out, `\x%02X`, s[i])
		} else {
			out = append(out, s[i:i+size]...)
		}
		i += size
	}
	return string(out)
}
