// Package persist keeps a store on disk: codecs, which turn keys and values into
// bytes, and the folder with the snapshots. Most users meet its [Config], as
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
// Snapshot takes one; so do Sync, Close and, [Config.SnapshotInterval] after a
// change, the store by itself, unless there is nothing new to save. Readers and
// writers go on meanwhile. A crash costs what has changed since the last
// snapshot, and nothing else: that is what [OnSnapshot] means.
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
// lists it, replaces the one before in the same way. Only then does a snapshot
// that is too old go. So at each moment the folder holds a whole snapshot, and
// an error means that it holds the one before, or both. A file that could not
// be written or synced is never used again; the next try makes another.
//
// When a call fails, on a disk that is full say, the store keeps working in
// memory, and the next snapshot saves it all.
//
// # Generations and damage
//
// [Config.Generations] snapshots are kept. Every byte of them is under a
// checksum: no flipped bit, no cut and no exchanged file goes unnoticed. If the
// newest is damaged or missing, the store opens with the one before, says so in
// its log and counts it in Stats.DamagedSnapshots. If none is good, or the
// manifest is damaged, it does not open: [ErrCorrupt], with file and offset.
//
// What is damaged stays as it is, under its name, until an operator removes it:
// only files that the manifest lists are ever removed. To start anew, move the
// folder away; to go back to a snapshot from elsewhere, give it to Import.
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
//     What is restored is sealed anew.
//  2. Once a snapshot has been taken, the newest no longer needs the old key.
//     The generations before it do, until as many snapshots have been taken as
//     are kept: with fewer, damage to the newest is an error, not a step back.
//  3. Drop the old key, and restart.
//
// # The format
//
// FORMAT.md, beside this package's source, has the files byte by byte. Each
// begins with the version of its format: one that this release can't read is
// [ErrVersion], and all that any release has written stay readable.
// [NewReader] and [NewWriter] are there for tools.
package persist
