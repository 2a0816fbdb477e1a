// Package storetest helps to test code that uses a store, and code that is
// plugged into one.
//
// # Clock
//
// A test should not wait for time to pass. A store takes its time from
// Options.Clock, and [NewClock] makes one that stands still until the test moves
// it:
//
//	clock := storetest.NewClock(t)
//	s, err := store.New(store.Options[string, int]{TTL: time.Hour, Clock: clock})
//	...
//	clock.Advance(time.Hour)
//
// [Clock.Advance] runs what falls due on the way (a sweep, the end of a lease, a
// periodic snapshot) in the test's own goroutine, each at its own time, and has
// done it all when it returns. Nothing happens behind the test's back, and
// nothing is left to wait for. [Clock.Set] can also step the clock back, as an
// operator may do with a machine's; [Clock.Timers] tells whether a store is at
// rest.
//
// The zero [Clock] needs no test: it is for programs that replay recorded time.
//
// # Or testing/synctest
//
// A store also runs as it is, with the system clock, inside a bubble of
// testing/synctest. There, time passes by itself once every goroutine waits:
//
//	synctest.Test(t, func(t *testing.T) {
//		s, err := store.New(store.Options[string, int]{TTL: time.Hour})
//		...
//		time.Sleep(time.Hour) // takes no time
//		synctest.Wait()       // until what fell due is done
//	})
//
// Take the bubble when the code under test reads the time itself, or has
// goroutines that wait for each other; take the Clock when the test should
// decide each step, when a wall clock is to be stepped back, or when real files
// and connections are in play, on which a bubble's time does not wait well. A
// store made inside a bubble is closed inside it.
//
// # Codec
//
// [Codec] puts a [persist.Codec] of your own through what a store will ask of
// it:
//
//	func TestCodec(t *testing.T) {
//		storetest.Codec(t, mycodec.New(), "a key", Session{User: "ada"})
//	}
//
// # Conformance
//
// [Conformance] puts an engine of your own through what [store.Shared] promises: every
// call and every refusal, what ends by time, locks and late holders, and several
// clients at once. An [Engine] says how to open clients and how time passes:
//
//	func TestConformance(t *testing.T) {
//		storetest.Conformance(t, storetest.Engine{
//			Unit: 50 * time.Millisecond, // the server's clock can't be moved
//			Open: func(t testing.TB, o storetest.EngineOptions) ([]store.Shared[string, storetest.Value], func(time.Duration)) {
//				clients := openClients(t, o) // o.Clients of them, of the same new entries
//				return clients, time.Sleep
//			},
//		})
//	}
//
// With a fake clock, give its Advance in place of time.Sleep, and the suite takes
// no time. It is as strict as its engine is healthy: an error that is none of
// package store's fails it, but for the histories of concurrent calls, where it leaves
// the outcome open. What only some engines have, such as ErrFull, or how durable a
// change is, is not in it.
//
// [ConformanceFaults] returns what Conformance would fail with. Break your engine
// in one place, and see whether it notices.
//
// # Disk
//
// [Disk] is a disk in memory, for tests of what your program does after a crash,
// or on a disk that fails:
//
//	disk := storetest.NewDisk()
//	options.Persist = persist.Config{Dir: "/sessions", FS: disk, Sync: persist.Always}
//	s, err := store.New(options)
//	...
//	options.Persist.FS = disk.LosePower() // the disk as it would be then
//	s, err = store.New(options)
//
// [Disk.Kill] is the end of the process alone, [Disk.LosePowerAtRandom] leaves some
// of what was not synced. [Disk.Fail] has every call fail, [Disk.Limit] fills the
// disk up.
package storetest
