package main

import (
	"fmt"
	"time"

	"github.com/dustin/go-humanize"
)

func orUnknown(s string) string {
	if s == "" {
		return "unknown"
	}
	return s
}

// size returns a size for people.
func size(bytes int64) string { return humanize.Bytes(uint64(max(0, bytes))) }

// count returns how many there are of a thing.
func count[N int | int64 | uint64](n N, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%s %s", humanize.Comma(int64(n)), many)
}

func when(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }
