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
