package main

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/internal/testenv"
)

const want = `node 1: Ada logs in
node 2: she takes tea
node 1: she takes milk
node 2: in the cart are tea and milk
she takes 100 things at once, and node 1 is killed meanwhile
node 2: 102 of 102 things are in the cart
`

// Whichever node answers, and whichever dies, the session is there.
func TestDemo(t *testing.T) {
	testenv.NeedRedis(t)
	binary := filepath.Join(t.TempDir(), "cluster.exe")
	out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput()
	require.NoError(t, err, string(out))
	for range 3 {
		var stdout, stderr bytes.Buffer
		run := exec.CommandContext(t.Context(), binary)
		run.Stdout, run.Stderr = &stdout, &stderr
		require.NoError(t, run.Run(), stderr.String())
		require.Equal(t, want, stdout.String())
		require.Empty(t, stderr.String())
	}
}
