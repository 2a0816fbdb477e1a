package storetest_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/persist"
	"github.com/latchkey-go/latchkey/store"
	"github.com/latchkey-go/latchkey/storetest"
)

func onDisk(t *testing.T, d *storetest.Disk, sync persist.Sync) (*store.Store[string, int], *storetest.Clock) {
	clock := storetest.NewClock(t)
	s, err := store.New(store.Options[string, int]{
		Clock:   clock,
		Persist: persist.Config{Dir: "/data/sessions", FS: d, Sync: sync},
	})
	require.NoError(t, err)
	return s, clock
}

func TestDiskCrashes(t *testing.T) {
	d := storetest.NewDisk()
	s, clock := onDisk(t, d, persist.EverySecond)
	require.NoError(t, s.Set("early", 1))
	clock.Advance(time.Second)
	require.NoError(t, s.Set("late", 2))

	killed, _ := onDisk(t, d.Kill(), persist.EverySecond)
	require.True(t, killed.Has("early") && killed.Has("late"))
	dark, _ := onDisk(t, d.LosePower(), persist.EverySecond)
	require.True(t, dark.Has("early"))
	require.False(t, dark.Has("late"))
	r := rand.New(rand.NewPCG(1, 2))
	seen := map[bool]bool{}
	for range 20 {
		s, _ := onDisk(t, d.LosePowerAtRandom(r), persist.EverySecond)
		require.True(t, s.Has("early"))
		seen[s.Has("late")] = true
	}
	require.Len(t, seen, 2, "it is up to chance")
	require.True(t, s.Has("late"), "the one before goes on")
}

func TestDiskFails(t *testing.T) {
	d := storetest.NewDisk()
	s, clock := onDisk(t, d, persist.Always)
	require.NoError(t, s.Set("a", 1))
	cause := errors.New("a cable came off")
	d.Fail(cause)
	require.ErrorIs(t, s.Set("a", 2), cause)
	require.ErrorIs(t, s.Set("a", 3), store.ErrReadOnly)
	v, err := s.Get("a")
	require.NoError(t, err)
	require.Equal(t, 1, v)
	d.Fail(nil)
	clock.Advance(time.Minute)
	require.NoError(t, s.Set("a", 4))

	d.Limit(d.Used())
	require.ErrorIs(t, s.Set("b", 1), syscall.ENOSPC)
	d.Limit(0)
	clock.Advance(time.Minute)
	require.NoError(t, s.Set("b", 2))
	require.NoError(t, s.Close())
}

// What a power loss leaves of a store, and what it does on a disk that is full, can
// be seen without pulling a plug.
func ExampleDisk() {
	disk := storetest.NewDisk()
	options := store.Options[string, string]{
		Persist: persist.Config{Dir: "/data/sessions", FS: disk, Sync: persist.Always},
	}
	s, err := store.New(options)
	if err != nil {
		panic(err)
	}
	fmt.Println(s.Set("id-1", "Ada"))
	disk.Limit(disk.Used())
	err = s.Set("id-2", "Bob")
	fmt.Println(errors.Is(err, syscall.ENOSPC), s.Has("id-2"))

	options.Persist.FS = disk.LosePower()
	s, err = store.New(options)
	if err != nil {
		panic(err)
	}
	fmt.Println(s.Get("id-1"))
	// Output:
	// <nil>
	// true false
	// Ada <nil>
}
