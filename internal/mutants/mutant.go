package main

import (
	"cmp"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
)

// mutant is the module less one safeguard.
type mutant struct {
	name  string
	place string // file:line of what is taken out
	dir   string // folder of the package
	first string // tests that should turn red, as in firstOf; "" = those of the file
	// redundant says why no test can turn red; "" = one must.
	redundant string
	number    int
}

// edit puts something in front of a text, and something behind it, that make no
// difference but in its mutant: so all mutants are in one build. There, MUTANT stands
// for whether it is this one; unless(MUTANT, f) is a call of f that it leaves out,
// and deaf(MUTANT, f) one whose error it drops.
type edit struct {
	file          string
	text          string // must be in the file exactly once
	before, after string
}

// wrap is an edit of a place in a file.
type wrap struct {
	from, end     int
	before, after string
}

// switchName is the variable of the environment that says which mutant to be.
const switchName = "LATCHKEY_MUTANT"

// helpers is what every package gets, behind its name.
const helpers = `

import "os"

var mutant = os.Getenv("` + switchName + `")

func unless(on bool, f func() error) error {
	if on {
		return nil
	}
	return f()
}

func deaf(on bool, f func() error) error {
	err := f()
	if on {
		return nil
	}
	return err
}
`

// find returns where an edit's text is.
func (s *source) find(e edit) (wrap, error) {
	text, ok := s.files[e.file]
	if !ok {
		return wrap{}, fmt.Errorf("%s is not there; bring list.go up to date", e.file)
	}
	if n := strings.Count(text, e.text); n != 1 {
		return wrap{}, fmt.Errorf("%s: a text must be there once, and is there %d times; bring list.go up to date:\n%s", e.file, n, e.text)
	}
	at := strings.Index(text, e.text)
	return wrap{at, at + len(e.text), e.before, e.after}, nil
}

// place returns file and line of a place.
func (s *source) place(file string, at int) string {
	return fmt.Sprintf("%s:%d", file, 1+strings.Count(s.files[file][:at], "\n"))
}

// mutants returns all mutants: those that are found, and those that are listed.
func (s *source) mutants() ([]mutant, error) {
	all, err := s.found()
	errs := []error{err}
	for _, l := range listed {
		m := mutant{name: l.name, first: l.first, dir: path.Dir(l.edits[0].file)}
		for i, e := range l.edits {
			w, err := s.find(e)
			if err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", l.name, err))
				continue
			}
			if i == 0 {
				m.place = s.place(e.file, w.from)
			}
			s.wraps[e.file] = append(s.wraps[e.file], numbered(w, len(all)+1))
		}
		all = append(all, m)
	}
	names := make(map[string]bool)
	for i := range all {
		m := &all[i]
		m.number = i + 1
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
	return all, errors.Join(errs...)
}

// numbered returns the wrap of the mutant with a number.
func numbered(w wrap, number int) wrap {
	is := strings.NewReplacer("MUTANT", fmt.Sprintf("(mutant == \"%d\")", number))
	w.before, w.after = is.Replace(w.before), is.Replace(w.after)
	return w
}

// mutated returns a file with all mutants in it.
func (s *source) mutated(file string) string {
	type insertion struct {
		at, opens, size, order int
		text                   string
	}
	var all []insertion
	for i, w := range s.wraps[file] {
		size := w.end - w.from
		all = append(all, insertion{w.from, 1, -size, i, w.before}, insertion{w.end, 0, size, -i, w.after})
	}
	// What ends at a place comes before what begins there, the inner one first.
	slices.SortFunc(all, func(a, b insertion) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.opens, b.opens), cmp.Compare(a.size, b.size), cmp.Compare(a.order, b.order))
	})
	var b strings.Builder
	text, done := s.files[file], 0
	for _, in := range all {
		b.WriteString(text[done:in.at] + in.text)
		done = in.at
	}
	return b.String() + text[done:]
}
