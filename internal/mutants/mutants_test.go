package main

import (
	"go/parser"
	"go/token"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// All that is listed is there in the source as it is now, once, and every place at
// which damage is told has a mutant.
func TestListIsCurrent(t *testing.T) {
	s, err := readModule(filepath.Join("..", ".."))
	require.NoError(t, err)
	all, err := s.mutants()
	require.NoError(t, err)
	require.Greater(t, len(all), 150)
	for file := range s.wraps {
		_, err := parser.ParseFile(token.NewFileSet(), file, s.mutated(file), 0)
		require.NoError(t, err)
	}
}

// sourceOf is one file.
func sourceOf(text string) *source {
	return &source{files: map[string]string{"persist/frame.go": "package persist\n\n" + text}, wraps: map[string][]wrap{}}
}

func TestSyncsAndChecksAreFound(t *testing.T) {
	s := sourceOf(`func (r *R) f() error {
	if a || b && c {
		return corrupt("")
	}
	switch {
	case d:
		return bad("")
	}
	return r.Sync()
}`)
	all, err := s.found()
	require.NoError(t, err)
	var names []string
	for _, m := range all {
		names = append(names, m.place+" "+m.name)
	}
	require.Equal(t, []string{
		"persist/frame.go:4 R.f without a", "persist/frame.go:4 R.f without b && c", "persist/frame.go:8 R.f without d",
		"persist/frame.go:11 R.f without r.Sync()", "persist/frame.go:11 R.f deaf to r.Sync()",
	}, names)
	text := s.mutated("persist/frame.go")
	require.Contains(t, text, `if !(mutant == "1") && (a) || !(mutant == "2") && (b && c) {`)
	require.Contains(t, text, `case !(mutant == "3") && (d):`)
	require.Contains(t, text, `return unless((mutant == "4"), func() error { return deaf((mutant == "5"), func() error { return r.Sync() }) })`)
}

func TestDamageToldWithoutACondition(t *testing.T) {
	_, err := sourceOf(`func f() error { return corrupt("") }`).found()
	require.ErrorContains(t, err, "persist/frame.go:3:25: no condition is seen there")
}

func TestTextsMustOccurOnce(t *testing.T) {
	s := sourceOf("var a, b = 1, 1")
	_, err := s.find(edit{file: "persist/frame.go", text: "1"})
	require.ErrorContains(t, err, "is there 2 times")
	_, err = s.find(edit{file: "persist/frame.go", text: "3"})
	require.ErrorContains(t, err, "is there 0 times")
	_, err = s.find(edit{file: "persist/gone.go", text: "3"})
	require.ErrorContains(t, err, "persist/gone.go is not there")
	w, err := s.find(edit{"persist/frame.go", "a, b", "<", ">"})
	require.NoError(t, err)
	require.Equal(t, wrap{21, 25, "<", ">"}, w)
}
