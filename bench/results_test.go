package main

import (
	"flag"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "put the figures of RESULTS.md into the README")

// The README's figures are those of RESULTS.md, to the digit. After `make bench`,
// `make readme-figures` puts them there.
func TestReadmeFigures(t *testing.T) {
	readme, results := read(t, "../README.md"), read(t, "RESULTS.md")
	before, after, found := strings.Cut(readme, "<!-- figures -->\n")
	figures, rest, ended := strings.Cut(after, "<!-- end of figures -->\n")
	if !found || !ended {
		t.Fatal("the README has no comments around its figures")
	}
	want := refreshed(t, figures, results)
	if *update {
		if err := os.WriteFile("../README.md", []byte(before+"<!-- figures -->\n"+want+"<!-- end of figures -->\n"+rest), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if diff := cmp.Diff(want, figures); diff != "" {
		t.Errorf("the README's figures are not those of bench/RESULTS.md; `make readme-figures` mends it:\n%s", diff)
	}
	plots := regexp.MustCompile(`\(bench/(plots/\w+\.svg)\)`).FindAllStringSubmatch(readme, -1)
	if len(plots) == 0 {
		t.Error("the README shows no plot")
	}
	for _, plot := range plots {
		if _, err := os.Stat(plot[1]); err != nil {
			t.Error(err)
		}
	}
}

// The figures of rows and the machine are those of the results; a row that is not
// there is an error, and text is left alone.
func TestRefreshed(t *testing.T) {
	results := "# What was measured\n\nnew machine\nnew command\n\n## Speed\n\n| | 1 |\n|---|--:|\n| a | 2 |\n| b | 3 |\n\n## Size\n\n| a | 4 |\n"
	got := refreshed(t, "old machine\nold command\n\nText.\n\n### Size\n\n| a | 0 |\n\n### Speed\n\n| | 1 |\n|---|--:|\n| b | 0 |\n", results)
	want := "new machine\nnew command\n\nText.\n\n### Size\n\n| a | 4 |\n\n### Speed\n\n| | 1 |\n|---|--:|\n| b | 3 |\n"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// refreshed returns figures with the rows that the results have under the same
// heading. What stands before the first blank line is the machine.
func refreshed(t *testing.T, figures, results string) string {
	rows := make(map[string]string) // by heading and first cell
	heading := ""
	_, text, _ := strings.Cut(results, "\n\n")
	machine, text, _ := strings.Cut(text, "\n\n")
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "#") {
			heading = strings.TrimLeft(line, "# ")
		} else if _, known := rows[heading+cell(line)]; strings.HasPrefix(line, "|") && !known {
			rows[heading+cell(line)] = line
		}
	}
	_, text, _ = strings.Cut(figures, "\n\n")
	out := new(strings.Builder)
	out.WriteString(machine + "\n\n")
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "#") {
			heading = strings.TrimLeft(line, "# ")
		}
		if strings.HasPrefix(line, "|") {
			row, found := rows[heading+cell(line)]
			if !found {
				t.Errorf("under %q the results have no row %q", heading, cell(line))
			}
			line = row
		}
		out.WriteString(line)
	}
	return out.String()
}

// cell returns the first cell of a row.
func cell(row string) string {
	name, _, _ := strings.Cut(strings.TrimPrefix(row, "|"), "|")
	return strings.TrimSpace(name)
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
