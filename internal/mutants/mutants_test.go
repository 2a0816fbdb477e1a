package main

import (
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
	for _, m := range all {
		require.NotEmpty(t, m.files, m.name)
		for file, text := range m.files {
			require.NotEqual(t, string(s.files[file]), string(text), m.name)
		}
	}
}

// sourceOf is one file.
func sourceOf(text string) *source {
	return &source{files: map[string][]byte{"persist/frame.go": []byte("package persist\n\n" + text)}}
}

func TestSyncsAndChecksAreFound(t *testing.T) {
	all, err := sourceOf(`func (r *R) f() error {
	if a || b && c {
		return corrupt("")
	}
	switch {
	case d, e:
		return bad("")
	}
	return r.Sync()
}`).found()
	require.NoError(t, err)
	var names []string
	for _, m := range all {
		names = append(names, m.name)
	}
	require.Equal(t, []string{
		"R.f without a", "R.f without b && c", "R.f without d", "R.f without e",
		"R.f without r.Sync()", "R.f deaf to r.Sync()",
	}, names)
	require.Contains(t, string(all[1].files["persist/frame.go"]), "if a || false && (b && c) {")
	require.Contains(t, string(all[4].files["persist/frame.go"]), "return error(nil)\n")
}

func TestDamageToldWithoutACondition(t *testing.T) {
	_, err := sourceOf(`func f() error { return corrupt("") }`).found()
	require.ErrorContains(t, err, "persist/frame.go:3:25: no condition is seen there")
}

func TestEditsMustOccurOnce(t *testing.T) {
	s := sourceOf("var a, b = 1, 1")
	_, err := s.mutate("two", edit{"persist/frame.go", "1", "2"})
	require.ErrorContains(t, err, "is there 2 times")
	_, err = s.mutate("none", edit{"persist/frame.go", "3", "2"})
	require.ErrorContains(t, err, "is there 0 times")
	m, err := s.mutate("one", edit{"persist/frame.go", "a, b", "c, d"})
	require.NoError(t, err)
	require.Equal(t, "persist/frame.go:3", m.place)
	require.Equal(t, "package persist\n\nvar c, d = 1, 1", string(m.files["persist/frame.go"]))
}
