package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestHelpPages(t *testing.T) {
	for _, name := range []string{"", "help", "info", "verify", "dump", "compact", "salvage", "export", "import", "copy"} {
		t.Run(name, func(t *testing.T) {
			page := latchkey(t, "help "+name).good(t)
			require.Equal(t, page, latchkey(t, name+" --help").good(t))
			require.NotContains(t, page, "\t")
			for line := range strings.Lines(page) {
				require.LessOrEqual(t, len(line), 80+len("\n"), line)
			}
			if name != "help" {
				require.Contains(t, page, "Exit status:")
			}
		})
	}
	require.Equal(t, latchkey(t, "help").out, latchkey(t, "").good(t))
}

func TestVersion(t *testing.T) {
	require.True(t, strings.HasPrefix(latchkey(t, "--version").good(t), "latchkey version "))
}

func TestCompletion(t *testing.T) {
	for _, shell := range []string{"bash", "fish", "powershell", "zsh"} {
		require.Contains(t, latchkey(t, "completion "+shell).good(t), "latchkey")
	}
}

// Whoever gets the command line wrong is told what is wrong with it, and nothing
// is done.
func TestMistakes(t *testing.T) {
	jsonShop.work(t)
	for _, test := range []struct{ line, says string }{
		{"inof sessions", `there is no command "inof"; did you mean info?`},
		{"Info sessions", "did you mean info?"},
		{"frobnicate", `there is no command "frobnicate"; "latchkey help" lists them`},
		{"help frobnicate", `there is no command "frobnicate"`},
		{"help info sessions", `"sessions" is one argument too many: latchkey help [COMMAND]`},
		{"completion frobnicate", `there is no command "completion frobnicate"; see "latchkey help completion"`},
		{"--json info sessions", `unknown flag: --json; see "latchkey help"`},
		{"info", `DIR is missing: latchkey info DIR; see "latchkey help info"`},
		{"info sessions more", `"more" is one argument too many: latchkey info DIR`},
		{"info --jsno sessions", `unknown flag: --jsno; see "latchkey help info"`},
		{"verify --key-file k sessions", "unknown flag: --key-file"},
		{"dump --redact false sessions", "is one argument too many: latchkey dump DIR"},
		{"dump --redact=maybe sessions", `invalid argument "maybe" for "--redact"`},
		{"dump --keys-only --redact=false sessions", "give one of the two"},
		{"compact --keep 0 sessions", "--keep is 0; it must be 1 or more"},
		{"compact --keep all sessions", `invalid argument "all" for "--keep"`},
		{"compact --no-lock sessions", "unknown flag: --no-lock"},
		{"salvage sessions", "--out is missing"},
		{"salvage sessions --out sessions", "--out is sessions, which is in the damaged folder"},
		{"salvage sessions --out sessions/new", "which is in the damaged folder"},
		{"salvage sessions --out new --codec json", "give both or none"},
		{"salvage sessions --out new --schema cart", "give both or none"},
		{"export sessions", "FILE is missing: latchkey export DIR FILE"},
		{"export sessions sessions/file", "FILE is sessions/file, which is in the folder"},
		{"export --force sessions sessions/MANIFEST", "FILE is sessions/MANIFEST, which is in the folder"},
		{"import file", "DIR is missing: latchkey import FILE DIR"},
	} {
		t.Run(test.line, func(t *testing.T) {
			stays(t, "sessions", func() {
				require.Empty(t, latchkey(t, test.line).failed(t, statusUsage, test.says))
			})
			require.Equal(t, []string{"sessions"}, here(t))
		})
	}
}

func TestEmptyArgument(t *testing.T) {
	require.Equal(t, statusUsage, run(t.Context(), []string{"info", ""}, nil, t.Output(), t.Output()))
}
