package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// table is a table in Markdown: the first column to the left, figures to the right.
type table struct {
	head []string
	rows [][]string
}

func (t table) String() string {
	var out strings.Builder
	line := func(cells []string) { fmt.Fprintf(&out, "| %s |\n", strings.Join(cells, " | ")) }
	line(t.head)
	out.WriteString("|---" + strings.Repeat("|--:", len(t.head)-1) + "|\n")
	for _, row := range t.rows {
		line(row)
	}
	return out.String()
}

// thousands returns a number as 1,000,000 is written.
func thousands(n int) string {
	digits := strconv.Itoa(n)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// waitTable is a table of quantiles, behind a column of that name if it has one.
func waitTable(column string) table {
	t := table{head: []string{""}}
	if column != "" {
		t.head = append(t.head, column)
	}
	for _, s := range shown {
		t.head = append(t.head, s.name)
	}
	return t
}

// waitRow has the medians over the rounds.
func waitRow(name string, rounds []quantiles) []string {
	row := []string{name}
	for i := range shown {
		at := median(rounds, func(q quantiles) time.Duration { return q.at[i] })
		row = append(row, rounded(at))
	}
	return row
}

// rounded returns a duration in three digits or so.
func rounded(d time.Duration) string {
	switch {
	case d < time.Microsecond:
		return fmt.Sprintf("%d ns", d.Nanoseconds())
	case d < time.Millisecond:
		return fmt.Sprintf("%.1f µs", float64(d)/1e3)
	}
	return fmt.Sprintf("%.1f ms", float64(d)/1e6)
}

// minutes returns a duration in minutes and seconds.
func minutes(d time.Duration) string {
	d = d.Round(time.Second)
	if d < time.Minute {
		return fmt.Sprintf("%d s", d/time.Second)
	}
	return fmt.Sprintf("%d min %d s", d/time.Minute, d%time.Minute/time.Second)
}
