package main

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/internal/testenv"
	"github.com/latchkey-go/latchkey/persist"
	"github.com/latchkey-go/latchkey/store"
)

func TestCompact(t *testing.T) {
	for _, s := range shops(t) {
		t.Run(s.name, func(t *testing.T) {
			s.work(t)
			want := s.entries(t, "sessions")
			out := latchkey(t, "compact sessions"+s.keyFile(t)).good(t)
			require.Regexp(t, `^snapshot-\d+ has 5 entries; \S+ k?B became \S+ k?B\n$`, out)
			left := filesOf(t, "sessions")
			require.Len(t, left.names(t, "snapshot-*"), 1)
			require.Len(t, left.names(t, "journal-*"), 1, "that a store goes on in")
			require.Contains(t, latchkey(t, "info sessions").good(t), "state     closed\n")
			require.Equal(t, want, s.entries(t, "sessions"))
		})
	}
}

// Older snapshots that are kept are a way back: the journal leads on from them.
func TestCompactKeeps(t *testing.T) {
	jsonShop.work(t)
	latchkey(t, "compact --keep 2 sessions").good(t)
	require.Len(t, filesOf(t, "sessions").names(t, "snapshot-*"), 2)
	want := jsonShop.entries(t, "sessions")
	damage(t, newestSnapshot(t), smashed("customer-3"))
	require.Equal(t, want, jsonShop.entries(t, "sessions"))
}

// What can't be read is no reason to drop what can.
func TestCompactOfDamage(t *testing.T) {
	jsonShop.work(t)
	damage(t, newestSnapshot(t), smashed("customer-3"))
	stays(t, "sessions", func() {
		latchkey(t, "compact sessions").failed(t, statusDamaged, newestSnapshot(t)[len("sessions/"):], `"latchkey salvage" saves`)
	})
}

// Descriptions that two processes sealed apart are known to be the same with the
// key alone.
func TestCompactOfMixed(t *testing.T) {
	for _, s := range shops(t) {
		if s.name != "aes256gcm+gob, crashed" {
			continue
		}
		s.work(t)
		stays(t, "sessions", func() {
			latchkey(t, "compact sessions").failed(t, statusDamaged, "entries of different kinds: ")
			latchkey(t, "export sessions file").failed(t, statusDamaged, "entries of different kinds: ")
			require.NoFileExists(t, "file")
		})
		latchkey(t, "compact sessions"+s.keyFile(t)).good(t)
	}
}

func TestCompactOfNothing(t *testing.T) {
	t.Chdir(t.TempDir())
	s, err := store.New(store.Options[string, session]{Persist: persist.Config{Dir: "sessions", Sync: persist.OnSnapshot}})
	require.NoError(t, err)
	require.NoError(t, os.CopyFS("new", os.DirFS("sessions")))
	require.NoError(t, s.Close())
	require.Equal(t, "the folder has never held anything: there is nothing to compact\n", latchkey(t, "compact new").good(t))
	latchkey(t, "export new file").failed(t, statusFailed, "has never held anything")
	require.Empty(t, latchkey(t, "dump new").good(t))
	require.Contains(t, latchkey(t, "info new").good(t), "entries   0, 0 of them past their TTL, 0 locked\n")
	latchkey(t, "salvage new --out saved").failed(t, statusFailed, "has never held anything")
}

// New files that the store's program could not read are not made.
func TestCompactOfOthers(t *testing.T) {
	if os.Geteuid() != 0 {
		testenv.Missing(t, "only the superuser can give a folder to somebody else")
	}
	jsonShop.work(t)
	require.NoError(t, os.Chown("sessions/MANIFEST", 4711, -1))
	stays(t, "sessions", func() {
		latchkey(t, "compact sessions").failed(t, statusFailed, "belongs to user 4711", "with sudo -u '#4711'")
	})
}
