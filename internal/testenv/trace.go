package testenv

import (
	"bufio"
	"compress/gzip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Trace returns the keys of a recorded trace, in whichever format it is: one on a
// line (.keys), between time and size (.tks), or a first one and a count (.lis).
func Trace(t testing.TB, name string) (keys []int64) {
	t.Helper()
	files, err := filepath.Glob(Data(t, "traces", name+".*.gz"))
	require.NoError(t, err)
	require.Len(t, files, 1, "files of trace %s", name)
	f, err := os.Open(files[0])
	require.NoError(t, err)
	defer func() { require.NoError(t, f.Close()) }()
	z, err := gzip.NewReader(f)
	require.NoError(t, err)
	lines := bufio.NewScanner(z)
	for lines.Scan() {
		var n [4]int64
		for i, field := range strings.Fields(lines.Text()) {
			n[i], err = strconv.ParseInt(field, 10, 64)
			require.NoError(t, err)
		}
		switch {
		case strings.HasSuffix(files[0], ".tks.gz"):
			keys = append(keys, n[1])
		case strings.HasSuffix(files[0], ".lis.gz"):
			for key := n[0]; key < n[0]+n[1]; key++ {
				keys = append(keys, key)
			}
		default:
			keys = append(keys, n[0])
		}
	}
	require.NoError(t, lines.Err())
	return keys
}
