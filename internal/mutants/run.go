package main

import (
	"context"
	"fmt"
	"iter"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"
)

// lab is a copy of the module that has all mutants in it.
type lab struct {
	dir    string // temporary, with the copy and what is built
	module string // the copy
}

// newLab copies the module, so that the source may be worked on meanwhile, and
// builds its tests.
func newLab(ctx context.Context, s *source) (*lab, error) {
	dir, err := os.MkdirTemp("", "mutants-")
	if err != nil {
		return nil, err
	}
	l := &lab{dir: dir, module: filepath.Join(dir, "module")}
	if err := l.fill(ctx, s); err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

func (l *lab) fill(ctx context.Context, s *source) error {
	for _, name := range []string{"go.mod", "go.sum", "persist", "store", "storetest", "internal"} {
		if err := copyTo(filepath.Join(l.module, name), name); err != nil {
			return err
		}
	}
	for file := range s.wraps {
		if err := os.WriteFile(filepath.Join(l.module, filepath.FromSlash(file)), []byte(s.mutated(file)), 0o600); err != nil {
			return err
		}
	}
	for _, dir := range dirs {
		if err := os.WriteFile(filepath.Join(l.module, dir, "mutant.go"), []byte("package "+dir+helpers), 0o600); err != nil {
			return err
		}
	}
	for _, dir := range dirs {
		if err := l.build(ctx, dir); err != nil {
			return err
		}
	}
	return nil
}

func (l *lab) binary(dir string) string { return filepath.Join(l.dir, dir+".test") }

// build builds the tests of a package. A list that does not compile proves nothing.
func (l *lab) build(ctx context.Context, dir string) error {
	cmd := exec.CommandContext(ctx, "go", "test", "-c", "-vet=off", "-o", l.binary(dir), "./"+dir)
	cmd.Dir, cmd.Env = l.module, append(os.Environ(), "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("the mutants do not compile; put the list right:\n%s", out)
	}
	return nil
}

func copyTo(to, from string) error {
	info, err := os.Stat(from)
	if err != nil {
		return err
	}
	if info.IsDir() {
		return os.CopyFS(to, os.DirFS(from))
	}
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	return os.WriteFile(to, data, 0o600)
}

func (l *lab) close() { _ = os.RemoveAll(l.dir) }

// result is what has become of a mutant.
type result struct {
	mutant
	red  string // the test, or why there is none
	bad  bool   // it is not as it should be
	took time.Duration
}

func (r result) String() string {
	red := r.red
	if r.bad {
		red = "**" + red + "**"
	}
	return fmt.Sprintf("| `%s` | %s | %s | %.0f |", strings.ReplaceAll(r.name, "|", `\|`), r.place, red, r.took.Seconds())
}

// all tries mutants, some at a time, and hands out what becomes of them.
func (l *lab) all(ctx context.Context, mutants []mutant, jobs int) iter.Seq[result] {
	todo := make(chan mutant, len(mutants))
	for _, m := range mutants {
		todo <- m
	}
	close(todo)
	results := make(chan result)
	var workers sync.WaitGroup
	for range max(1, jobs) {
		workers.Go(func() {
			for m := range todo {
				if ctx.Err() == nil {
					results <- l.try(ctx, m)
				}
			}
		})
	}
	go func() {
		workers.Wait()
		close(results)
	}()
	return func(yield func(result) bool) {
		for r := range results {
			if !yield(r) {
				return
			}
		}
	}
}

// try runs the tests on a mutant until one turns red.
func (l *lab) try(ctx context.Context, m mutant) result {
	begun := time.Now()
	red, err := "", error(nil)
	for _, s := range stages(m) {
		if red, err = l.test(ctx, m, s); red != "" || err != nil {
			break
		}
	}
	r := result{mutant: m, red: red, took: time.Since(begun)}
	switch {
	case err != nil:
		r.red, r.bad = err.Error(), true
	case red != "" && m.redundant != "":
		r.red, r.bad = red+", though it is said: "+m.redundant, true
	case red == "" && m.redundant == "":
		r.red, r.bad = "none: it lives", true
	case red == "":
		r.red = "none: " + m.redundant
	}
	return r
}

// stage is some tests of a package.
type stage struct {
	dir       string
	run, skip string
	limit     time.Duration
}

// stages returns the tests to run, the likeliest to turn red first.
func stages(m mutant) []stage {
	const all = "."
	list := []stage{
		{"persist", all, slow, 3 * time.Minute},
		{"store", all, slow, 3 * time.Minute},
		{"persist", slow, "", 10 * time.Minute},
	}
	if m.dir == "store" {
		list[0], list[1] = list[1], list[0]
	}
	if m.first == "" {
		return list
	}
	var first []stage
	for run := range strings.SplitSeq(m.first, ", ") {
		for _, s := range list[:2] {
			first = append(first, stage{s.dir, "^(" + run + ")", "", time.Minute})
		}
	}
	return append(first, list...)
}

var (
	failed = regexp.MustCompile(`(?m)^--- FAIL: (\w+)`)
	hung   = regexp.MustCompile(`(?m)^panic: test timed out after .*\n\s*running tests:\n\s*(\w+)`)
)

// test runs tests on a mutant, and returns one that is red, or "".
func (l *lab) test(ctx context.Context, m mutant, s stage) (red string, err error) {
	args := []string{"-test.run=" + s.run, "-test.skip=" + s.skip, "-test.timeout=" + s.limit.String(), "-test.short", "-test.failfast"}
	if s.dir == "persist" {
		args = append(args, "-crash-points=2000")
	}
	cmd := exec.CommandContext(ctx, l.binary(s.dir), args...)
	cmd.Dir, cmd.Env = filepath.Join(l.module, s.dir), append(os.Environ(), fmt.Sprintf("%s=%d", switchName, m.number))
	out, err := cmd.CombinedOutput()
	switch {
	case err == nil:
		return "", nil
	case ctx.Err() != nil:
		return "", ctx.Err()
	}
	if found := hung.FindSubmatch(out); found != nil {
		return string(found[1]) + ", which does not end", nil
	}
	if found := failed.FindSubmatch(out); found != nil {
		return string(found[1]), nil
	}
	if strings.Contains(string(out), "panic: ") || strings.Contains(string(out), "fatal error: ") {
		return "a panic", nil
	}
	return "", fmt.Errorf("%w: %s", err, out)
}
