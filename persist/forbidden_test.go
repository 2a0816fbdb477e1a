package persist_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/internal/disk"
	"github.com/latchkey-go/latchkey/persist"
	"github.com/latchkey-go/latchkey/store"
)

// Whichever call of the file system is forbidden, the error says who may, once.
func TestForbidden(t *testing.T) {
	const advice = "run it as the user that the folder belongs to"
	w := workshops(t)[0]
	for name, open := range map[string]func(fsys persist.FS) error{
		"a store": func(fsys persist.FS) error {
			s, err := store.New(w.options(t, fsys))
			if err != nil {
				return err
			}
			return s.Close()
		},
		"Inspect": func(fsys persist.FS) error {
			_, err := persist.Inspect(w.tool(fsys), quiet)
			return err
		},
		"Compact": func(fsys persist.FS) error {
			_, err := persist.Compact(t.Context(), w.tool(fsys), quiet)
			return err
		},
		"Salvage": func(fsys persist.FS) error {
			_, err := persist.Salvage(w.tool(fsys), quiet)
			return err
		},
		"Create": func(fsys persist.FS) error {
			c := persist.Config{FS: fsys, Dir: filepath.Dir(storeDir) + "/other"}
			in := persist.Contents{Codec: "json", Schema: "string int"}
			return persist.Create(t.Context(), c, persist.Header{Contents: in}, quiet, func(*persist.Writer) error { return nil })
		},
	} {
		t.Run(name, func(t *testing.T) {
			told := 0
			for n := 1; ; n++ {
				forbid := disk.EveryCallFrom(n, disk.Refused, syscall.EACCES)
				faulty := disk.Fails(w.img.Boot(), func(c disk.Call) (disk.Fault, error) {
					if c.Op == "unlock" { // whoever has a lock may give it back
						return disk.None, nil
					}
					return forbid(c)
				})
				err := open(faulty)
				if _, hits := faulty.Count(); hits == 0 {
					break
				}
				if err != nil { // else it can do without
					told++
					require.ErrorIs(t, err, fs.ErrPermission)
					require.ErrorContains(t, err, advice, "%+v", faulty.Hits()[0])
					for line := range strings.Lines(err.Error()) { // errors may be joined
						require.LessOrEqual(t, strings.Count(line, advice), 1, err)
					}
				}
			}
			require.Greater(t, told, 3)
		})
	}
}

// A folder within a file is a path to be checked, for a store that is there and for a
// new one.
func TestFolderInAFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	c := persist.Config{Dir: filepath.Join(file, "sessions")}
	_, opened := persist.Open(c, persist.Contents{}, quiet)
	_, existing := persist.OpenExisting(c, quiet)
	created := persist.Create(t.Context(), c, persist.Header{}, quiet, nil)
	for name, err := range map[string]error{"Open": opened, "OpenExisting": existing, "Create": created} {
		if errors.Is(err, persist.ErrNoStore) {
			continue // where the system does not tell files from what is not there
		}
		require.ErrorIs(t, err, syscall.ENOTDIR, name)
		require.Equal(t, 1, strings.Count(err.Error(), "check the path"), "%s: %v", name, err)
		require.ErrorContains(t, err, c.Dir, name)
	}
}
