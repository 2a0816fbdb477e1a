package promstore_test

import (
	"testing"

	"github.com/latchkey-go/latchkey/internal/testenv"
)

// The README's code stands in the examples, where it is compiled and run.
func TestReadme(t *testing.T) { testenv.ReadmeCode(t, "README.md", "example_test.go") }
