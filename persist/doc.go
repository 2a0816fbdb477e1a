// Package persist keeps a store on disk: codecs, which turn keys and values into
// bytes, and the folder with the snapshots and the journal. Most users meet its [Config], as
// store.Options.Persist, and its errors:
//
//	s, err := store.New(store.Options[string, Session]{
//		Persist: persist.Config{Dir: "/var/lib/shop/sessions"},
//	})
//
// # What is written, and when
//
// A snapshot is the whole store at one instant: every live entry with its key,
// its value, its times, counts, revision, place in the order of use, and lease.
// The journal has every change since: what was set, deleted, evicted, cleared,
// locked, extended, unlocked and resized, in order, and accesses now and then.
// A store opens with the newest snapshot and makes the journal's changes again.
//
// [Config.Sync] says how far a change is on its way when its call returns:
//
//   - [Always]: it is durable. No crash undoes it. Callers who wait at the same
//     time share one fsync; one who is alone waits for nobody else.
//   - [EverySecond], the default: the operating system has it. The end of the
//     process, by kill -9 too, does not undo it. A power loss may cost the last
//     second, and then it is the end that is missing, never something in between.
//   - [OnSnapshot]: nowhere yet. A crash goes back to the last snapshot. There is
//     no journal.
//
// With Always, and with EverySecond where that takes a call of the system, a
// change is seen by nobody before it is written: if that fails, it never was.
//
// A snapshot takes the place of the journal before it. The store takes one by
// itself when the journal has outgrown the last one, and [Config.MinJournal], and
// when [Config.SnapshotInterval] says so; so do Snapshot and Close. Readers and
// writers go on meanwhile.
//
// Times are on disk as times of day. Entries whose time comes while the store is
// closed do not come back. Leases do: the key stays locked until the lease's
// deadline, so that a holder who outlives the store's process is still the only
// one. Fences go on rising, whatever was lost.
//
// # How it is made durable
//
// A snapshot is written to a file with a temporary name, synced, and read back.
// It then gets its own name, the folder is synced, and a new manifest, which
// lists it, replaces the one before in the same way. Only then do a snapshot
// that is too old and the journal before it go. So at each moment the folder
// holds a whole snapshot and all that came after it. A file that could not be
// written or synced is never used again.
//
// On Linux the journal of EverySecond is written through memory that is mapped to
// its file, in room that was set aside before: a change costs a copy, no call of
// the system.
//
// # When the disk fails
//
// It is full, fails, or the folder was moved away: who waits for the journal then
// gets an error, reading goes on, and every change is refused with
// store.ErrReadOnly. An error of the disk itself leaves open whether the change
// will be there after a crash: no reader sees it meanwhile. The store tries again
// after a second, and then ever less often, at least twice a minute; once the
// disk works, it takes a new snapshot and goes on by itself. All of that is told
// to the log, and Stats.ReadOnly shows it.
//
// With OnSnapshot a store keeps working in memory, and the next snapshot saves it
// all.
//
// # Crashes
//
// What a crash leaves unfinished at the journal's end is cut off, told to the log
// and counted in Stats.TornBytes. It is of changes that were never promised: the
// journal itself says up to where it was durable, and if anything is missing
// before that, it is damage.
//
// # Generations and damage
//
// [Config.Generations] snapshots are kept, and the journal from the oldest of
// them on. Every byte of them is under a checksum: no flipped bit, no cut and no
// exchanged file goes unnoticed. If the newest snapshot is damaged or missing,
// the store opens with the one before and the whole journal since, or with
// OnSnapshot with the one before alone, says so in its log and counts it in
// Stats.DamagedSnapshots. If what was promised can't be read, it does not open:
// [ErrCorrupt], with file and offset, and nothing is touched.
//
// What is damaged stays as it is, under its name, until an operator removes it:
// only files that the manifest lists are ever removed. The command latchkey, in
// cmd/latchkey, shows what is damaged (verify), and saves to a new folder what
// can be read (salvage). To start anew, move the folder away.
//
// # The folder
//
// A folder belongs to one store, and while that is open to one process: a
// second one gets [ErrInUse]. The lock goes with the process, however that
// ends. A folder with other files in it, and no store, is [ErrForeign] and
// stays untouched. Only the owner can read the folder (0700) and its files
// (0600).
//
// A folder opens with the codec and the types it was written with, else with
// [ErrCodecMismatch] or [ErrTypeMismatch]; see [Config.Schema]. Capacity, TTL
// and all other options may change from one time to the next. With a smaller
// capacity, the most recently used entries stay.
//
// # Codecs
//
// [JSON], the default, and [Gob] are here; any other is a type with the three
// methods of [Codec]. Package storetest has a suite for it. Keys and values are
// encoded one by one and when they are set, so that one that can't be fails its
// own Set and nothing else. A key that would not come back the same is refused.
//
// # Encryption
//
// [Encrypt] seals keys and values with AES-256-GCM; what stays readable are
// sizes, times and counts, and the codec's and the types' names. To change the
// key:
//
//  1. Put the new key in front, Encrypt(JSON{}, newKey, oldKey), and restart.
//     What is restored is sealed anew, and a snapshot of it is taken at once.
//  2. The newest snapshot no longer needs the old key. The generations before it
//     do, until as many snapshots have been taken as are kept: with fewer, damage
//     to the newest is an error, not a step back.
//  3. Drop the old key, and restart.
//
// # The format
//
// FORMAT.md, beside this package's source, has the files byte by byte. Each
// begins with the version of its format: one that this release can't read is
// [ErrVersion], and all that any release has written stay readable.
// [NewReader] and [NewWriter] are there for tools.
package persist
