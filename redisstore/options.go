package redisstore

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/latchkey-go/latchkey/persist"
	"github.com/latchkey-go/latchkey/store"
)

// Defaults of [Options].
const (
	DefaultPrefix   = "latchkey:"
	DefaultTimeout  = 5 * time.Second
	DefaultMaxValue = 64 << 20
	// DefaultAccessInterval is how often at most a reading is noted.
	DefaultAccessInterval = time.Minute
	// DefaultProofTimeout is how long a write waits for the replicas.
	DefaultProofTimeout = time.Second
)

// EveryAccess is the AccessInterval with which each reading is noted.
const EveryAccess time.Duration = 1

// Options configure a [Store]. The zero value works: entries that live for ever,
// as JSON, under the prefix "latchkey:". All who share entries must have the same
// Prefix, Codec, KeyCodec, TTL, IdleTimeout and MaxLease.
type Options struct {
	// Prefix begins the name of every key on the server and tells the entries of
	// one store from all else there. "" = DefaultPrefix.
	//
	// What stands between braces in it is the cluster's hash tag, as everywhere
	// in Redis: with one, all entries are on one node.
	Prefix string
	// Codec encodes values. nil = [persist.JSON].
	Codec persist.Codec
	// KeyCodec encodes keys: the same key as the same bytes each time, so not
	// [persist.Encrypt]. nil = strings, numbers and booleans as they are, other
	// types as JSON.
	KeyCodec persist.Codec
	// TTL is an entry's life after its last write, in whole microseconds.
	// 0 or [store.NoExpiry] = for ever.
	TTL time.Duration
	// IdleTimeout is an entry's life after its last access. 0 or
	// [store.NoExpiry] = for ever. With a TTL too, the earlier deadline counts.
	IdleTimeout time.Duration
	// MaxLease is the longest lease, and the default one.
	// 0 = [store.DefaultMaxLease].
	MaxLease time.Duration

	// Durability says what a write waits for. 0 = Acknowledged.
	Durability Durability
	// Replicas is how many replicas must have a write, with Replicated and
	// OnDisk. 0 = 1.
	Replicas int
	// ProofTimeout is how long a write waits for that: then it is ErrUnproven.
	// 0 = DefaultProofTimeout.
	ProofTimeout time.Duration

	// AccessInterval is how often at most the reading of an entry is noted on
	// the server: in between, reading writes nothing. Accesses and Accessed are
	// behind by so much, and an idle timeout runs from an access up to so much
	// before the last. At most a quarter of IdleTimeout. EveryAccess = each is
	// noted, as in memory. 0 = a sixteenth of IdleTimeout, and
	// DefaultAccessInterval at most.
	AccessInterval time.Duration
	// NearCache keeps what was read in this process and answers Get and Peek from
	// there for so long at most, with what may have been changed, locked or
	// deleted by others since. Writes of this Store are never missed, and nothing
	// is answered so under a lease. At most a quarter of IdleTimeout.
	// 0 = off.
	NearCache time.Duration

	// Timeout is how long an operation waits for the server if its context does
	// not end it before. 0 = DefaultTimeout.
	Timeout time.Duration
	// MaxValue is the most bytes of an encoded value. The server's own limit,
	// proto-max-bulk-len, must not be lower: it cuts connections that exceed it.
	// 0 = DefaultMaxValue.
	MaxValue int
	// AllowEviction has New accept a server whose maxmemory-policy evicts keys
	// when memory is short: entries may vanish, locked ones too.
	// false = that is ErrEvicting.
	AllowEviction bool
	// Logger is told of what is wrong with the server and can't be returned to a
	// caller, never of keys or values. nil = silent.
	Logger *slog.Logger
}

// Durability says what a write waits for, and so what a failure of the server can
// undo.
type Durability int

const (
	// Acknowledged: the primary has it. A failover can lose the last writes.
	Acknowledged Durability = 1
	// Replicated: so many replicas as Options.Replicas says have it, too.
	Replicated Durability = 2
	// OnDisk: the primary has it in its append-only file, synced, and so many
	// replicas have it, in theirs where the server can tell (from 7.2 on).
	OnDisk Durability = 3
)

// String returns the name of the constant.
func (d Durability) String() string {
	switch d {
	case Acknowledged:
		return "Acknowledged"
	case Replicated:
		return "Replicated"
	case OnDisk:
		return "OnDisk"
	}
	return fmt.Sprintf("Durability(%d)", int(d))
}

// withDefaults returns o with defaults in place of what is zero, or an error that
// names what can't work.
func (o Options) withDefaults() (Options, error) {
	for _, d := range []struct {
		name    string
		value   time.Duration
		endless bool
	}{
		{"TTL", o.TTL, o.TTL == store.NoExpiry},
		{"IdleTimeout", o.IdleTimeout, o.IdleTimeout == store.NoExpiry},
		{"MaxLease", o.MaxLease, false},
		{"ProofTimeout", o.ProofTimeout, false},
		{"AccessInterval", o.AccessInterval, false},
		{"NearCache", o.NearCache, false},
		{"Timeout", o.Timeout, false},
	} {
		if d.value < 0 || d.value > store.MaxDuration && !d.endless {
			return o, fmt.Errorf("redisstore: %s is %v; it must be between 0 and 100 years", d.name, d.value)
		}
	}
	if o.TTL == store.NoExpiry {
		o.TTL = 0
	}
	if o.IdleTimeout == store.NoExpiry {
		o.IdleTimeout = 0
	}
	if o.AccessInterval == 0 {
		o.AccessInterval = DefaultAccessInterval
		if o.IdleTimeout > 0 {
			o.AccessInterval = max(EveryAccess, min(o.AccessInterval, o.IdleTimeout/16))
		}
	}
	if o.NearCache > o.AccessInterval {
		o.AccessInterval = o.NearCache
	}
	o.Prefix = orDefault(o.Prefix, DefaultPrefix)
	o.MaxLease = orDefault(o.MaxLease, store.DefaultMaxLease)
	o.Durability = orDefault(o.Durability, Acknowledged)
	o.Replicas = orDefault(o.Replicas, 1)
	o.ProofTimeout = orDefault(o.ProofTimeout, DefaultProofTimeout)
	o.Timeout = orDefault(o.Timeout, DefaultTimeout)
	o.MaxValue = orDefault(o.MaxValue, DefaultMaxValue)
	if o.Codec == nil {
		o.Codec = persist.JSON{}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o, o.check()
}

// check looks at what defaults can't mend.
func (o Options) check() error {
	switch {
	case o.Durability < Acknowledged || o.Durability > OnDisk:
		return fmt.Errorf("redisstore: Durability is %d; it must be Acknowledged, Replicated or OnDisk", int(o.Durability))
	case o.Replicas < 0:
		return fmt.Errorf("redisstore: Replicas is %d; it must be 0 or more", o.Replicas)
	case o.MaxValue < 0 || o.MaxValue > 512<<20:
		return fmt.Errorf("redisstore: MaxValue is %d; it must be between 0 and 512 MiB, the server's own limit", o.MaxValue)
	case o.IdleTimeout > 0 && o.AccessInterval > max(EveryAccess, o.IdleTimeout/4):
		return errors.New("redisstore: AccessInterval and NearCache must be at most a quarter of IdleTimeout, or entries in use would idle out")
	}
	return nil
}

func orDefault[T comparable](value, byDefault T) T {
	var zero T
	if value == zero {
		return byDefault
	}
	return value
}
