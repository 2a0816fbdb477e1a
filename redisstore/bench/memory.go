package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/latchkey-go/latchkey/redisstore"
)

// memory returns a table of what an entry takes on the server, beside a string with
// the same value and a TTL.
func (s *subjects) memory() (string, error) {
	st, err := s.open(redisstore.Options{TTL: time.Hour})
	if err != nil {
		return "", err
	}
	var table strings.Builder
	table.WriteString("| value | bytes of an entry | of a plain string |\n|--:|--:|--:|\n")
	for _, size := range []int{32, valueSize, 16 << 10} {
		value := strings.Repeat("x", size)
		if err := st.Set(s.ctx, 1, value); err != nil {
			return "", err
		}
		const name = "bench:p:1" // as long as that of the entry
		if err := s.client.Do(s.ctx, s.client.B().Set().Key(name).Value(value).Ex(time.Hour).Build()).Error(); err != nil {
			return "", err
		}
		entry, err := s.usage("bench:i:1")
		if err != nil {
			return "", err
		}
		plain, err := s.usage(name)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&table, "| %d | %d | %d |\n", size, entry, plain)
	}
	return table.String(), nil
}

func (s *subjects) usage(name string) (int64, error) {
	return s.client.Do(s.ctx, s.client.B().MemoryUsage().Key(name).Build()).AsInt64()
}
