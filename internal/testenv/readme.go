package testenv

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var codeBlock = regexp.MustCompile("(?ms)^```(\\w*)\n(.*?)^```$")

// Blocks returns the blocks of code in a Markdown file that are said to be in a
// language; "" = in none.
func Blocks(t testing.TB, file, language string) (blocks []string) {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	for _, m := range codeBlock.FindAllStringSubmatch(string(text), -1) {
		if m[1] == language {
			blocks = append(blocks, m[2])
		}
	}
	return blocks
}

// ReadmeCode wants every piece of Go in a Markdown file to stand, as it is, in the Go
// files at a path or below, where it is compiled and run. Indentation does not count.
// What is left out of a piece is marked by a line "// ...".
func ReadmeCode(t testing.TB, file, path string) {
	t.Helper()
	code := goCode(t, path)
	blocks := Blocks(t, file, "go")
	require.NotEmpty(t, blocks)
	for _, block := range blocks {
		for part := range strings.SplitSeq(block, "// ...\n") {
			require.Contains(t, code, flat(part), "code of %s that stands nowhere else:\n%s", file, part)
		}
	}
}

// goCode returns all Go code at a path and below, flattened.
func goCode(t testing.TB, path string) string {
	t.Helper()
	var all strings.Builder
	require.NoError(t, filepath.WalkDir(path, func(name string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(name) != ".go" {
			return err
		}
		text, err := os.ReadFile(name)
		all.WriteString(flat(string(text)))
		return err
	}))
	return all.String()
}

// flat takes the indentation from every line.
func flat(code string) string {
	var out strings.Builder
	for line := range strings.Lines(code) {
		out.WriteString(strings.TrimSpace(line) + "\n")
	}
	return out.String()
}
