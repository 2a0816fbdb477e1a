package persist_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/internal/testenv"
	"github.com/latchkey-go/latchkey/persist"
	"github.com/latchkey-go/latchkey/store"
	"github.com/latchkey-go/latchkey/storetest"
)

// smallDisk returns the folder of a real file system of 64 KiB.
func smallDisk(t *testing.T) string {
	dir := t.TempDir()
	if err := syscall.Mount("latchkey", dir, "tmpfs", 0, "size=64k"); err != nil {
		testenv.Missing(t, "the right to mount a small file system (root): "+err.Error())
	}
	t.Cleanup(func() { require.NoError(t, syscall.Unmount(dir, syscall.MNT_DETACH)) })
	return dir
}

// A disk of 64 KiB fills up and is freed again. Writes that have no room are
// refused, reading goes on, and once there is room the store takes up its service
// by itself. Nothing that was acknowledged is lost.
func TestFullTmpfs(t *testing.T) {
	for _, sync := range []persist.Sync{persist.Always, persist.EverySecond} {
		t.Run(sync.String(), func(t *testing.T) {
			disk := smallDisk(t)
			ballast := filepath.Join(disk, "ballast")
			require.NoError(t, os.WriteFile(ballast, make([]byte, 44<<10), 0o600))
			var log logBook
			clock := storetest.NewClock(t)
			o := store.Options[string, string]{Clock: clock, Logger: log.logger()}
			o.Persist.Dir, o.Persist.Sync = filepath.Join(disk, "store"), sync
			s := mustNew(t, o)
			want := map[string]string{}
			refused := fillUp(t, s, want)
			require.ErrorIs(t, refused, syscall.ENOSPC)
			require.True(t, s.Stats().ReadOnly)
			require.Empty(t, cmp.Diff(want, contents(s)), "reading goes on")
			require.ErrorIs(t, s.Delete("key-0"), store.ErrReadOnly)
			require.ErrorIs(t, s.Delete("key-0"), syscall.ENOSPC)
			for range 5 {
				clock.Advance(time.Minute)
				require.True(t, s.Stats().ReadOnly, "there is no room yet")
			}
			require.Contains(t, log.String(), "no space left")

			require.NoError(t, os.Remove(ballast))
			clock.Advance(time.Minute)
			require.False(t, s.Stats().ReadOnly, "%s", log.String())
			require.Contains(t, log.String(), "the disk works again")
			for key := range want {
				require.NoError(t, s.Delete(key))
				delete(want, key)
				if len(want) <= 20 {
					break
				}
			}
			require.NoError(t, s.Set("after", "x"))
			want["after"] = "x"

			// What a process that is killed now would leave, on a disk with room.
			left := filepath.Join(t.TempDir(), "left")
			require.NoError(t, os.CopyFS(left, os.DirFS(o.Persist.Dir)))
			o.Persist.Dir = left
			require.Empty(t, cmp.Diff(want, contents(mustNew(t, o))))
			_ = s.Close() // with or without room for a last snapshot
		})
	}
}

// fillUp sets new keys until the disk is full, and returns the error.
func fillUp(t *testing.T, s *store.Store[string, string], want map[string]string) error {
	value := strings.Repeat("x", 100)
	for i := range 1000 {
		key := fmt.Sprint("key-", i)
		if err := s.Set(key, value); err != nil {
			_, there := s.Peek(key)
			require.False(t, there, "it was refused")
			return err
		}
		want[key] = value
	}
	return errors.New("the disk has room for ever")
}
