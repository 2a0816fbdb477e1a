package latchkey_test

import (
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
)

const module = "github.com/latchkey-go/latchkey"

// imports returns what the files of a package import, tests aside, without the
// standard library: import path and names of the files, each "path: file".
func imports(t *testing.T, dir string) []string {
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	var list []string
	for _, e := range entries {
		name := e.Name()
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(dir, name), nil, parser.ImportsOnly)
		require.NoError(t, err)
		for _, spec := range file.Imports {
			path, err := strconv.Unquote(spec.Path.Value)
			require.NoError(t, err)
			first, _, _ := strings.Cut(path, "/")
			if strings.Contains(first, ".") { // the standard library has no dot there
				list = append(list, strings.TrimPrefix(path, module+"/")+": "+name)
			}
		}
	}
	slices.Sort(list)
	return list
}

// Imports point one way: store -> persist, internal/clock, internal/tinylfu,
// internal/usercode -> the standard library. Only the policies of store know of
// golang-lru and of tinylfu.
func TestImports(t *testing.T) {
	require.Empty(t, imports(t, "persist"))
	require.Empty(t, imports(t, filepath.Join("internal", "clock")))
	require.Empty(t, imports(t, filepath.Join("internal", "tinylfu")))
	require.Empty(t, imports(t, filepath.Join("internal", "usercode")))

	var foreign []string
	for _, line := range imports(t, "store") {
		path, _, _ := strings.Cut(line, ": ")
		if path != "persist" && path != "internal/clock" {
			foreign = append(foreign, line)
		}
	}
	require.Empty(t, cmp.Diff([]string{
		"github.com/hashicorp/golang-lru/v2/simplelru: lru.go", "internal/tinylfu: policy.go",
		"internal/usercode: codec.go", "internal/usercode: errors.go", "internal/usercode: weight.go",
	}, foreign))

	// storetest is imported by the tests of users: it brings one small library
	// along, for Conformance.
	foreign = nil
	for _, line := range imports(t, "storetest") {
		path, _, _ := strings.Cut(line, ": ")
		if !slices.Contains([]string{"persist", "store", "internal/clock", "internal/disk"}, path) {
			foreign = append(foreign, line)
		}
	}
	require.Empty(t, cmp.Diff([]string{"github.com/anishathalye/porcupine: conformance_history.go"}, foreign))
}
