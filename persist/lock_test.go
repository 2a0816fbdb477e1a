package persist_test

import (
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/persist"
	"github.com/latchkey-go/latchkey/store"
)

// A folder is free once its store is closed, also when the process starts others
// at that moment: they inherit open files until they run their own program.
func TestFolderIsFreeWhileProcessesStart(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	var done atomic.Bool
	starting := make(chan error)
	go func() {
		var err error
		for !done.Load() && err == nil {
			err = exec.Command("go", "env", "GOOS").Run()
		}
		starting <- err
	}()
	for range 200 {
		s, err := store.New(store.Options[string, int]{Persist: persist.Config{Dir: dir}})
		require.NoError(t, err)
		require.NoError(t, s.Close())
	}
	done.Store(true)
	require.NoError(t, <-starting)
}
