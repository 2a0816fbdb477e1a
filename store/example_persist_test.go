package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/latchkey-go/latchkey/persist"
	"github.com/latchkey-go/latchkey/store"
	"github.com/latchkey-go/latchkey/storetest"
)

// With a folder, what was in the store is there again after a restart: values,
// deadlines, revisions, and locks too.
func ExampleNew_restart() {
	dir, err := os.MkdirTemp("", "example")
	check(err)
	defer os.RemoveAll(dir)
	options := store.Options[string, string]{
		TTL:     time.Hour,
		Persist: persist.Config{Dir: filepath.Join(dir, "sessions")},
	}

	before, err := store.New(options)
	check(err)
	check(before.Set("id-1", "Ada"))
	check(before.Set("id-2", "Bob"))
	lease, err := before.TryLock("id-2", 10*time.Second)
	check(err)
	ticket := lease.Fence()
	_, err = store.New(options)
	fmt.Println("a second store in the folder:", errors.Is(err, persist.ErrInUse))
	check(before.Close()) // takes a last snapshot

	after, err := store.New(options)
	check(err)
	defer after.Close()
	user, err := after.Get("id-1")
	fmt.Println(user, err)
	_, err = after.Get("id-2")
	fmt.Println(err)
	lease, err = after.Resume("id-2", ticket)
	check(err)
	user, err = lease.Get()
	fmt.Println(user, err)
	// Output:
	// a second store in the folder: true
	// Ada <nil>
	// store: locked
	// Bob <nil>
}

// By default, a change whose call has returned nil survives kill -9 and the like,
// and all but the last second a power loss. Here the folder is copied to see what
// a process that is killed would leave.
func ExampleStore_Set_durable() {
	dir, err := os.MkdirTemp("", "example")
	check(err)
	defer os.RemoveAll(dir)
	live, killed := filepath.Join(dir, "live"), filepath.Join(dir, "killed")

	s, err := store.New(store.Options[string, int]{Persist: persist.Config{Dir: live}})
	check(err)
	defer s.Close()
	check(s.Set("a", 1))

	check(os.CopyFS(killed, os.DirFS(live)))
	left, err := store.New(store.Options[string, int]{Persist: persist.Config{Dir: killed}})
	check(err)
	defer left.Close()
	fmt.Println(left.Get("a"))
	// Output: 1 <nil>
}

// With [persist.Always], a change whose call has returned nil survives a power
// loss too.
func ExampleOptions_always() {
	dir, err := os.MkdirTemp("", "example")
	check(err)
	defer os.RemoveAll(dir)
	s, err := store.New(store.Options[string, int]{Persist: persist.Config{
		Dir:  filepath.Join(dir, "store"),
		Sync: persist.Always,
	}})
	check(err)
	defer s.Close()
	check(s.Set("a", 1)) // on disk, and not only on its way there
	// Output:
}

// Sync makes what has been accepted durable at once.
func ExampleStore_Sync() {
	dir, err := os.MkdirTemp("", "example")
	check(err)
	defer os.RemoveAll(dir)
	s, err := store.New(store.Options[string, int]{Persist: persist.Config{Dir: filepath.Join(dir, "store")}})
	check(err)
	defer s.Close()

	check(s.Set("a", 1)) // would be synced within a second
	check(s.Sync())
	// Output:
}

// With [persist.OnSnapshot] there is no journal: a crash takes the store back to
// its last snapshot.
func ExampleStore_Snapshot() {
	dir, err := os.MkdirTemp("", "example")
	check(err)
	defer os.RemoveAll(dir)
	live, crashed := filepath.Join(dir, "live"), filepath.Join(dir, "crashed")

	s, err := store.New(store.Options[string, int]{Persist: persist.Config{Dir: live, Sync: persist.OnSnapshot}})
	check(err)
	defer s.Close()
	check(s.Set("early", 1))
	check(s.Snapshot(context.Background()))
	check(s.Set("late", 2))

	check(os.CopyFS(crashed, os.DirFS(live)))
	left, err := store.New(store.Options[string, int]{Persist: persist.Config{Dir: crashed}})
	check(err)
	defer left.Close()
	fmt.Println(left.Has("early"), left.Has("late"))
	// Output: true false
}

// Without a journal, snapshots are taken by themselves too, so long after a
// change.
func ExampleOptions_onSnapshot() {
	dir, err := os.MkdirTemp("", "example")
	check(err)
	defer os.RemoveAll(dir)
	clock := new(storetest.Clock)
	s, err := store.New(store.Options[string, int]{
		Clock: clock,
		Persist: persist.Config{
			Dir:              filepath.Join(dir, "store"),
			Codec:            persist.Gob{},
			Sync:             persist.OnSnapshot,
			SnapshotInterval: time.Minute,
		},
	})
	check(err)
	defer s.Close()

	clock.Advance(time.Hour)
	fmt.Println("nothing to save:", s.Stats().Snapshots)
	check(s.Set("a", 1))
	clock.Advance(time.Hour)
	fmt.Println("one change:", s.Stats().Snapshots)
	// Output:
	// nothing to save: 0
	// one change: 1
}

// An export goes to any writer, and needs no folder.
func ExampleStore_Export() {
	from, err := store.New(store.Options[string, int]{})
	check(err)
	defer from.Close()
	check(from.Set("a", 1))
	var backup bytes.Buffer
	check(from.Export(&backup))

	to, err := store.New(store.Options[string, int]{})
	check(err)
	defer to.Close()
	check(to.Import(&backup))
	fmt.Println(to.Equal(from))
	// Output: true
}

// Import takes all or nothing.
func ExampleStore_Import() {
	s, err := store.New(store.Options[string, int]{})
	check(err)
	defer s.Close()
	check(s.Set("a", 1))

	var backup bytes.Buffer
	check(s.Export(&backup))
	backup.Bytes()[backup.Len()/2] ^= 1 // a single bit
	fmt.Println(errors.Is(s.Import(&backup), persist.ErrCorrupt))
	fmt.Println(s.Has("a"))

	var texts bytes.Buffer
	other, err := store.New(store.Options[string, string]{})
	check(err)
	defer other.Close()
	check(other.Export(&texts))
	fmt.Println(errors.Is(s.Import(&texts), persist.ErrTypeMismatch))
	// Output:
	// true
	// true
	// true
}
