package store_test

import (
	"bufio"
	"compress/gzip"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/internal/testenv"
	"github.com/latchkey-go/latchkey/store"
	"github.com/latchkey-go/latchkey/storetest"
)

// TestLRUHitsEqualGolangLRU replays recorded traces, Get and on a miss Set, and
// wants golang-lru's hits to the last one.
func TestLRUHitsEqualGolangLRU(t *testing.T) {
	t.Parallel()
	sizes := make(map[string]map[int]int) // trace -> capacity -> hits
	for _, row := range tsv(t, testenv.Data(t, "reference", "hit_counts.tsv")) {
		trace := row["trace"]
		if row["policy"] != "lru" || !replayed(trace) {
			continue
		}
		if sizes[trace] == nil {
			sizes[trace] = make(map[int]int)
		}
		sizes[trace][number(t, row["size"])] = number(t, row["hits"])
	}
	require.Len(t, sizes, 25, "traces in the reference")
	for trace, hits := range sizes {
		if testenv.Race && trace != "lirs_gli" {
			continue // one goroutine: nothing to detect
		}
		t.Run(trace, func(t *testing.T) {
			keys := testenv.Trace(t, trace)
			for capacity, want := range hits {
				require.Equal(t, want, replay(t, keys, capacity), "hits at capacity %d", capacity)
			}
		})
	}
}

// replayed leaves out traces of many millions of requests, and those whose
// sizes matter.
func replayed(trace string) bool {
	switch trace {
	case "arc_P2", "arc_P3", "arc_P6", "cache2k_orm-busy":
		return false
	}
	return true
}

func replay(t *testing.T, keys []int64, capacity int) (hits int) {
	// TTL and metadata are on, as in a store for sessions.
	s, err := store.New(store.Options[int64, int64]{
		Capacity: capacity, TTL: time.Hour, IdleTimeout: time.Hour, Clock: storetest.NewClock(t),
	})
	require.NoError(t, err)
	for _, key := range keys {
		if _, err := s.Get(key); err == nil {
			hits++
			continue
		}
		require.NoError(t, s.Set(key, key))
	}
	require.LessOrEqual(t, s.Len(), capacity)
	require.NoError(t, s.Close())
	return hits
}

// TestExpireAfterWrite replays the requested pages of web logs on a fake clock
// and wants the hits of the reference.
func TestExpireAfterWrite(t *testing.T) {
	t.Parallel()
	for _, row := range tsv(t, testenv.Data(t, "reference", "sessions.tsv")) {
		rule, ok := strings.CutPrefix(row["rule"], "expire-after-write ")
		if !ok || testenv.Race {
			continue
		}
		t.Run(row["log"]+" "+rule, func(t *testing.T) {
			var seconds int
			_, err := fmt.Sscanf(rule, "%d (>=)", &seconds)
			require.NoError(t, err)
			times, keys := logTimes(t, row["log"]), testenv.Trace(t, "weblog_"+row["log"]+"_url")
			require.Len(t, times, len(keys))

			clock := storetest.NewClock(t)
			s, err := store.New(store.Options[int64, bool]{
				Capacity: len(keys), TTL: time.Duration(seconds) * time.Second, Clock: clock,
			})
			require.NoError(t, err)
			hits := 0
			for i, key := range keys {
				if times[i].After(clock.Now()) { // the log's time runs backwards here and there
					clock.Set(times[i])
				}
				if _, err := s.Get(key); err == nil {
					hits++
				} else {
					require.NoError(t, s.Set(key, true))
				}
			}
			require.Equal(t, row["touched"], strconv.Itoa(hits))
			require.NoError(t, s.Close())
		})
	}
}

// logTimes returns the time of each request in a web log.
func logTimes(t *testing.T, log string) (times []time.Time) {
	f, err := os.Open(testenv.Data(t, "weblogs", log+".access.log.gz"))
	require.NoError(t, err)
	defer f.Close()
	z, err := gzip.NewReader(f)
	require.NoError(t, err)
	lines := bufio.NewScanner(z)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		_, rest, _ := strings.Cut(lines.Text(), " [")
		stamp, _, _ := strings.Cut(rest, "]")
		at, err := time.Parse("02/Jan/2006:15:04:05 -0700", stamp)
		require.NoError(t, err)
		times = append(times, at)
	}
	require.NoError(t, lines.Err())
	return times
}

// tsv reads a table whose first line names the columns.
func tsv(t *testing.T, name string) (rows []map[string]string) {
	data, err := os.ReadFile(name)
	require.NoError(t, err)
	var names []string
	for line := range strings.Lines(string(data)) {
		fields := strings.Split(strings.TrimRight(line, "\r\n"), "\t")
		if names == nil {
			names = fields
			continue
		}
		row := make(map[string]string)
		for i, field := range fields {
			row[names[i]] = field
		}
		rows = append(rows, row)
	}
	return rows
}

func number(t *testing.T, s string) int {
	n, err := strconv.Atoi(s)
	require.NoError(t, err)
	return n
}
