// Package inspect is a web page that shows what stores do, live, and what is in them.
//
// # Overview
//
//	page, err := inspect.Handler(inspect.Options{
//		Stores: []inspect.Store{
//			inspect.Source("sessions", sessions, inspect.SourceOptions[string, Session]{}),
//			inspect.Source("carts", carts, inspect.SourceOptions[int, []string]{}),
//		},
//	})
//	...
//	http.Handle("/debug/latchkey/", page)
//
// Mount it at a path that ends in a slash, behind what decides who may see it: by
// itself it lets everybody look who gets there. Options.Authorize is another place for
// that. Stores of any types are on one page; [Source] takes their types away.
//
// # What there is to see
//
// Charts of the last five minutes: hit ratio, operations, entries, removals by reason,
// age at eviction, locks and the waits for them; loads, if there are any; with a folder
// the journal, its fsyncs, and snapshots. All entries, in any order, a page at a time,
// to be searched by key and by what is shown of a value.
//
// Keys are shown as keyed hashes, which are others each time that the program runs, and
// values not at all, unless SourceOptions says how. A search looks in what is shown, and
// nowhere else.
//
// # Actions
//
// The page shows, and does nothing, unless Options.Actions says what it may do: take a
// lease from its holder, delete an entry, take a snapshot. Then there must be an
// Authorize, which is asked each time. A form is taken by POST alone, from the same
// origin, with a token that is bound to a cookie of the browser. The Logger is told of
// each action, without keys.
//
// # What it costs
//
// While nobody looks, nothing. While somebody does, and for five minutes after, the
// counts of each store are copied once a second, under its lock. A page of entries walks
// through all of them, as [store.Store.AllMetadata] does, a few at a time under the lock,
// so that nobody meets a pause; with a million it takes about a second, one request at a
// time, and 20 s at the most. To search with a Render decodes and renders each value.
//
// Streams end when their http.Server is shut down. At most 32 pages are live at once.
//
// # The page itself
//
// It loads nothing from elsewhere, and its Content-Security-Policy lets it run nothing
// but its own script. It can be read, searched and used without any; the script keeps
// charts and numbers live. Behind a proxy that buffers, turn that off for its path "live".
//
// Times that are left are by the clock of the machine, so those of a store with a Clock
// of its own mean little.
package inspect
