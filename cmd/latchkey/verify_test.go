package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func newestSnapshot(t testing.TB) string {
	all := filesOf(t, "sessions").names(t, "snapshot-*")
	return filepath.Join("sessions", all[len(all)-1])
}

func lastJournal(t testing.TB) string {
	all := filesOf(t, "sessions").names(t, "journal-*")
	return filepath.Join("sessions", all[len(all)-1])
}

func TestVerify(t *testing.T) {
	for _, s := range shops(t) {
		t.Run(s.name, func(t *testing.T) {
			s.work(t)
			out := latchkey(t, "verify sessions").good(t)
			for name := range filesOf(t, "sessions") {
				require.Regexp(t, `(?m)^`+name+` +[\d.]+ k?B +good\b`, out)
			}
			require.NotRegexp(t, `(?m) $`, out, "spaces at the end of a line")
		})
	}
}

// Whatever is damaged, verify tells which file, and where.
func TestVerifyOfDamage(t *testing.T) {
	for _, s := range []shop{jsonShop, jsonCrashed} {
		s.work(t)
		for name := range filesOf(t, "sessions") {
			t.Run(s.name+" "+name, func(t *testing.T) {
				s.work(t)
				at := damage(t, filepath.Join("sessions", name), func(data []byte) []byte {
					data[30] ^= 1
					return data
				})
				stays(t, "sessions", func() {
					got := latchkey(t, "verify sessions")
					require.Regexp(t, `(?m)^`+name+` +[\d.]+ k?B +damaged  at byte 16: `, got.failed(t, statusDamaged))
					require.Contains(t, got.stderr, name+" at byte 16")
					require.NotContains(t, got.stderr, "latchkey verify", "which is what was just done")
					require.Less(t, 16, at, "that is where the frame begins")
				})
			})
		}
	}
}

// A file that is cut short or missing is damaged, not torn, if more was promised.
func TestVerifyOfLoss(t *testing.T) {
	for _, pattern := range []string{"MANIFEST", "snapshot-*1", "snapshot-*2", "journal-*"} {
		t.Run(pattern, func(t *testing.T) {
			jsonShop.work(t)
			whole := filesOf(t, "sessions")
			name := whole.names(t, pattern)[0]

			whole.with(name, whole[name][:len(whole[name])/2]).rewrite(t, "sessions")
			out := latchkey(t, "verify sessions").failed(t, statusDamaged, name)
			require.Regexp(t, `(?m)^`+name+` +[\d.]+ k?B +damaged  `, out)

			whole.without(name).rewrite(t, "sessions")
			out = latchkey(t, "verify sessions").failed(t, statusDamaged, name+" is missing")
			require.Regexp(t, `(?m)^`+name+` +0 B +damaged  missing`, out)
		})
	}
}

// All damage is told, and how many files have some.
func TestVerifyTellsAll(t *testing.T) {
	jsonShop.work(t)
	names := filesOf(t, "sessions").names(t, "*-*")
	for _, name := range names {
		damage(t, filepath.Join("sessions", name), func(data []byte) []byte { return data[:len(data)/2] })
	}
	out := latchkey(t, "verify sessions").failed(t, statusDamaged, fmt.Sprintf("folder sessions, in %d files: ", len(names)))
	require.Equal(t, len(names), strings.Count(out, "damaged  "))
}
