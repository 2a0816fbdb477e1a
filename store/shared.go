package store

import (
	"context"
	"iter"
	"time"
)

// Shared is the contract for code that must not care where its entries live: in
// this process, where [Store.Shared] gives it, or on a server that several
// processes share. Each of those has a Shared of its own, a client of the same
// entries. It is safe for concurrent use.
//
// # Entries, accesses, locks
//
// They are as in [Store]. TTL, idle timeout and MaxLease are set where the client
// is made, to the same for all clients. An entry is dead once its deadline has come by the
// engine's clock, which decides alone: the times in [Metadata] and
// [SharedLease.Deadline] are of that clock, at least to the millisecond. A dead
// entry is never served, so that Status is Active or Locked.
//
// An engine may have a method MaxLease() time.Duration that tells the longest lease, so
// that one too long can be told before it is asked for. Store.Shared's and redisstore's
// have it.
//
// Accesses are Get, Entry, Touch, every write, [SharedLease.Get], and the end of a
// lease by its holder, by ForceUnlock or by its deadline. Peek, All, Len and the
// taking of a lease are none. An engine that says so may note reads late or not
// each of them: then Accessed and Accesses are behind, and an idle timeout may run
// from an access up to a quarter of it before the last.
//
// While an entry is locked, it does not idle out, but its TTL ends it. Everybody
// without the lease gets [ErrLocked], from whichever client, but for Peek, All, Len,
// Resume and ForceUnlock. One whose lease is over gets [ErrLeaseLost] and writes
// nothing, even if nobody has locked the entry since.
//
// # Errors
//
// These say that nothing was changed, and why: [ErrNotFound], [ErrLocked],
// [ErrLeaseLost], [ErrConflict], [ErrFull] for want of room, [ErrReadOnly] if no
// writes are taken at present, [ErrInvalidKey], [ErrClosed]. Match them with
// errors.Is. The same goes for what is found before anything is sent: an argument
// out of range, a value that the codec refuses, a ctx that had ended.
//
// Any other error of a call that changes something leaves open whether it has: the
// change may have been made, or be made yet, or never. It is all or nothing,
// though. Read before you repeat it, unless once more does no harm. Such a call of
// TryLock or Lock may leave a lease that nobody has, until its deadline.
//
// No error's text holds a key or a value.
//
// # Contexts
//
// A ctx that has ended is its error before anything is done. One that ends later
// ends waiting, with the same error, where the engine waits: for a lock, or a
// server. What was sent before it ended is open, as above. An engine that waits for
// nothing but its own memory or disk carries through what it has begun.
type Shared[K comparable, V any] interface {
	// Get returns the value for key. It counts as an access.
	//
	// Errors: ErrNotFound, ErrLocked.
	Get(ctx context.Context, key K) (V, error)

	// Peek returns the value for key past any lock, and leaves no trace.
	//
	// Errors: ErrNotFound.
	Peek(ctx context.Context, key K) (V, error)

	// Entry is Get, with the metadata as of the same instant. Unless reads are
	// noted late, they have this access in them.
	Entry(ctx context.Context, key K) (Entry[K, V], error)

	// Set stores value under key, for the TTL of the client: the next revision of
	// a live entry, which keeps its Created and Accesses, or a new one at
	// revision 1.
	//
	// Errors: ErrLocked, ErrFull, ErrReadOnly.
	Set(ctx context.Context, key K, value V) error

	// SetWithTTL is Set with a TTL of this entry's own: more than 0, at most
	// [MaxDuration], or [NoExpiry]. CompareAndSet, Update and SharedLease.Set
	// start the same TTL anew, Set goes back to the client's.
	SetWithTTL(ctx context.Context, key K, value V, ttl time.Duration) error

	// SetIfAbsent is Set if there is no live entry for key, and reports whether
	// there was none.
	SetIfAbsent(ctx context.Context, key K, value V) (stored bool, err error)

	// CompareAndSet is Set, for the entry's own TTL, if the live entry for key is
	// at the revision given; revision 0 stands for no entry. Else it is
	// ErrConflict. A key that was removed and set again starts at revision 1.
	//
	// Errors: ErrLocked, even at another revision; ErrConflict; those of Set.
	CompareAndSet(ctx context.Context, key K, revision uint64, value V) error

	// Update replaces the value for key by what f makes of it, atomically, and
	// returns that. f gets the old value and whether there is one. It runs again
	// if somebody else writes meanwhile, so it should do nothing but compute. An
	// error of f, or a panic, ends Update and changes nothing; so does a ctx that
	// ends before f runs again. The entry's own TTL starts anew.
	//
	// Errors: f's; those of Set; ErrConflict if others always write first.
	Update(ctx context.Context, key K, f func(old V, found bool) (V, error)) (V, error)

	// Touch renews the idle timeout of the entry for key. Accesses does not count
	// it.
	//
	// Errors: ErrNotFound, ErrLocked.
	Touch(ctx context.Context, key K) error

	// Delete removes the entry for key. That there is none is no error.
	//
	// Errors: ErrLocked, ErrReadOnly.
	Delete(ctx context.Context, key K) error

	// TryLock locks the live entry for key for d, of which 0 stands for MaxLease,
	// the longest there is. It does not wait for a lock.
	//
	// Errors: ErrNotFound, which leaves no entry behind; ErrLocked; one for a d
	// below 0 or above MaxLease.
	TryLock(ctx context.Context, key K, d time.Duration) (SharedLease[K, V], error)

	// Lock is TryLock, but waits while somebody else holds a lease. The lease runs
	// from when it is granted. In what order those who wait get it is up to the
	// engine. Whoever waits for an entry that is removed gets ErrNotFound, and
	// ErrClosed when its client is closed.
	Lock(ctx context.Context, key K, d time.Duration) (SharedLease[K, V], error)

	// Resume takes up the lease on key with the fence given, which may have been
	// granted to another client: after a restart, say. All who have it are its
	// holder.
	//
	// Errors: ErrNotFound; ErrLeaseLost if there is no such lease any more.
	Resume(ctx context.Context, key K, fence uint64) (SharedLease[K, V], error)

	// ForceUnlock takes the lease on key away from its holder and reports whether
	// there was one. It is meant for operators.
	ForceUnlock(ctx context.Context, key K) (unlocked bool, err error)

	// All returns an iterator over the live entries, locked ones too, in no
	// particular order. It leaves no trace, and the loop may use the client. An
	// entry that is there during the whole loop comes exactly once, as it is when
	// the loop gets near it. Whether one comes that is not is open, as is whether
	// one that is removed and set again meanwhile comes twice.
	//
	// An error comes in place of an entry. If it is about one entry alone, the
	// value of which can't be decoded, the loop may go on; any other is the last.
	// An Entry that comes with an error has at most its Key.
	All(ctx context.Context) iter.Seq2[Entry[K, V], error]

	// Len returns the number of live entries. If others write meanwhile, or the
	// engine is of several machines, it is of no one instant.
	Len(ctx context.Context) (int, error)

	// Close ends this client, not its entries, and not other clients unless the
	// engine is in this process. From then on every call is ErrClosed, those of
	// its leases too, which stay on their entries until their deadlines. Calling
	// Close again returns the same. The connection that a client was made with
	// stays with its owner.
	Close() error
}

