// Package redisstore keeps the entries of [store.Shared] on a server of Redis or
// Valkey: one node, one behind sentinels, or a cluster. Several processes and
// machines share them, and no two hold one lock.
//
// # Overview
//
//	client, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{"127.0.0.1:6379"}})
//	...
//	sessions, err := redisstore.New[string, Session](client, redisstore.Options{
//		Prefix:      "shop:sessions:",
//		TTL:         24 * time.Hour,
//		IdleTimeout: 30 * time.Minute,
//	})
//	...
//	err = sessions.Set(ctx, id, Session{User: "Ada"})
//
// A [Store] is a client of the entries under its prefix, and safe for concurrent
// use. How to reach the server, TLS, users, sentinels and clusters are options of
// the rueidis client, which stays its maker's to close. All who share entries must
// have the same Prefix, Codec, KeyCodec, TTL, IdleTimeout and MaxLease.
//
// # The contract
//
// It is that of store.Shared. What is this engine's own:
//
//   - The clock of the server decides what is alive and what is locked. The clocks
//     of a primary and its replicas should agree: after a failover, the replica's
//     counts.
//   - Entries die at whole milliseconds. Durations are rounded up to microseconds.
//   - There is no capacity, and nothing is evicted. A server that has reached its
//     maxmemory is [store.ErrFull]; one that would evict is refused by New.
//   - Values are encoded, so readers share nothing with whoever has set them.
//   - Reads are noted late: once in Options.AccessInterval, so that most of them
//     write nothing. EveryAccess has each noted.
//   - Those who wait in Lock of one Store are served in the order in which they
//     came. Among several, whoever asks first after the lock is free gets it.
//   - Fences rise per key: each is the larger of the one before plus one, and the
//     server's time in microseconds. So they go on rising when the entry, or a
//     failover, has taken the one before away.
//   - An entry's TTL of its own is kept on the server; the idle timeout is that of
//     the client that reads or writes.
//
// # Errors
//
// Refusals are the sentinels of package store, bare. The others come with what to
// do about them: [ErrUnavailable], [ErrUnknown], [ErrUnproven], [ErrForeign],
// [ErrTooLarge], [store.ErrReadOnly], [store.ErrFull]; what a user is not allowed to
// do says what is missing.
//
// Every operation can return [store.ErrClosed], [store.ErrInvalidKey], ctx's error,
// ErrUnavailable and ErrForeign. Those that change something can return
// store.ErrReadOnly, store.ErrFull, ErrUnproven and ErrUnknown, too.
//
// Only with ErrUnknown is it open what has become of a change; ErrUnproven says that
// it is made, all others that nothing is. Nothing is repeated that may have been
// carried out: read before you do so. Unlock, Extend and a lease's Set may be
// repeated without harm.
//
// # Durability
//
// Options.Durability says what a change waits for: a write, a deletion, the taking
// and the extending of a lease. It does not matter for accesses and unlocking: the
// worst that their loss does is that an entry idles out early, and that a lock is
// held to its deadline. Of 20 keys that are written to all the time, so many lost a
// write that was acknowledged before (3 + 3 nodes, Redis 7.0.15; make failover):
//
//	fault of the primary                  Acknowledged   Replicated (1)   OnDisk (1)
//	kill -9                                    0               0              0
//	frozen, replaced, then on again            3               0              0
//	its replica 2 s behind, then kill -9      20               0              0
//	kill -9, and back before it is missed     20              20              0
//
// The last line is a server without an append-only file that is restarted at once:
// it comes back empty, and its replicas follow it. So let no supervisor restart one
// sooner than cluster-node-timeout.
//
// No level makes of Redis a system of consensus. While a primary is cut off from the
// others and does not know it yet, there are two, and each may give the lock on one
// key to somebody. With Replicated or OnDisk, the one without a replica can't: its
// lease is unproven, and given back. With Acknowledged it can; the fence tells such
// holders apart, and what the late one writes is refused, or lost with the primary
// that took it.
//
// With ErrUnproven, the change is there, and a failover may undo it. A lock that is
// unproven is given back at once. A replica that has become the primary has none
// itself until the old one is back: give a primary two.
//
// OnDisk asks with WAITAOF where there is that (7.2 and later). Before, all servers
// must have appendonly yes and appendfsync always, which New makes sure of for those
// that the client knows.
//
// # Near cache
//
// With Options.NearCache, Get and Peek may be answered from this process's memory,
// through the server-assisted cache of rueidis. Then a Get can miss, for so long at
// most, what others have written, deleted or locked, even if the server can't be
// reached; as a rule the server tells of it at once. What this Store has changed
// itself is never missed, nor is a key that it has locked. Leases, Entry, Update and
// all writes always ask the server. Where nothing in a value can be changed, as in a
// string or a struct of such, it is decoded once, and readers share it.
//
// # Moving
//
// [Store.Import] copies the folder of a local store to the server, and
// [Store.Export] makes a folder that a local store can open, with times, counts,
// revisions, leases and fences. Both can be called again when they were interrupted.
// The command latchkey does it for those who have no program at hand.
//
// Fences are per key here, and of the whole store there. What is copied keeps its
// fence, and the next is a higher one. Of a key that is in the folder no more, the
// next one here is the server's time in microseconds: it is higher than all that a
// store has given which never was on a server.
//
// # On the server
//
// An entry is one hash. Its name is the prefix, a letter for how the key is encoded
// (s string, i and u integers, b bool, j JSON, k KeyCodec), a colon, and the key,
// in which bytes other than printable ASCII, and {}*?[]\%, are written as %XX. So
// names are readable, no two keys share one, and braces are no hash tag of a
// cluster. Field v has the value as the codec made it. Field m has ten numbers as
// big-endian doubles, times in microseconds:
//
//	revision created updated accessed accesses ttl expires fence lease waited
//
// [Store.Metadata] tells them. To see without a program when the lease on an entry
// ends, in seconds since 1970:
//
//	redis-cli EVAL "return tostring(({struct.unpack('>dddddddddd',
//		redis.call('HGET', KEYS[1], 'm'))})[9] / 1e6)" 1 latchkey:s:KEY
//
// The key's own expiry is set to when the entry dies, so that the server frees it.
// Each operation is one script on one key: atomic, one round trip, and at home in a
// cluster. The ends of leases that somebody waits for are published on the channel
// named by the prefix and "!". A user needs
//
//	~PREFIX* &PREFIX! +@hash +@keyspace +@scripting +@pubsub +@connection +@transaction
//	-@dangerous +info +role +time +wait +cluster|slots
//
// and for OnDisk +waitaof, or before 7.2 +config|get.
//
// # Limits
//
//   - Redis 6.2 or Valkey 7.2 at least.
//   - A value takes at most Options.MaxValue when encoded, and proto-max-bulk-len on
//     the server. Large ones stall everybody: the server does one thing at a time.
//   - All and Len walk over every key of the database, also those of others.
//   - Clear is not there: use a Prefix of its own, and UNLINK by SCAN.
//   - A client with SendToReplicas reads from replicas what the near cache asks for,
//     which adds their lag.
//   - A message that is lost has Lock wait until the lease's deadline, not for ever.
package redisstore
