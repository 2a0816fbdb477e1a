package main

import (
	"fmt"
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// dirs are the packages whose safeguards are taken out.
var dirs = []string{"persist", "store"}

// source is the Go files of those packages, tests aside.
type source struct {
	files map[string]string // by path, with slashes
	wraps map[string][]wrap // what all mutants put into them
}

func readModule(root string) (*source, error) {
	s := &source{files: make(map[string]string), wraps: make(map[string][]wrap)}
	for _, dir := range dirs {
		entries, err := os.ReadDir(filepath.Join(root, dir))
		if err != nil {
			return nil, fmt.Errorf("%w (run it in the folder of the module)", err)
		}
		for _, e := range entries {
			name := e.Name()
			if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
				continue
			}
			text, err := os.ReadFile(filepath.Join(root, dir, name))
			if err != nil {
				return nil, err
			}
			s.files[path.Join(dir, name)] = string(text)
		}
	}
	return s, nil
}

// found returns a mutant, or more, for each call that syncs, and for each condition
// under which damage is told.
func (s *source) found() (all []mutant, err error) {
	names := make(map[string]int)
	for _, file := range s.paths() {
		f := finder{source: s, file: file, text: s.files[file], names: names, mutants: all}
		if err := f.run(); err != nil {
			return all, err
		}
		all = f.mutants
	}
	return all, nil
}

func (s *source) paths() (paths []string) {
	for file := range s.files {
		paths = append(paths, file)
	}
	slices.Sort(paths)
	return paths
}

// finder finds the safeguards of a file.
type finder struct {
	*source
	file    string
	text    string
	names   map[string]int // how often there was a name; more often than once, it gets a number
	fset    *token.FileSet
	above   []ast.Node // the node that is looked at is the last
	done    map[ast.Expr]bool
	mutants []mutant // with those of files before
	err     error
}

func (f *finder) run() error {
	f.fset, f.done = token.NewFileSet(), make(map[ast.Expr]bool)
	tree, err := parser.ParseFile(f.fset, f.file, f.text, parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	ast.Inspect(tree, func(n ast.Node) bool {
		if n == nil {
			f.above = f.above[:len(f.above)-1]
			return true
		}
		f.above = append(f.above, n)
		f.look(n)
		return true
	})
	if f.err == nil && len(f.wraps[f.file]) > 0 {
		f.err = f.built()
	}
	return f.err
}

// built makes sure that the file is one of those that the tests of this system see.
func (f *finder) built() error {
	here := build.Default
	here.OpenFile = func(string) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(f.text)), nil }
	ok, err := here.MatchFile(path.Split(f.file))
	if err == nil && !ok {
		err = fmt.Errorf("%s has safeguards, and no test of this system sees it", f.file)
	}
	return err
}

func (f *finder) look(n ast.Node) {
	switch n := n.(type) {
	case *ast.CallExpr:
		name := called(n)
		switch {
		case strings.HasPrefix(strings.ToLower(name), "sync"):
			f.sync(n)
		case tells[name], makesErrors[name] && checks[f.function()]:
			f.check(n)
		}
	case *ast.CompositeLit:
		if id, ok := n.Type.(*ast.Ident); ok && tells[id.Name] {
			f.check(n)
		}
	}
}

// called returns the name of what is called, less what it is called on.
func called(c *ast.CallExpr) string {
	switch fun := c.Fun.(type) {
	case *ast.Ident:
		return fun.Name
	case *ast.SelectorExpr:
		return fun.Sel.Name
	}
	return ""
}

// function returns the name of the function that is looked at.
func (f *finder) function() string {
	for _, n := range f.above {
		d, ok := n.(*ast.FuncDecl)
		if !ok {
			continue
		}
		if d.Recv == nil {
			return d.Name.Name
		}
		of := d.Recv.List[0].Type
		if star, ok := of.(*ast.StarExpr); ok {
			of = star.X
		}
		if generic, ok := of.(*ast.IndexListExpr); ok {
			of = generic.X
		}
		return f.textOf(of) + "." + d.Name.Name
	}
	return ""
}

func (f *finder) textOf(n ast.Node) string {
	return f.text[f.fset.Position(n.Pos()).Offset:f.fset.Position(n.End()).Offset]
}

// sync takes out a call that syncs, and in another mutant what it says of an error.
func (f *finder) sync(call *ast.CallExpr) {
	text := f.textOf(call)
	f.add(call, "without "+text, "unless(MUTANT, func() error { return ", " })")
	f.add(call, "deaf to "+text, "deaf(MUTANT, func() error { return ", " })")
}

// check takes out the conditions under which damage is told: those of the if or the
// case around it, each for itself.
func (f *finder) check(tells ast.Node) {
	conditions := f.conditions()
	for _, c := range conditions {
		if !f.done[c] {
			f.done[c] = true
			f.add(c, "without "+f.textOf(c), "!MUTANT && (", ")")
		}
	}
	if len(conditions) == 0 && !tellers[f.function()] && !listedAt(f.file, f.textOf(tells)) {
		f.err = fmt.Errorf("%s: no condition is seen there; list.go needs a mutant that takes this out:\n%s", f.fset.Position(tells.Pos()), f.textOf(tells))
	}
}

// conditions returns those that lead to the node that is looked at; none if it is
// not to be seen.
func (f *finder) conditions() []ast.Expr {
	for i, n := range slices.Backward(f.above) {
		switch n := n.(type) {
		case *ast.IfStmt:
			if f.above[i+1] == n.Body {
				return alternatives(n.Cond)
			}
		case *ast.CaseClause:
			var all []ast.Expr
			for _, c := range n.List {
				all = append(all, alternatives(c)...)
			}
			return all
		case *ast.FuncLit, *ast.FuncDecl:
			return nil
		}
	}
	return nil
}

// alternatives takes a condition apart at each "or".
func alternatives(e ast.Expr) []ast.Expr {
	if b, ok := e.(*ast.BinaryExpr); ok && b.Op == token.LOR {
		return append(alternatives(b.X), alternatives(b.Y)...)
	}
	return []ast.Expr{e}
}

// add adds the mutant that has something in front of a node, and behind it.
func (f *finder) add(n ast.Node, what, before, after string) {
	from, end := f.fset.Position(n.Pos()).Offset, f.fset.Position(n.End()).Offset
	name := f.function() + " " + what
	if f.names[name]++; f.names[name] > 1 {
		name = fmt.Sprintf("%s (%d)", name, f.names[name])
	}
	f.mutants = append(f.mutants, mutant{name: name, place: f.place(f.file, from), dir: path.Dir(f.file)})
	f.wraps[f.file] = append(f.wraps[f.file], numbered(wrap{from, end, before, after}, len(f.mutants)))
}