// SharedLease is a [Lease] on an entry that [Shared] gives. It is safe for
// concurrent use. For its calls, errors and contexts are as with Shared.
type SharedLease[K comparable, V any] interface {
	// Key returns the key that is locked.
	Key() K

	// Fence returns the lease's number: higher than that of every lease before it
	// on the same key, even if the entry was removed in between. Give it to what
	// the holder writes to elsewhere, which can then refuse a holder that is late.
	Fence() uint64

	// Deadline returns when the lease ends unless it is extended, by the engine's
	// clock. The entry's TTL, ForceUnlock and Delete may end it sooner.
	Deadline() time.Time

	// Done returns a channel that is closed when the lease is known to be over or
	// the client is closed: after the holder's own Unlock or Delete, after a call
	// that was ErrLeaseLost, and at about the deadline; at any other end as soon
	// as the engine hears of it. It is a hint: only a call tells for certain.
	Done() <-chan struct{}

	// Get returns the value. It counts as an access.
	//
	// Errors: ErrLeaseLost.
	Get(ctx context.Context) (V, error)

	// Set replaces the value: the next revision. The entry's own TTL starts anew,
	// the lease stays as it is.
	//
	// Errors: ErrLeaseLost, ErrFull, ErrReadOnly.
	Set(ctx context.Context, value V) error

	// SetWithTTL is Set with another TTL for the entry from now on: more than 0,
	// at most [MaxDuration], or [NoExpiry].
	SetWithTTL(ctx context.Context, value V, ttl time.Duration) error

	// Delete removes the entry and so ends the lease.
	//
	// Errors: ErrLeaseLost, ErrReadOnly.
	Delete(ctx context.Context) error

	// Extend moves the deadline to d from now, be that sooner or later; 0 stands
	// for MaxLease.
	//
	// Errors: ErrLeaseLost, ErrReadOnly, one for a d below 0 or above MaxLease.
	Extend(ctx context.Context, d time.Duration) error

	// Unlock ends the lease. After an Unlock or Delete of this SharedLease that
	// returned nil it does nothing and returns nil, so that it can be deferred.
	//
	// Errors: ErrLeaseLost if the lease ended in another way, ErrReadOnly.
	Unlock(ctx context.Context) error
}
