package main

import (
	"context"
	"encoding/json"
	"errors"
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

// lab is a copy of the module to try mutants on.
type lab struct {
	dir    string // temporary, with the copy and what is built
	module string // the copy
}

// newLab copies the module, so that the source may be worked on meanwhile.
func newLab() (*lab, error) {
	dir, err := os.MkdirTemp("", "mutants-")
	if err != nil {
		return nil, err
	}
	l := &lab{dir: dir, module: filepath.Join(dir, "module")}
	for _, name := range []string{"go.mod", "go.sum", "persist", "store", "storetest", "internal"} {
		if err = copyTo(filepath.Join(l.module, name), name); err != nil {
			return nil, errors.Join(err, os.RemoveAll(dir))
		}
	}
	return l, nil
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
	todo := make(chan int, len(mutants))
	for i := range mutants {
		todo <- i
	}
	close(todo)
	results := make(chan result)
	var workers sync.WaitGroup
	for range max(1, jobs) {
		workers.Go(func() {
			for i := range todo {
				if ctx.Err() == nil {
					results <- l.try(ctx, mutants[i], filepath.Join(l.dir, fmt.Sprint(i)))
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

// try runs the tests of a mutant until one turns red. What is built goes to temp.
func (l *lab) try(ctx context.Context, m mutant, temp string) result {
	begun := time.Now()
	red, err := l.firstRed(ctx, m, temp)
	_ = os.RemoveAll(temp)
	r := result{mutant: m, red: red, took: time.Since(begun)}
	switch {
	case err != nil:
		r.red, r.bad = err.Error(), true
	case red != "" && m.redundant != "":
		r.red, r.bad = red+" is red, though it is said to be redundant: "+m.redundant, true
	case red == "" && m.redundant == "":
		r.red, r.bad = "none: it lives", true
	case red == "":
		r.red = "none: " + m.redundant
	}
	return r
}

func (l *lab) firstRed(ctx context.Context, m mutant, temp string) (string, error) {
	if err := os.Mkdir(temp, 0o700); err != nil {
		return "", err
	}
	overlay, err := l.overlay(m, temp)
	if err != nil {
		return "", err
	}
	for _, s := range stages(m) {
		binary := filepath.Join(temp, s.dir+".test")
		if _, err := os.Stat(binary); err != nil {
			if err := l.build(ctx, binary, s.dir, overlay); err != nil {
				return "", err
			}
		}
		if red, err := l.test(ctx, binary, s); red != "" || err != nil {
			return red, err
		}
	}
	return "", nil
}

// overlay writes what is changed, and the file that tells the go command so.
func (l *lab) overlay(m mutant, temp string) (name string, err error) {
	replace := make(map[string]string)
	for file, text := range m.files {
		changed := filepath.Join(temp, strings.ReplaceAll(file, "/", "-"))
		replace[filepath.Join(l.module, filepath.FromSlash(file))] = changed
		if err := os.WriteFile(changed, text, 0o600); err != nil {
			return "", err
		}
	}
	data, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	name = filepath.Join(temp, "overlay.json")
	return name, os.WriteFile(name, data, 0o600)
}

func (l *lab) build(ctx context.Context, binary, dir, overlay string) error {
	cmd := exec.CommandContext(ctx, "go", "test", "-c", "-vet=off", "-ldflags=-s -w", "-overlay="+overlay, "-o", binary, "./"+dir)
	cmd.Dir, cmd.Env = l.module, append(os.Environ(), "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("it does not compile, which proves nothing: %s", strings.Join(strings.Fields(string(out)), " "))
	}
	return nil
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
	if m.first != "" {
		list = append([]stage{{list[0].dir, m.first, "", 3 * time.Minute}}, list...)
	}
	return list
}

var failed = regexp.MustCompile(`(?m)^--- FAIL: (\w+)`)

// test runs tests, and returns one that is red, or "".
func (l *lab) test(ctx context.Context, binary string, s stage) (red string, err error) {
	args := []string{"-test.run=" + s.run, "-test.skip=" + s.skip, "-test.timeout=" + s.limit.String(), "-test.short", "-test.failfast"}
	if s.dir == "persist" {
		args = append(args, "-crash-points=2000")
	}
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Dir = filepath.Join(l.module, s.dir)
	out, err := cmd.CombinedOutput()
	switch {
	case err == nil:
		return "", nil
	case ctx.Err() != nil:
		return "", ctx.Err()
	case strings.Contains(string(out), "panic: test timed out"):
		return "", fmt.Errorf("the tests %q of %s did not end within %v", s.run, s.dir, s.limit)
	}
	if found := failed.FindSubmatch(out); found != nil {
		return string(found[1]), nil
	}
	if strings.Contains(string(out), "panic: ") || strings.Contains(string(out), "fatal error: ") {
		return "a panic", nil
	}
	return "", fmt.Errorf("%w: %s", err, out)
}
