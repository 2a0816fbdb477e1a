package main

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/internal/disk"
	"github.com/latchkey-go/latchkey/persist"
	"github.com/latchkey-go/latchkey/store"
)

// What export writes, "import" reads, and so does a store, from a file or a pipe.
func TestExport(t *testing.T) {
	for _, s := range shops(t) {
		t.Run(s.name, func(t *testing.T) {
			s.work(t)
			key := s.keyFile(t)
			out := latchkey(t, "export sessions file"+key).good(t)
			require.Equal(t, "5 entries of codec "+s.codec.ID()+" and schema \"string main.session\", in file\n", out)
			info, err := os.Stat("file")
			require.NoError(t, err)
			require.Equal(t, os.FileMode(0o600), info.Mode().Perm(), "keys and values are nobody else's business")

			data, err := os.ReadFile("file")
			require.NoError(t, err)
			require.Equal(t, string(data), latchkey(t, "export sessions -"+key).good(t))
			other := s.openOn(t, disk.New(), inMemory, noon)
			require.NoError(t, other.Import(bytes.NewReader(data)))
			require.Equal(t, 5, other.Len())
			require.NoError(t, other.Close())
		})
	}
}

// What a store exports, "import" reads, from a file or a pipe.
func TestImport(t *testing.T) {
	for _, s := range shops(t) {
		t.Run(s.name, func(t *testing.T) {
			s.work(t)
			want := s.entries(t, "sessions")
			all := s.openOn(t, filesOf(t, "sessions").image().Boot(), inMemory, noon)
			var export bytes.Buffer
			require.NoError(t, all.Export(&export))
			require.NoError(t, all.Close())
			require.NoError(t, os.WriteFile("file", export.Bytes(), 0o600))

			const says = "5 entries of codec "
			require.Contains(t, latchkey(t, "import file moved").good(t), says)
			require.Contains(t, latchkeyFrom(t, &export, "import - piped").good(t), says)
			require.Equal(t, want, s.entries(t, "moved"))
			require.Equal(t, want, s.entries(t, "piped"))
		})
	}
}

// A fence that was handed out is not handed out again, wherever the entries go.
func TestFencesMove(t *testing.T) {
	jsonCrashed.work(t)
	latchkey(t, "export sessions file").good(t)
	latchkey(t, "import file moved").good(t)
	all := jsonCrashed.open(t, "moved")
	lease, err := all.TryLock("customer-3", 0)
	require.NoError(t, err)
	require.Greater(t, lease.Fence(), uint64(2))
	require.NoError(t, all.Close())
}

func TestImportOfASnapshot(t *testing.T) {
	jsonShop.work(t)
	latchkey(t, "import "+newestSnapshot(t)+" moved").good(t)
	require.Equal(t, jsonShop.entries(t, "sessions"), jsonShop.entries(t, "moved"))
}

// A file is replaced if so asked, and else stays.
func TestExportOver(t *testing.T) {
	jsonShop.work(t)
	require.NoError(t, os.WriteFile("file", []byte("precious"), 0o600))
	latchkey(t, "export sessions file").failed(t, statusFailed, "file is there already; give another name, or --force to replace it")
	data, err := os.ReadFile("file")
	require.NoError(t, err)
	require.Equal(t, "precious", string(data))
	latchkey(t, "export sessions file --force").good(t)
	latchkey(t, "import file moved").good(t)

	require.NoError(t, os.Mkdir("photos", 0o700))
	latchkey(t, "export sessions photos --force").failed(t, statusFailed, "photos is a folder")
	latchkey(t, "export sessions none/file").failed(t, statusFailed, "none", "no such file or directory")
	require.Equal(t, []string{"file", "moved", "photos", "sessions"}, here(t))
}

// Of a folder that is damaged, no part passes for the whole.
func TestExportOfDamage(t *testing.T) {
	jsonShop.work(t)
	damage(t, newestSnapshot(t), smashed("customer-3"))
	latchkey(t, "export sessions file").failed(t, statusDamaged, `"latchkey salvage" saves`)
	require.Empty(t, latchkey(t, "export sessions -").failed(t, statusDamaged))
	require.Equal(t, []string{"sessions"}, here(t))
}

// Wherever a file is damaged or cut short, nothing comes of it.
func TestImportOfDamage(t *testing.T) {
	jsonShop.work(t)
	latchkey(t, "export sessions file").good(t)
	whole, err := os.ReadFile("file")
	require.NoError(t, err)
	for at := 0; at < len(whole); at += 41 {
		damaged := bytes.Clone(whole)
		damaged[at] ^= 1 << (at % 8)
		for _, data := range [][]byte{damaged, whole[:at]} {
			got := latchkeyFrom(t, bytes.NewReader(data), "import - a/new")
			require.NotEqual(t, statusGood, got.status)
			require.NoDirExists(t, "a", "at byte %d", at)
		}
	}
	require.NoError(t, os.WriteFile("file", whole[:len(whole)-20], 0o600))
	latchkey(t, "import file new").failed(t, statusDamaged, "file at byte ", "cut short", "nothing was imported")
}

// What is no export is refused, with a word on what it is.
func TestImportOfOtherThings(t *testing.T) {
	jsonShop.work(t)
	require.NoError(t, os.WriteFile("empty", nil, 0o600))
	require.NoError(t, os.WriteFile("text", []byte(strings.Repeat("text ", 100)), 0o600))
	for _, test := range []struct {
		name   string
		status int
		says   string
	}{
		{"none", statusFailed, "open none: no such file"},
		{"empty", statusFailed, "empty is empty"},
		{"text", statusDamaged, "text at byte 0: not a file of Latchkey"},
		{"sessions", statusFailed, `sessions is a folder; "latchkey export" makes a file of it`},
		{"sessions/MANIFEST", statusDamaged, "kind 'M' where 'S' is due"},
	} {
		latchkey(t, "import "+test.name+" new").failed(t, test.status, test.says)
		require.NoDirExists(t, "new")
	}
	latchkey(t, "import - new").failed(t, statusFailed, "standard input is empty")
}

// A folder that something is in is not written to.
func TestImportInto(t *testing.T) {
	jsonShop.work(t)
	latchkey(t, "export sessions file").good(t)
	stays(t, "sessions", func() {
		latchkey(t, "import file sessions").failed(t, statusFailed, "it holds a store already; give a new folder")
	})
	latchkey(t, "import file file").failed(t, statusFailed, "it is a file; give a new folder")
	s := jsonShop.open(t, "other")
	latchkey(t, "import file other").failed(t, statusFailed)
	require.NoError(t, s.Set("customer-9", session{}))
	require.NoError(t, s.Close())
}

// The folder is of the types that the file tells, and a program with others is told.
func TestImportOfOtherTypes(t *testing.T) {
	jsonShop.work(t)
	latchkey(t, "export sessions file").good(t)
	latchkey(t, "import file moved").good(t)
	_, err := store.New(store.Options[string, int]{Persist: persist.Config{Dir: "moved"}})
	require.ErrorContains(t, err, "string main.session")
}
