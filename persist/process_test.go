package persist_test

import (
	"bufio"
	"os"
	"os/exec"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/persist"
	"github.com/latchkey-go/latchkey/store"
)

const otherProcessDir = "LATCHKEY_TEST_OTHER_PROCESS_DIR"

// TestOtherProcess is what the process does that TestFolderOfAnotherProcess
// starts: it opens the store, takes a snapshot, changes more, says so and waits
// for its end.
func TestOtherProcess(t *testing.T) {
	dir := os.Getenv(otherProcessDir)
	if dir == "" {
		return
	}
	s := mustNew(t, onDisk(t, dir))
	fill(t, s, olderState)
	require.NoError(t, s.Sync())
	fill(t, s, newerState)
	_, err := os.Stdout.WriteString("open\n")
	require.NoError(t, err)
	_, _ = bufio.NewReader(os.Stdin).ReadString('\n')
}

// Two processes can't open one folder, and the lock of one that is killed goes
// with it.
func TestFolderOfAnotherProcess(t *testing.T) {
	dir := t.TempDir()
	cmd := exec.Command(os.Args[0], "-test.run=^TestOtherProcess$")
	cmd.Env = append(os.Environ(), otherProcessDir+"="+dir)
	stdin, err := cmd.StdinPipe()
	require.NoError(t, err)
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	line, err := bufio.NewReader(stdout).ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "open\n", line)

	_, err = store.New(onDisk(t, dir))
	require.ErrorIs(t, err, persist.ErrInUse)

	require.NoError(t, cmd.Process.Kill())
	require.Error(t, cmd.Wait())
	_ = stdin.Close()
	s := mustNew(t, onDisk(t, dir))
	require.Empty(t, cmp.Diff(olderState, contents(s)), "the last snapshot")
	require.NoError(t, s.Close())
}
