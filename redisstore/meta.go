package redisstore

import (
	"encoding/binary"
	"math"
	"time"

	"github.com/latchkey-go/latchkey/store"
)

// meta is what the server knows of an entry besides its value: the field m, as
// scripts/load.lua describes it. Times are microseconds since 1970.
type meta struct {
	revision, created, updated, accessed, accesses uint64
	ttl, expires, fence, lease, waited             uint64
}

const metaFields = 10

func (m *meta) fields() [metaFields]*uint64 {
	return [...]*uint64{
		&m.revision, &m.created, &m.updated, &m.accessed, &m.accesses,
		&m.ttl, &m.expires, &m.fence, &m.lease, &m.waited,
	}
}

// parseMeta reads the field m; ok is false if it is none.
func parseMeta(text string) (m meta, ok bool) {
	fields := m.fields()
	if len(text) != 8*len(fields) {
		return meta{}, false
	}
	for i, field := range fields {
		n := math.Float64frombits(binary.BigEndian.Uint64([]byte(text[8*i : 8*i+8])))
		if !(n >= 0 && n < 1<<53) {
			return meta{}, false
		}
		*field = uint64(n)
	}
	return m, true
}

// text is the reverse of parseMeta.
func (m *meta) text() string {
	b := make([]byte, 0, 8*metaFields)
	for _, field := range m.fields() {
		b = binary.BigEndian.AppendUint64(b, math.Float64bits(float64(*field)))
	}
	return string(b)
}

// metadata returns m as of now, by the server's clock.
func (m *meta) metadata(now uint64, idle time.Duration) store.Metadata {
	out := store.Metadata{
		Status:   store.Active,
		Created:  instant(m.created),
		Updated:  instant(m.updated),
		Accessed: instant(m.accessed),
		Accesses: m.accesses,
		Revision: m.revision,
		Fence:    m.fence,
		Weight:   1,
	}
	dies := m.expires
	switch {
	case m.lease > now:
		out.Status = store.Locked
		out.LockedUntil = instant(m.lease)
	case idle > 0:
		accessed := max(m.accessed, m.lease)
		out.Accessed = instant(accessed)
		idles := (accessed + micros(idle) + 999) / 1000 * 1000 // entries die at whole milliseconds
		if dies == 0 || idles < dies {
			dies = idles
		}
	}
	if dies != 0 {
		out.Expires = instant(dies)
	}
	return out
}

func instant(micros uint64) time.Time { return time.UnixMicro(int64(micros)) }

// micros returns a duration in microseconds, rounded up.
func micros(d time.Duration) uint64 {
	return uint64((d + time.Microsecond - 1) / time.Microsecond)
}
