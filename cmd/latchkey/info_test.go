package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// facts returns what info tells, by what it calls them.
func facts(out string) map[string][]string {
	all := make(map[string][]string)
	for line := range strings.Lines(out) {
		name, fact, _ := strings.Cut(line, " ")
		all[name] = append(all[name], strings.TrimSpace(fact))
	}
	return all
}

func TestInfo(t *testing.T) {
	for _, s := range shops(t) {
		t.Run(s.name, func(t *testing.T) {
			s.work(t)
			got := facts(latchkey(t, "info sessions").good(t))
			require.Equal(t, []string{"sessions"}, got["folder"])
			require.Regexp(t, `^[A-Z2-7]{26}$`, got["store"][0])
			require.Equal(t, []string{s.codec.ID()}, got["codec"])
			require.Equal(t, []string{"string main.session"}, got["schema"])
			require.Equal(t, []string{"5, 4 of them past their TTL, 0 locked"}, got["entries"])
			require.Equal(t, []string{"10"}, got["capacity"])
			require.Equal(t, []string{"2000-01-01 12:00:00 UTC"}, got["newest"])
			require.Equal(t, []string{"0 B"}, got["torn"])
			require.Contains(t, got["snapshot"][0], "snapshot-000000000001, ")
			require.Contains(t, got["snapshot"][0], ", 4 entries, taken 2000-01-01 08:00:00 UTC")
			require.NotContains(t, got, "damage")
			if s.crashes {
				require.Equal(t, []string{"not closed: its last store has crashed, or was open when this was copied"}, got["state"])
				require.Len(t, got["snapshot"], 1)
				require.Contains(t, got["journal"][len(got["journal"])-1], ", 5 changes")
			} else {
				require.Equal(t, []string{"closed"}, got["state"])
				require.Equal(t, []string{"2"}, got["fence"])
				require.Len(t, got["snapshot"], 2)
			}
		})
	}
}

// infoJSON is what scripts find in the output of info --json.
func infoJSON(t testing.TB, out string) (got map[string]any) {
	t.Helper()
	require.NoError(t, json.Unmarshal([]byte(out), &got), out)
	return got
}

func TestInfoJSON(t *testing.T) {
	jsonShop.work(t)
	got := infoJSON(t, latchkey(t, "info --json sessions").good(t))
	require.Regexp(t, `^[A-Z2-7]{26}$`, got["store"])
	delete(got, "store")
	delete(got, "seq") // marks of the journal count too, and come in their own time
	for _, name := range []string{"snapshots", "segments"} {
		for _, file := range got[name].([]any) {
			delete(file.(map[string]any), "bytes")
			delete(file.(map[string]any), "seq")
		}
	}
	require.Equal(t, infoJSON(t, `{
		"dir": "sessions", "codec": "json", "schema": "string main.session",
		"entries": 5, "expired": 4, "locked": 0, "keyBytes": 60, "valueBytes": 160, "capacity": 10,
		"newest": "2000-01-01T12:00:00Z", "fence": 2, "closed": true, "tornBytes": 0,
		"snapshots": [
			{"name": "snapshot-000000000001", "entries": 4, "taken": "2000-01-01T08:00:00Z", "damaged": false},
			{"name": "snapshot-000000000002", "entries": 5, "taken": "2000-01-01T12:00:00Z", "damaged": false}
		],
		"segments": [
			{"name": "journal-000000000003", "changes": 5, "damaged": false},
			{"name": "journal-000000000004", "changes": 0, "damaged": false}
		],
		"strays": [], "damage": []
	}`), got)
}

// What a crash leaves unfinished is no damage.
func TestTorn(t *testing.T) {
	jsonCrashed.work(t)
	damage(t, lastJournal(t), func(data []byte) []byte { return data[:bytes.Index(data, []byte("customer-5"))] })
	require.Regexp(t, `torn +\d\d B\n`, latchkey(t, "info sessions").good(t))
	require.Regexp(t, `journal-\d+ +\S+ B +torn +4 changes, \d\d bytes at the end were left unfinished by a crash`, latchkey(t, "verify sessions").good(t))
	require.Regexp(t, `(?s)^\d\d bytes at the journal's end, which a crash had left unfinished, are gone\nsnapshot-\d+ has 4 entries`,
		latchkey(t, "compact sessions").good(t))
	require.Len(t, jsonShop.entries(t, "sessions"), 4)
}

// A file that the manifest does not list is told.
func TestStrays(t *testing.T) {
	jsonShop.work(t)
	filesOf(t, "sessions").with("snapshot-000000000009", "left behind").rewrite(t, "sessions")
	require.Contains(t, latchkey(t, "info sessions").good(t), "stray     snapshot-000000000009: not listed, and of no meaning")
	require.Contains(t, latchkey(t, "verify sessions").good(t), "stray  not listed, and of no meaning")
}

// Of a folder that is damaged, info tells what it can.
func TestInfoOfDamage(t *testing.T) {
	jsonShop.work(t)
	newest := newestSnapshot(t)
	damage(t, newest, smashed("customer-3"))
	out := latchkey(t, "info sessions").failed(t, statusDamaged, `"latchkey salvage" saves what can be read`)
	require.Regexp(t, `snapshot +snapshot-000000000002, \S+ kB, damaged\n`, out)
	require.Regexp(t, `damage +snapshot-000000000002 at byte \d+: `, out)
	got := infoJSON(t, latchkey(t, "info --json sessions").failed(t, statusDamaged))
	require.Len(t, got["damage"], 1)
	require.EqualValues(t, 5, got["entries"], "the journal leads there from the older snapshot")
}

// What is not known is not said to be none.
func TestInfoOfNothing(t *testing.T) {
	jsonShop.work(t)
	filesOf(t, "sessions").without("MANIFEST").rewrite(t, "sessions")
	out := latchkey(t, "info sessions").failed(t, statusDamaged, "MANIFEST is missing")
	require.Contains(t, out, "entries   unknown: a store would not open the folder")
	require.Regexp(t, `store +unknown`, out)
	got := infoJSON(t, latchkey(t, "info --json sessions").failed(t, statusDamaged))
	for _, name := range []string{"entries", "expired", "locked", "keyBytes", "valueBytes", "capacity", "closed", "tornBytes"} {
		require.NotContains(t, got, name)
	}
	require.Equal(t, "json", got["codec"])
}
