package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/internal/disk"
	"github.com/latchkey-go/latchkey/persist"
)

// onDir are the commands that open a folder.
var onDir = []string{"info %s", "verify %s", "dump %s", "compact %s", "salvage %s --out new", "export %s file"}

// looking returns those that write nothing, if so asked, on the folder "sessions".
func looking(key string) []string {
	return []string{
		"info sessions --no-lock",
		"verify sessions --no-lock",
		"dump sessions --no-lock" + key,
		"salvage sessions --no-lock --dry-run" + key,
		"export sessions - --no-lock" + key,
	}
}

// here returns the names in the current folder.
func here(t testing.TB) (names []string) {
	t.Helper()
	list, err := os.ReadDir(".")
	require.NoError(t, err)
	for _, e := range list {
		names = append(names, e.Name())
	}
	return names
}

// What is no store's folder stays what it is, and a mistyped path makes none.
func TestNoStoreThere(t *testing.T) {
	t.Chdir(t.TempDir())
	require.NoError(t, os.MkdirAll("photos/2000", 0o700))
	require.NoError(t, os.WriteFile("photos/2000/cat", nil, 0o600))
	for _, command := range onDir {
		t.Run(command, func(t *testing.T) {
			latchkey(t, fmt.Sprintf(command, "sesions")).failed(t, statusFailed, "sesions: no store there: there is no such folder; check the path")
			latchkey(t, fmt.Sprintf(command, "photos/2000/cat")).failed(t, statusFailed, "no store there: that is a file")
			latchkey(t, fmt.Sprintf(command, "photos/2000")).failed(t, statusFailed, "no store there: the folder has no MANIFEST")
			require.Equal(t, []string{"photos"}, here(t))
			require.Equal(t, files{"cat": ""}, filesOf(t, "photos/2000"))
			require.NoFileExists(t, "photos/2000/LOCK")
		})
	}
}

// A folder that a store has open is refused, unless nothing is to be written.
func TestInUse(t *testing.T) {
	jsonShop.work(t)
	s := jsonShop.open(t, "sessions")
	stays(t, "sessions", func() {
		for _, command := range onDir {
			latchkey(t, fmt.Sprintf(command, "sessions")).failed(t, statusFailed, fmt.Sprintf("by process %d", os.Getpid()))
		}
		require.Equal(t, []string{"sessions"}, here(t))
		for _, line := range looking("") {
			latchkey(t, line).good(t)
		}
	})
	require.NoError(t, s.Close())
}

// With --no-lock nothing at all is written, not even to LOCK.
func TestNoLock(t *testing.T) {
	for _, s := range shops(t) {
		t.Run(s.name, func(t *testing.T) {
			s.work(t)
			require.NoError(t, os.Chmod("sessions", 0o500))
			for _, line := range looking(s.keyFile(t)) {
				latchkey(t, line).good(t)
			}
			require.NoFileExists(t, "sessions/LOCK")
			require.NoError(t, os.Chmod("sessions", 0o700))
		})
	}
}

// A user who may not read a folder, or a file in it, is told who may, once.
func TestForbidden(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("the superuser may read everything")
	}
	jsonShop.work(t)
	for _, name := range []string{"sessions", "sessions/MANIFEST"} {
		require.NoError(t, os.Chmod(name, 0))
		for _, command := range onDir {
			got := latchkey(t, fmt.Sprintf(command, "sessions"))
			if strings.HasPrefix(command, "salvage") && name != "sessions" {
				continue // it saves the rest
			}
			got.failed(t, statusFailed)
			requireOneAdvice(t, got.stderr)
		}
		require.NoError(t, os.Chmod(name, 0o700))
	}
	require.NoError(t, os.Mkdir("locked", 0o500))
	latchkey(t, "export sessions file").good(t)
	got := latchkey(t, "import file locked/new")
	got.failed(t, statusFailed)
	requireOneAdvice(t, got.stderr)
}

// So is one for whom any other call of the file system is refused.
func TestForbiddenCalls(t *testing.T) {
	jsonShop.work(t)
	config := func(n int) persist.Config {
		c, err := persist.Config{Dir: "sessions"}.WithDefaults()
		require.NoError(t, err)
		c.FS = persist.ReadOnly(disk.Fails(c.FS, disk.EveryCallFrom(n, disk.Refused, syscall.EACCES)))
		return c
	}
	for name, open := range map[string]func(c persist.Config) error{
		"restore": func(c persist.Config) error {
			_, err := restore(c)
			return err
		},
		"inspect": func(c persist.Config) error {
			_, err := persist.Inspect(c, silent)
			return hint(err)
		},
		"compact": func(c persist.Config) error {
			_, err := persist.Compact(t.Context(), c, silent)
			return hint(err)
		},
	} {
		n := 1
		for ; ; n++ {
			err := open(config(n))
			if !errors.Is(err, fs.ErrPermission) {
				break
			}
			requireOneAdvice(t, name+": "+err.Error())
		}
		require.Greater(t, n, 5, name)
	}
	forbidden := fmt.Errorf("reading: %w", &fs.PathError{Op: "open", Path: "sessions", Err: syscall.EACCES})
	require.Equal(t, forbidden, hint(forbidden), "what is to be done is told by persist")
	require.Equal(t, forbidden, notAnExport(forbidden))
}

func requireOneAdvice(t testing.TB, text string) {
	t.Helper()
	require.Contains(t, text, "; run it as the user that the folder belongs to")
	require.Equal(t, 1, strings.Count(text, "; "), text)
}

// What a later release has written is not damaged.
func TestNewerRelease(t *testing.T) {
	jsonShop.work(t)
	for name := range filesOf(t, "sessions") {
		damage(t, filepath.Join("sessions", name), ofVersion2)
	}
	for _, command := range onDir[:4] {
		stays(t, "sessions", func() {
			latchkey(t, fmt.Sprintf(command, "sessions")).failed(t, statusFailed, "use the latchkey of the release that wrote it")
		})
	}
}

func ofVersion2(data []byte) []byte {
	data[9] = 2
	binary.LittleEndian.PutUint32(data[12:], crc32.Checksum(data[:12], crc32.MakeTable(crc32.Castagnoli)))
	return data
}

// A whole life: what a store has left is looked at, moved, made smaller, salvaged,
// and found again as it was.
func TestTheSameEntries(t *testing.T) {
	for _, s := range shops(t) {
		t.Run(s.name, func(t *testing.T) {
			s.work(t)
			key := s.keyFile(t)
			want := s.entries(t, "sessions")
			require.Len(t, want, 5)
			stays(t, "sessions", func() {
				latchkey(t, "info sessions").good(t)
				latchkey(t, "verify sessions").good(t)
				latchkey(t, "dump sessions"+key).good(t)
				latchkey(t, "salvage sessions --out saved"+key).good(t)
				latchkey(t, "export sessions file"+key).good(t)
			})
			latchkey(t, "import file moved").good(t)
			latchkey(t, "compact sessions"+key).good(t)
			for _, dir := range []string{"sessions", "saved", "moved"} {
				latchkey(t, "verify "+dir).good(t)
				require.Equal(t, want, s.entries(t, dir), dir)
			}
		})
	}
}
