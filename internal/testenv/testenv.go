// Package testenv tells tests what the machine they run on offers.
package testenv

import (
	"os"
	"path/filepath"
	"testing"
)

// Data returns the path of a file or folder below the folder of recorded input
// that LATCHKEY_DATA names, and skips the test when there is none.
func Data(t testing.TB, elem ...string) string {
	t.Helper()
	dir := os.Getenv("LATCHKEY_DATA")
	if dir == "" {
		Missing(t, "LATCHKEY_DATA is not set: it names the folder with recorded logs and traces")
	}
	return filepath.Join(append([]string{dir}, elem...)...)
}

// Missing skips the test because of what the machine lacks, or fails it when
// LATCHKEY_STRICT=1 says that nothing may be lacking.
func Missing(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("LATCHKEY_STRICT") == "1" {
		t.Fatal("LATCHKEY_STRICT=1, but: " + what)
	}
	t.Skip(what)
}
