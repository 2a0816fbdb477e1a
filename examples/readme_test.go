package examples_test

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var codeBlock = regexp.MustCompile("(?ms)^```(\\w*)\n(.*?)^```$")

// TestReadmeCode wants every piece of Go in the README to stand, as it is, in a
// program or a test of this repository, where it is compiled and run.
func TestReadmeCode(t *testing.T) {
	code := goCode(t, "..")
	blocks := readmeBlocks(t, "go")
	require.NotEmpty(t, blocks)
	for _, block := range blocks {
		// What is left out is marked, and the parts stand for themselves.
		for part := range strings.SplitSeq(block, "// ...\n") {
			require.Contains(t, code, flat(part), "README code that stands nowhere else:\n%s", part)
		}
	}
}

// TestReadmeOutput runs the README's first program and wants the output shown
// under it.
func TestReadmeOutput(t *testing.T) {
	out, err := exec.Command("go", "run", "./quickstart").Output()
	require.NoError(t, err)
	require.Equal(t, readmeBlocks(t, "")[0], string(out))
}

func readmeBlocks(t *testing.T, language string) (blocks []string) {
	readme, err := os.ReadFile("../README.md")
	require.NoError(t, err)
	for _, m := range codeBlock.FindAllStringSubmatch(string(readme), -1) {
		if m[1] == language {
			blocks = append(blocks, m[2])
		}
	}
	return blocks
}

// goCode returns all Go code below dir, flattened.
func goCode(t *testing.T, dir string) string {
	var all strings.Builder
	require.NoError(t, filepath.WalkDir(dir, func(name string, _ fs.DirEntry, err error) error {
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
