package main

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
)

var noon = time.Date(2026, time.March, 2, 12, 0, 0, 0, time.UTC)

func TestParseLine(t *testing.T) {
	const head = `192.0.2.1 - - [02/Mar/2026:13:00:00 +0100] `
	long := strings.Repeat("A", 4_096)
	tests := []struct {
		name, line string
		want       request
	}{
		{
			"combined", head + `"GET /a?b=1 HTTP/1.1" 200 1234 "https://shop.example/" "Firefox/1"`,
			request{"192.0.2.1", noon, "GET", "/a?b=1", 200, 1234, "Firefox/1"},
		},
		{
			"common", head + `"GET / HTTP/1.0" 304 -`,
			request{"192.0.2.1", noon, "GET", "/", 304, 0, ""},
		},
		{
			"carriage return", head + `"GET / HTTP/1.0" 304 -` + "\r",
			request{"192.0.2.1", noon, "GET", "/", 304, 0, ""},
		},
		{
			"IPv6", `2001:db8::1` + head[9:] + `"GET / HTTP/1.1" 200 1 "-" "-"`,
			request{"2001:db8::1", noon, "GET", "/", 200, 1, "-"},
		},
		{
			"west of Greenwich", `192.0.2.1 - - [02/Mar/2026:07:30:00 -0430] "GET / HTTP/1.1" 200 1 "-" "-"`,
			request{"192.0.2.1", noon, "GET", "/", 200, 1, "-"},
		},
		{
			"quotes in every field", head + `"GET /\"x\" HTTP/1.1" 200 1 "\"" "a \"b\" c\\"`,
			request{"192.0.2.1", noon, "GET", `/\"x\"`, 200, 1, `a \"b\" c\\`},
		},
		{
			"escaped bytes", head + `"\x16\x03\x01" 400 226 "-" "-"`,
			request{"192.0.2.1", noon, "", `\x16\x03\x01`, 400, 226, "-"},
		},
		{
			"raw bytes", head + "\"\x16\x03\x00 \xff\" 400 226 \"-\" \"\xfe\"",
			request{"192.0.2.1", noon, "\x16\x03\x00", "\xff", 400, 226, "\xfe"},
		},
		{
			"no request", head + `"" 408 - "-" "-"`,
			request{"192.0.2.1", noon, "", "", 408, 0, "-"},
		},
		{
			"empty user", `192.0.2.1 - "" [02/Mar/2026:13:00:00 +0100] "GET / HTTP/1.1" 401 1`,
			request{"192.0.2.1", noon, "GET", "/", 401, 1, ""},
		},
		{
			"user with a time of its own", `192.0.2.1 - a [b] [01/Jan/2020:00:00:00 +0000] c [02/Mar/2026:13:00:00 +0100] "GET / HTTP/1.1" 401 1`,
			request{"192.0.2.1", noon, "GET", "/", 401, 1, ""},
		},
		{
			"cut in the agent", head + `"GET / HTTP/1.1" 200 1 "-" "Firef`,
			request{"192.0.2.1", noon, "GET", "/", 200, 1, ""},
		},
		{
			"cut in the referer", head + `"GET / HTTP/1.1" 200 1 "https://sh`,
			request{"192.0.2.1", noon, "GET", "/", 200, 1, ""},
		},
		{
			"more fields", head + `"GET / HTTP/1.1" 200 1 "-" "Firefox/1" "198.51.100.1" 0.004`,
			request{"192.0.2.1", noon, "GET", "/", 200, 1, "Firefox/1"},
		},
		{
			"long agent", head + `"GET / HTTP/1.1" 200 1 "-" "` + long + `"`,
			request{"192.0.2.1", noon, "GET", "/", 200, 1, long},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := parseLine(tt.line)
			require.True(t, ok)
			require.Empty(t, cmp.Diff(tt.want, got))
		})
	}
}

