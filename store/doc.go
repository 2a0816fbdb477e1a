// Package store keeps typed values in memory: sessions, cached results, or
// whatever should expire, be changed by one at a time, and still be there after
// a restart.
//
// # Overview
//
//	sessions, err := store.New(store.Options[string, Session]{
//		Capacity:    10_000,
//		TTL:         24 * time.Hour,
//		IdleTimeout: 30 * time.Minute,
//	})
//	...
//	err = sessions.Set(id, Session{User: "Ada"})
//	session, err := sessions.Get(id)
//
// A [Store] is safe for concurrent use. The zero [Options] work: 1000 entries in
// memory, for ever. What can't work is refused by [New]. Call [Store.Close] when
// done.
//
// Misses and refusals are errors: [ErrNotFound], [ErrLocked], [ErrLeaseLost],
// [ErrConflict], [ErrFull], [ErrClosed], [ErrInvalidKey], [ErrReadOnly]. Neither the
// text of an error nor a log holds a key or a value.
//
// To change a value by what it was, use [Store.Update], which loses nothing when
// several callers do so at once; [Store.CompareAndSet] if time goes by between
// the reading and the writing, as with a form; a lease if there is something to
// do in between that must not happen twice.
//
// # Expiry
//
// Options.TTL is an entry's life after its last write, Options.IdleTimeout its
// life after its last access. The earlier deadline counts, and an entry is dead
// once now >= deadline. That is decided when it is read: a dead entry is never
// served.
//
// Accesses are [Store.Get], [Store.Entry], [Store.Touch], every write,
// [Lease.Get], and the end of a lease. [Store.Peek], [Store.Has], [Store.All],
// [Store.Metadata], [Store.Status] and the taking of a lease are none.
//
// [Store.SetWithTTL] gives an entry a TTL of its own. Update, CompareAndSet and
// [Lease.Set] start that anew, Set goes back to the store's, and
// [Lease.SetWithTTL] gives it another. To bound the life of
// a session however often it is written, compare Metadata.Created, which
// overwriting leaves as it is.
//
// The memory of dead entries is freed when room is needed, when their keys are
// written or deleted, by [Store.Len], and by a sweep, which comes at most every
// Options.SweepInterval and only while there are entries that can die. While one of these
// is at it, who adds an entry frees two.
//
// # Locks
//
// [Store.TryLock] and [Store.Lock] lock an entry, which must be there, and return
// a [Lease]. While that lives, everybody else's Get, Entry, Touch, Set,
// SetWithTTL, SetIfAbsent, CompareAndSet, Update and Delete of the key are
// ErrLocked, those of the holder too unless they go through the lease. Peek, Has,
// All and Metadata go past locks.
//
// Lock waits while another holds the lease. Waiters are served in the order in
// which they came, without polling; the lease of each runs from when it gets it.
//
// A lease ends with [Lease.Unlock] or [Lease.Delete], at its deadline if it isn't
// extended, with the entry's TTL, and by [Store.ForceUnlock], [Store.Clear] and
// [Store.Import]. From then on its holder gets ErrLeaseLost and can't write, even
// if nobody has taken the lock since. [Lease.Done] tells a holder that is busy
// elsewhere. Those who wait for an entry that is removed get ErrNotFound.
//
// A locked entry is not evicted and does not idle out: its idle timeout starts
// anew when the lease ends. Its TTL does end it.
//
// [Lease.Fence] rises with every lease of the store, and with a folder over
// restarts and crashes too. Hand it to what the holder writes to outside the
// store, and have that refuse a fence below one it has seen: the store can't stop
// a late write there.
//
// # Metadata
//
// [Store.Metadata] tells when an entry was created, written and accessed, how
// often it was read, when it dies, and how long it is locked. [Store.Entry]
// returns that with the value, as of one instant. An entry that is dead but not
// yet freed shows as [Expired]. [Store.AllMetadata] walks through all entries.
//
// [Store.Stats] has the counts of the whole store: among them how long callers had to
// wait in Lock, and how old entries were when they were evicted.
//
// Metadata.Revision is 1 for a new entry and rises by one with every write. It
// starts over when a key is removed and set again: a CompareAndSet that was
// prepared before may then meet the same revision of another entry. Update is not
// fooled by that.
//
// # Eviction
//
// Options.Capacity is exact: never one entry more, never an eviction while there
// is room. Overwriting evicts nothing. For a new key at capacity, a dead entry
// goes first, then the one that Options.Policy chooses. What is locked stays; if
// all of it is, a new key is ErrFull.
//
// [LRU], the default, chooses the one whose last use is the longest ago, just as
// golang-lru would. Uses are what accesses are; of those that overlap in time, any
// may count as the later. [TinyLFU] goes by how often keys are used: more hits in
// most caches, a little more or less from store to store, as the seed of the hash is
// random; but it may turn a newcomer away for somebody who comes more often, which is
// no way to treat a session.
//
// With Options.Weigher and MaxWeight, entries also go until a newcomer's weight fits,
// or that of an entry whose value has grown: the one case in which overwriting evicts
// others. What is too heavy for the store is ErrFull, and evicts nothing. A write that has
// many to evict does so some at a time; others meanwhile don't get the room that it makes.
//
// [Store.Resize] changes the capacity.
//
// # Loading
//
// [Store.GetOrLoad] gets a value, and if there is none it calls a [Loader] and stores
// what that returns. One load runs for a key, however many ask for it: each waits as
// long as its own context lasts, and the load as long as anybody waits. Its error
// reaches them all, as do a panic, which each of them then panics with, and
// runtime.Goexit. [Store.GetOrLoadMany] gets many keys with one call.
//
// A write, a deletion or a lock of the key during the load wins over it, so a value
// that was read from the database before a Delete is not in the store after it. Tell
// the store of a change once the database has it. A loader that wants a TTL of its own
// for the entry may call SetWithTTL itself, as that wins too.
//
// With Options.RefreshAfter, a hit on an entry that was last written so long ago also
// has it loaded in the background, and the old value is served meanwhile. There is one
// such refresh for a key at a time, 32 in a store; a hit beyond that starts none. The
// new value takes the place of the old one, with the entry's own TTL, unless that was
// written, deleted or locked meanwhile. If a refresh fails, the Logger is told the
// types of the error, without its text, the old value stays until it expires, and a
// hit may try again after Options.ErrorTTL, or a second if that is 0.
//
// With Options.ErrorTTL, an error of a load, ErrNotFound too, is returned without
// another load for so long, or until the key is written or deleted. The end of a
// context is not remembered; of other errors, the latest 1000 are.
//
// Close tells all who wait with ErrClosed, cancels the loads, and waits for those
// functions to return: one that does not look at its context holds Close up, and one
// that calls Close, if only by way of OnRemove, waits for itself.
//
// # Removal events
//
// Options.OnRemove is told of every value that goes, with the [Reason]: evicted,
// expired, deleted, replaced by another value, cleared. It is told once, after
// the fact, in order per key, and by one goroutine at a time: as a rule the one
// whose call caused the removal. That one also delivers what others cause
// meanwhile, so OnRemove should be quick; after 100,000 of theirs a goroutine of its own
// goes on. While a load stores what it has got, it is such a goroutine from the first,
// perhaps a moment after the call has returned.
//
// OnRemove runs outside every lock and may call the store; what it removes is
// reported after it has returned. A panic in it is contained and logged; if it calls
// runtime.Goexit, another goroutine goes on with what comes after.
//
// Expired entries are reported when they are freed, which may be a SweepInterval
// after their deadline. What is in the store when it is closed is not removed and
// not reported. Close does not wait for an OnRemove that runs in another
// goroutine: the last events may come after it has returned.
//
// # Persistence
//
// With Options.Persist.Dir, New restores what the folder holds: values, times,
// deadlines, counts, revisions, the order of use, and leases, which stay locked
// until their deadline, [Store.Resume] or ForceUnlock. What has died meanwhile
// stays away. If the capacity has become smaller, the most recently used entries
// are kept.
//
// Persist.Sync says which changes a crash leaves: [persist.Always] all whose call
// has returned nil, [persist.EverySecond], the default, all if the process ends
// and all but those of the last second if the machine does, [persist.OnSnapshot]
// those that the last snapshot has. That goes for deletions too: a logout stays
// one. Close takes a last snapshot, and others go on reading and writing while
// one is taken. Accesses are written once they have moved an entry's idle timeout
// by a quarter: so much too early it may idle out after a crash.
//
// When the disk fails, changes are refused with [ErrReadOnly] and reading goes on
// until it works again, and the store with it. The call that has met the failure
// has an error that says so: whether its change is there after a crash is open,
// and until then nobody sees it.
//
// Values are encoded when they are set, by Persist.Codec, as JSON unless told
// otherwise: see package persist. What can't be encoded fails its own call and
// nothing else. A key that the codec does not bring back as it was is
// ErrInvalidKey.
//
// A damaged snapshot is reported to the Logger and in [Stats], and the one before
// it is used, with the journal since. If what was promised can't be read, New
// fails with [persist.ErrCorrupt] and changes nothing. A folder of another codec
// or of other types, or one that is in use, is refused likewise. Values are
// decoded when they are first read: one that its type has outgrown is that
// reader's error, if it is not among the first thousand, which New tries.
//
// [Store.Export] and [Store.Import] do the same with any writer and reader, and
// need no folder.
//
// # Shared
//
// [Store.Shared] gives the store as a [Shared]: the contract for code that is to
// run as it is when its entries move to a server that several processes share.
// Calls take a context, and there are those that keep their meaning there. What an
// error may leave open, and what may be late, stands with Shared; with a store in
// this process that is nothing, unless its disk fails. Put an engine of your own
// through storetest.Conformance.
//
// # Time
//
// In memory, time is monotonic: a step of the wall clock expires nothing and
// revives nothing. The times in Metadata are the wall clock's when the store was
// made, plus what has gone by since. On disk, times are those of the wall clock,
// and the time that a store is closed counts.
//
// A store keeps no goroutine running. It arms a timer only while there is
// something to free, to save, or to wait for. [CoarseClock] makes operations faster
// and time less exact.
//
// # Testing
//
// Options.Clock takes a clock that is moved by hand: storetest.NewClock. In a
// bubble of testing/synctest, the store works as it is. Put a codec of your own
// through storetest.Codec.
//
// # Limits
//
//   - Values are handed over as they are. Those that hold pointers, slices or maps
//     share them with everybody who reads the entry: replace such values, don't
//     change them in place. With a folder, they are saved as they were when they
//     were set.
//   - A folder belongs to one store in one process at a time.
//   - On some systems, Linux among them, the monotonic clock stands still while
//     the machine is suspended, and deadlines are late by as much.
//   - Writes to a store go one at a time, under a mutex that is held for short times
//     only and never while user code runs. Reads of live, unlocked entries take none,
//     and nor does a Set of one if there is nobody to tell: no folder, no OnRemove, no
//     Weigher.
package store
