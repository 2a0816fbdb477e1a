package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var (
	consoleBlock = regexp.MustCompile("(?ms)^```console\n(.*?)^```$")
	prompt       = regexp.MustCompile(`(?m)^\$ latchkey (.*)\n`)
)

// varying is what differs from folder to folder: ids, which are random, and what
// follows from them and from when marks were written to the journal.
var varying = regexp.MustCompile(`[A-Z2-7]{26}|\d+(\.\d)? k?B|byte \d+| +`)

// The README shows what the commands write.
func TestReadme(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	jsonShop.work(t)
	filesOf(t, "sessions").write(t, "broken")
	for _, name := range filesOf(t, "broken").names(t, "snapshot-*") {
		damage(t, filepath.Join("broken", name), smashed("customer-3"))
	}
	redis := server(t)
	shown := make(map[string]bool)
	for _, block := range consoleBlock.FindAllStringSubmatch(string(readme), -1) {
		for i, at := range prompt.FindAllStringSubmatchIndex(block[1], -1) {
			require.Zero(t, i, "one command in a block")
			line := block[1][at[2]:at[3]]
			got := latchkey(t, strings.ReplaceAll(line, "redis://127.0.0.1:6379", redis))
			require.Equal(t, masked(block[1][at[1]:]), masked(got.out+got.stderr), line)
			shown[strings.Fields(line)[0]] = true
		}
	}
	require.Len(t, shown, 8, "an example of each command")
}

func masked(text string) string { return varying.ReplaceAllString(text, " * ") }
