// Package recorded reads the folder of recorded input: traces of requests, and the hit
// ratios that caches had on them.
package recorded

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Trace returns the keys of a trace below the folder of recorded input, in
// whichever format it is: one on a line (.keys), between time and size (.tks), or a
// first one and a count (.lis).
func Trace(data, name string) (keys []int64, err error) {
	files, err := filepath.Glob(filepath.Join(data, "traces", name+".*.gz"))
	if err != nil || len(files) != 1 {
		return nil, fmt.Errorf("%d files of trace %s: %w", len(files), name, err)
	}
	f, err := os.Open(files[0])
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(z)
	for lines.Scan() {
		var n [4]int64
		for i, field := range strings.Fields(lines.Text()) {
			if n[i], err = strconv.ParseInt(field, 10, 64); err != nil {
				return nil, err
			}
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
	return keys, lines.Err()
}
