package main

import (
	"path"
	"strconv"
	"strings"
	"time"
)

// A request is one line of a web log.
type request struct {
	Host   string    // address or name of the client
	Time   time.Time // in UTC
	Method string    // "" if the request is not HTTP
	Path   string    // the whole request field if that is not HTTP
	Status int
	Bytes  int64
	Agent  string // as it stands in the log; "" in Common Log Format
}

// page reports whether the request showed the visitor a page, rather than an
// image, a style sheet or an error.
func (r request) page() bool {
	if r.Status >= 400 || r.Method != "GET" && r.Method != "POST" {
		return false
	}
	p, _, _ := strings.Cut(r.Path, "?")
	switch strings.ToLower(path.Ext(p)) {
	case "", ".html", ".htm", ".php", ".asp", ".aspx", ".jsp", ".cgi":
		return true
	}
	return false
}

// parseLine reads a line in Common or Combined Log Format, without its line
// feed, and reports whether it is one:
//
//	host ident user [02/Jan/2006:15:04:05 -0700] "request" status bytes "referer" "agent"
//
// A line that is cut off in the referer or the agent counts, with an empty
// agent. What follows the agent is passed over.
func parseLine(line string) (request, bool) {
	s := scanner{rest: strings.TrimSuffix(line, "\r")}
	host := s.word()
	s.expect(" ")
	s.word() // ident
	s.expect(" ")
	// The user is whatever the client sent, with spaces, quotes and brackets:
	// it ends at the first " [" from which on the line is as it should be.
	for !s.bad {
		s.until(" [")
		if r, ok := parseRequest(s); ok {
			r.Host = host
			return r, true
		}
	}
	return request{}, false
}

// parseRequest reads from the time on.
func parseRequest(s scanner) (request, bool) {
	stamp := s.until("]")
	s.expect(" ")
	asked := s.quoted()
	s.expect(" ")
	status := s.word()
	s.expect(" ")
	size := s.word()
	if s.bad {
		return request{}, false
	}

	r := request{Path: asked}
	if words := strings.SplitN(asked, " ", 3); len(words) > 1 {
		r.Method, r.Path = words[0], words[1]
	}
	var timeOK, statusOK, sizeOK bool
	r.Time, timeOK = parseTime(stamp)
	r.Status, statusOK = parseStatus(status)
	r.Bytes, sizeOK = parseSize(size)

	s.expect(" ")
	s.quoted() // referer
	s.expect(" ")
	if agent := s.quoted(); !s.bad {
		r.Agent = agent
	}
	return r, timeOK && statusOK && sizeOK
}

// parseTime refuses the years that no web log has, and no store takes from a
// clock.
func parseTime(s string) (time.Time, bool) {
	t, err := time.Parse("02/Jan/2006:15:04:05 -0700", s)
	t = t.UTC()
	return t, err == nil && t.Year() >= 1970 && t.Year() < 2150
}

func parseStatus(s string) (int, bool) {
	n, err := strconv.ParseUint(s, 10, 32)
	return int(n), err == nil && len(s) == 3
}

func parseSize(s string) (int64, bool) {
	if s == "-" {
		return 0, true
	}
	n, err := strconv.ParseUint(s, 10, 63)
	return int64(n), err == nil
}

// A scanner takes a line apart from left to right. Once the line is not as
// expected the scanner is bad and finds nothing any more.
type scanner struct {
	rest string
	bad  bool
}

// expect passes over the literal.
func (s *scanner) expect(literal string) {
	rest, ok := strings.CutPrefix(s.rest, literal)
	s.take(rest, ok)
}

// word returns what stands before the next space or the end, at least one byte.
func (s *scanner) word() string {
	end := strings.IndexByte(s.rest, ' ')
	if end < 0 {
		end = len(s.rest)
	}
	word := s.rest[:end]
	s.take(s.rest[end:], word != "")
	return word
}

// until returns what stands before sep and passes over both.
func (s *scanner) until(sep string) string {
	before, rest, ok := strings.Cut(s.rest, sep)
	s.take(rest, ok)
	return before
}

// quoted returns what stands between two quotes, as it is. A quote after an odd
// number of backslashes is not the end.
func (s *scanner) quoted() string {
	s.expect(`"`)
	for end := 0; ; end++ {
		n := strings.IndexByte(s.rest[end:], '"')
		if n < 0 {
			s.take("", false)
			return ""
		}
		end += n
		field := s.rest[:end]
		if backslashes := len(field) - len(strings.TrimRight(field, `\`)); backslashes%2 == 0 {
			s.take(s.rest[end+1:], true)
			return field
		}
	}
}

func (s *scanner) take(rest string, ok bool) {
	if !ok || s.bad {
		s.rest, s.bad = "", true
		return
	}
	s.rest = rest
}
