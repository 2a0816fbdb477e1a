package examples_test

import (
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/internal/testenv"
)

// Every piece of Go in the README stands in a program or a test of this repository.
func TestReadmeCode(t *testing.T) { testenv.ReadmeCode(t, "../README.md", "..") }

// TestReadmeOutput runs the README's first program and wants the output shown
// under it.
func TestReadmeOutput(t *testing.T) {
	out, err := exec.Command("go", "run", "./quickstart").Output()
	require.NoError(t, err)
	require.Equal(t, testenv.Blocks(t, "../README.md", "")[0], string(out))
}
