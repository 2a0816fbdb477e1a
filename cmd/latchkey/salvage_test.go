package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/persist"
)

// A folder that is whole is saved whole.
func TestSalvageOfWhatIsWhole(t *testing.T) {
	jsonShop.work(t)
	require.Equal(t, "saved      5 entries, in saved\ncomplete   nothing is missing\n", latchkey(t, "salvage sessions --out saved").good(t))
}

// What is lost in one place and there in another is not missing.
func TestSalvageOfWhatIsThereTwice(t *testing.T) {
	jsonShop.work(t)
	want := jsonShop.entries(t, "sessions")
	damage(t, newestSnapshot(t), smashed("customer-3"))
	require.Equal(t, "saved      5 entries, in saved\ncomplete   nothing is missing\n", latchkey(t, "salvage sessions --out saved").good(t))
	require.Equal(t, want, jsonShop.entries(t, "saved"))
}

// One bit that has flipped costs nothing.
func TestSalvageOfOneBit(t *testing.T) {
	for _, s := range shops(t) {
		t.Run(s.name, func(t *testing.T) {
			s.work(t)
			want := s.entries(t, "sessions")
			damage(t, lastJournal(t), func(data []byte) []byte { data[len(data)/2] ^= 1; return data })
			damage(t, newestSnapshot(t), func(data []byte) []byte { data[len(data)/2] ^= 1; return data })
			stays(t, "sessions", func() {
				out := latchkey(t, "salvage sessions --out saved"+s.keyFile(t)).out
				require.Contains(t, out, "saved      5 entries, in saved\n")
				require.Regexp(t, `mended +snapshot-\d+ at byte \d+: one bit had flipped\n`, out)
				require.NotContains(t, out, "lost ")
			})
			require.Equal(t, want, s.entries(t, "saved"))
		})
	}
}

// What can't be read is told, with file and offset, and the rest is saved.
func TestSalvageOfDamage(t *testing.T) {
	jsonShop.work(t)
	want := jsonShop.entries(t, "sessions")
	for _, name := range filesOf(t, "sessions").names(t, "snapshot-*") {
		damage(t, filepath.Join("sessions", name), smashed("customer-3"))
	}
	stays(t, "sessions", func() {
		out := latchkey(t, "salvage sessions --out saved").failed(t, statusDamaged, "folder sessions: some of it is lost, or may be")
		require.Contains(t, out, "saved      4 entries, in saved\n")
		require.Regexp(t, `(?m)^lost +snapshot-000000000001 at byte \d+, \d+ bytes, 1 record: `, out)
		require.Regexp(t, `(?m)^lost +snapshot-000000000002 at byte \d+, \d+ bytes, 1 record: `, out)
		require.NotContains(t, out, "complete")
	})
	delete(want, "customer-3")
	require.Equal(t, want, jsonShop.entries(t, "saved"))
	latchkey(t, "verify saved").good(t)
}

// Without the manifest, and with the rest whole, no entry is lost.
func TestSalvageWithoutTheManifest(t *testing.T) {
	for _, s := range shops(t) {
		t.Run(s.name, func(t *testing.T) {
			s.work(t)
			want := s.entries(t, "sessions")
			require.NoError(t, os.Remove("sessions/MANIFEST"))
			out := latchkey(t, "salvage sessions --out saved"+s.keyFile(t)).failed(t, statusDamaged)
			require.Regexp(t, `(?m)^lost +MANIFEST at byte 0, 0 bytes.*: it is missing$`, out)
			got := s.entries(t, "saved")
			require.Len(t, got, len(want))
			for key, entry := range want {
				require.Equal(t, entry.Value, got[key].Value)
			}
		})
	}
}

// Entries of an older snapshot, where the newer one is lost, may have been deleted:
// that is told, and they can be left out.
func TestSalvageOfOlder(t *testing.T) {
	jsonShop.work(t)
	for _, pattern := range []string{"snapshot-*2", "journal-*"} {
		for _, name := range filesOf(t, "sessions").names(t, pattern) {
			require.NoError(t, os.Remove(filepath.Join("sessions", name)))
		}
	}
	out := latchkey(t, "salvage sessions --out saved").failed(t, statusDamaged)
	require.Contains(t, out, "saved      4 entries, in saved\n")
	require.Contains(t, out, "older      4 entries that may have been changed or deleted since: saved; --drop-older leaves them out\n")
	out = latchkey(t, "salvage sessions --out rest --drop-older").failed(t, statusDamaged)
	require.Contains(t, out, "saved      0 entries, in rest\n")
	require.Contains(t, out, "older      4 entries that may have been changed or deleted since: left out\n")
	require.Empty(t, jsonShop.entries(t, "rest"))
}

// To try is to write nothing.
func TestSalvageTried(t *testing.T) {
	jsonShop.work(t)
	for _, name := range filesOf(t, "sessions").names(t, "snapshot-*") {
		damage(t, filepath.Join("sessions", name), smashed("customer-3"))
	}
	stays(t, "sessions", func() {
		out := latchkey(t, "salvage sessions --dry-run").failed(t, statusDamaged)
		require.Contains(t, out, "saved      4 entries would be\n")
		require.Equal(t, []string{"sessions"}, here(t))
	})
}

// If no file tells what it is of, the user does.
func TestSalvageWithoutHeaders(t *testing.T) {
	jsonCrashed.work(t)
	for _, name := range filesOf(t, "sessions").names(t, "*-*") {
		damage(t, filepath.Join("sessions", name), smashed(`{"codec":"json"`))
	}
	out := latchkey(t, "salvage sessions --out saved").failed(t, statusFailed, "nothing could be saved from sessions", "give --codec and --schema")
	require.Contains(t, out, "lost ")
	require.Equal(t, []string{"sessions"}, here(t))
	latchkey(t, "salvage sessions --out saved --codec json --schema string␣main.session").failed(t, statusDamaged)
	require.Len(t, jsonCrashed.entries(t, "saved"), 5)
}

// Entries that can't be in one folder go into folders of their own, if so asked.
func TestSalvageOfMixed(t *testing.T) {
	s := shop{"aes256gcm+gob, crashed", sealed(t, persist.Gob{}), true}
	s.work(t)
	out := latchkey(t, "salvage sessions --out saved").failed(t, statusDamaged)
	require.Contains(t, out, "of another kind: not saved; --split writes them to saved-2\n")
	require.NoDirExists(t, "saved-2")
	out = latchkey(t, "salvage sessions --out both/ --split").good(t)
	require.Contains(t, out, "in both/\n")
	require.Contains(t, out, "in both-2\n")
	require.Len(t, s.entries(t, "both"), 5-len(s.entries(t, "both-2")))
}

// A folder that something is in is not written to.
func TestSalvageInto(t *testing.T) {
	jsonShop.work(t)
	require.NoError(t, os.MkdirAll("photos", 0o700))
	require.NoError(t, os.WriteFile("photos/cat", nil, 0o600))
	require.NoError(t, os.Mkdir("empty", 0o700))
	latchkey(t, "salvage sessions --out photos").failed(t, statusFailed, "folder photos: folder is not empty; give a new folder")
	require.Equal(t, files{"cat": ""}, filesOf(t, "photos"))
	latchkey(t, "salvage sessions --out empty").good(t)
	latchkey(t, "salvage sessions --out a/new/one").good(t)
	for _, dir := range []string{"empty", "a/new/one"} {
		require.Len(t, jsonShop.entries(t, dir), 5, dir)
	}
}
