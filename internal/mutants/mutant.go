package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// mutant is the module less one safeguard.
type mutant struct {
	name  string
	place string // file:line of what is taken out
	dir   string // folder of the package
	first string // tests that should turn red, as go test -run takes them; "" = those of the file
	// redundant says why no test can turn red; "" = one must.
	redundant string
	files     map[string][]byte // those that are changed, by path
}

// edit has a text in place of another, which must occur in the file exactly once.
type edit struct{ file, from, to string }

func (e edit) apply(text []byte) ([]byte, error) {
	if n := strings.Count(string(text), e.from); n != 1 {
		return nil, fmt.Errorf("%s: the text to be taken out must be there once, and is there %d times; bring list.go up to date:\n%s", e.file, n, e.from)
	}
	return []byte(strings.Replace(string(text), e.from, e.to, 1)), nil
}

// mutate returns the mutant that some edits make.
func (s *source) mutate(name string, edits ...edit) (mutant, error) {
	m := mutant{name: name, files: make(map[string][]byte)}
	for _, e := range edits {
		text, ok := m.files[e.file]
		if !ok {
			if text, ok = s.files[e.file]; !ok {
				return m, fmt.Errorf("%s: %s is not there", name, e.file)
			}
		}
		line := 1 + strings.Count(before(string(text), e.from), "\n")
		text, err := e.apply(text)
		if err != nil {
			return m, fmt.Errorf("%s: %w", name, err)
		}
		m.files[e.file] = text
		if m.place == "" {
			m.dir, _, _ = strings.Cut(e.file, "/")
			m.place = fmt.Sprintf("%s:%d", e.file, line)
		}
	}
	return m, nil
}

func before(text, what string) string {
	head, _, _ := strings.Cut(text, what)
	return head
}

// mutants returns all mutants: those that are found, and those that are listed.
func (s *source) mutants() ([]mutant, error) {
	all, err := s.found()
	if err != nil {
		return nil, err
	}
	var errs []error
	for _, l := range listed {
		m, err := s.mutate(l.name, l.edits...)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		m.first = l.first
		all = append(all, m)
	}
	names := make(map[string]bool)
	for i := range all {
		m := &all[i]
		if names[m.name] {
			errs = append(errs, fmt.Errorf("two mutants are called %q", m.name))
		}
		names[m.name] = true
		m.redundant = redundant[m.name]
		if m.first == "" {
			file, _, _ := strings.Cut(m.place, ":")
			m.first = firstOf[file]
		}
	}
	for name := range redundant {
		if !names[name] {
			errs = append(errs, fmt.Errorf("%q is said to be redundant, and there is no such mutant; bring list.go up to date", name))
		}
	}
	slices.SortStableFunc(all, func(a, b mutant) int { return strings.Compare(a.dir, b.dir) })
	return all, errors.Join(errs...)
}
