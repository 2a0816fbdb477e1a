// Package scsstore keeps the sessions of [github.com/alexedwards/scs/v2] in a
// [store.Shared], in this process, in a folder, or on Redis, and has one request
// of a session run at a time.
//
// # Overview
//
//	manager := scs.New()
//	manager.Store = scsstore.New(sessions, secret)
//	handler := scsstore.Exclusive(manager, scsstore.Options{})(manager.LoadAndSave(mux))
//
// sessions is a store of its own: store.Store's Shared(), or a redisstore.Store,
// with strings as keys and []byte as values. Give it no TTL and no idle timeout:
// the manager's Lifetime and IdleTimeout are kept to by each session's own TTL.
//
// For the users of scs, the second line is what changes: sessions are then where the
// store has them. The third is what stops lost updates.
//
// # Lost updates
//
// scs reads a session when a request begins and writes it, whole, when the request
// first writes to the client. Of two requests that run at once, the last one to
// write wins, and what the other has put into the session is lost. Nor does scs see
// that a session was destroyed between its reading and its writing.
//
// [Exclusive] takes the session's lock before LoadAndSave reads, and gives it back
// when the handler has returned. Others wait, in the order of store.Shared.Lock,
// for at most Options.Wait; then they are answered by 503 and Retry-After. A
// request without a session, or with a token of none, waits for nobody.
//
// The lock is a lease of Options.Lease, renewed while the handler runs: so long a
// session stays locked if the process dies. With an IdleTimeout, the session does
// not idle out meanwhile.
//
// # Requests that only read
//
// Options.ReadOnly names them: they take no lock and read past that of others, so
// they see the session as it was last committed. If such a request has changed its
// session, its commit is [ErrReadOnlyRoute], as it might undo what the holder has
// done; to pop a flash message is such a change. It may
//
//   - renew the idle timeout, as every request does with scs;
//   - begin a session, if it came without;
//   - end its session: a logout that must not wait belongs there.
//
// Event streams and websockets should be among them, or call [Store.Release] once
// they are done with the session: else they hold the lock as long as they last.
//
// # The end of a session
//
// Destroy and RenewToken wait for nobody: they take the lock away from whoever holds
// it. A holder that has lost the lock, in this or another way, can't commit, under
// its old token or a new one: that is [store.ErrLeaseLost]. So a session that was
// destroyed stays destroyed.
//
// Without Exclusive there is no lock to lose, and a token that was destroyed looks
// like a new one. There, a Store refuses by [ErrDestroyed] what would bring one
// of the last 10,000 sessions back that it has ended itself: those of this process.
// And what was destroyed comes back if RenewToken is called by a request that has
// read it before.
//
// # Errors
//
// scs hands what Find and Commit return to the manager's ErrorFunc, which by default
// answers with 500. [Status] has a better one:
//
//	manager.ErrorFunc = func(w http.ResponseWriter, r *http.Request, err error) {
//		http.Error(w, http.StatusText(scsstore.Status(err)), scsstore.Status(err))
//	}
//
// # Tokens
//
// No token is stored. The key of a session is a hash of its token, with a secret
// ([New]): who gets to see the store's files, a backup, or Redis, can't log in with
// what is there. What the sessions hold is as legible as the store's codec leaves
// it; see persist.Encrypt for that. Nor does the time that it takes to find a session
// tell how near a guess has come, as near tokens have keys that are far apart.
//
// scs's own HashTokenInStore is not needed, and in its way while iterating; leave it
// off.
//
// The price is paid by [scs.SessionManager.Iterate]: in its loop, Token returns a
// handle, which is good for Destroy and Commit in that loop, and worth nothing in a
// cookie. All sessions are read to memory there, as with every store of scs.
//
// # Limits
//
//   - A commit that fails comes too late for a handler that has begun to write: scs
//     calls ErrorFunc at the first Write, and then writes the handler's text, too.
//   - Requests that do not pass Exclusive may read a session that is locked, and end
//     it. Their commits are [store.ErrLocked].
//   - MergeSession reads the other session past its lock, and ends it.
//   - With redisstore's NearCache, requests without the lock may for so long find a
//     session that was changed or ended elsewhere.
//   - What outlives its handler, a goroutine say, must not commit: the lock is gone.
//   - A store in memory has a capacity: beyond it, the session that was not used
//     for longest is evicted, but for locked ones.
package scsstore
