package main

import (
	"fmt"
	"strconv"
	"strings"
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