func TestParseLineMalformed(t *testing.T) {
	for name, line := range map[string]string{
		"empty":             "",
		"blank":             "   ",
		"text":              "Lorem ipsum dolor sit amet, consectetur [adipiscing] \"elit\" 200 1",
		"binary":            "\x7fELF\x02\x01\x01\x00\x00 [\xff\xfe]\x00",
		"cut in the time":   `192.0.2.1 - - [02/Mar/2026:13:`,
		"cut in request":    `192.0.2.1 - - [02/Mar/2026:13:00:00 +0100] "GET / HT`,
		"cut in status":     `192.0.2.1 - - [02/Mar/2026:13:00:00 +0100] "GET / HTTP/1.1" 20`,
		"cut before size":   `192.0.2.1 - - [02/Mar/2026:13:00:00 +0100] "GET / HTTP/1.1" 200 `,
		"no such day":       `192.0.2.1 - - [31/Feb/2026:13:00:00 +0100] "GET / HTTP/1.1" 200 1`,
		"before the web":    `192.0.2.1 - - [02/Mar/1066:13:00:00 +0100] "GET / HTTP/1.1" 200 1`,
		"after the web":     `192.0.2.1 - - [02/Mar/9026:13:00:00 +0100] "GET / HTTP/1.1" 200 1`,
		"signed status":     `192.0.2.1 - - [02/Mar/2026:13:00:00 +0100] "GET / HTTP/1.1" +20 1`,
		"negative size":     `192.0.2.1 - - [02/Mar/2026:13:00:00 +0100] "GET / HTTP/1.1" 200 -1`,
		"absurd size":       `192.0.2.1 - - [02/Mar/2026:13:00:00 +0100] "GET / HTTP/1.1" 200 99999999999999999999`,
		"nobody":            ` - - [02/Mar/2026:13:00:00 +0100] "GET / HTTP/1.1" 200 1`,
		"no user":           `192.0.2.1 - [02/Mar/2026:13:00:00 +0100] "GET / HTTP/1.1" 200 1`,
		"brackets galore":   `192.0.2.1 - ` + strings.Repeat(" [", 10_000),
		"backslash at last": `192.0.2.1 - - [02/Mar/2026:13:00:00 +0100] "GET / HTTP/1.1\`,
	} {
		t.Run(name, func(t *testing.T) {
			_, ok := parseLine(line)
			require.False(t, ok)
		})
	}
}

func TestPage(t *testing.T) {
	tests := []struct {
		method, path string
		status       int
		want         bool
	}{
		{"GET", "/", 200, true},
		{"GET", "/product/17?from=mail.css", 200, true},
		{"GET", "/INDEX.HTML", 304, true},
		{"GET", "/shop.css", 200, false},
		{"GET", "/img/17.jpg", 200, false},
		{"GET", "/", 404, false},
		{"POST", "/cart", 303, true},
		{"HEAD", "/", 200, false},
		{"", `\x16\x03`, 200, false},
	}
	for _, tt := range tests {
		require.Equal(t, tt.want, request{Method: tt.method, Path: tt.path, Status: tt.status}.page(), tt)
	}
}

// lineFormat says in a regular expression what parseLine does by hand, but for
// the ranges of times and sizes.
var lineFormat = func() *regexp.Regexp {
	const quoted = `"((?:[^"\\]|\\(?s:.))*)"`
	return regexp.MustCompile(`^([^ ]+) [^ ]+ (?s:.*?) \[([^\]]*)\] ` + quoted + ` (\d{3}) (\d+|-)(?: (?:` + quoted + ` ` + quoted + `)?|$)`)
}()

func FuzzParseLine(f *testing.F) {
	for _, line := range []string{
		`192.0.2.1 - - [02/Mar/2026:13:00:00 +0100] "GET / HTTP/1.1" 200 1 "-" "Firefox/1"`,
		`192.0.2.1 - "" [02/Mar/2026:13:00:00 +0100] "\x16\x03" 400 - "-" "\"cut`,
		`192.0.2.1 - a [b] [02/Mar/2026:13:00:00 +0100] "\"\\" 200 7`,
		"2001:db8::1 - - [02/Mar/2026:13:00:00 -0430] \"\x16\xff\" 200 1 \"\" \"\xfe\" 3",
		"192.0.2.1 - - [29/Feb/2024:23:59:59 +1400] \"\" 408 - \"-\" \"-\"\r",
	} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		r, ok := parseLine(line)
		m := lineFormat.FindStringSubmatch(strings.TrimSuffix(line, "\r"))
		if !ok {
			require.Zero(t, r)
		} else {
			require.NotNil(t, m)
			require.Equal(t, m[1], r.Host)
			require.Equal(t, time.UTC, r.Time.Location())
			require.GreaterOrEqual(t, r.Bytes, int64(0))
		}
		if m == nil {
			return
		}
		at, timeOK := parseTime(m[2])
		size, sizeOK := parseSize(m[5])
		if timeOK && sizeOK {
			require.True(t, ok)
			require.True(t, at.Equal(r.Time))
			require.Equal(t, size, r.Bytes)
			require.Contains(t, m[3], r.Path)
			require.Equal(t, m[7], r.Agent)
		}
	})
}
