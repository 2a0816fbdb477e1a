package main

import (
	"io"
	"math"
	"os"
	"path/filepath"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/latchkey-go/latchkey/persist"
)

func isTerminal(w any) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// meter shows on standard error how much has been read.
type meter struct {
	bar  *progressbar.ProgressBar
	left int64 // until the bar is one byte short of full: full, it would stay in the way
}

// newMeter returns a meter for so many bytes; -1 = unknown.
func (t *tool) newMeter(total int64) *meter {
	bar := progressbar.NewOptions64(total,
		progressbar.OptionSetWriter(t.stderr),
		progressbar.OptionSetDescription("reading"),
		progressbar.OptionShowBytes(true),
		progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionClearOnFinish(),
	)
	if total < 0 {
		return &meter{bar, math.MaxInt64}
	}
	return &meter{bar, total - 1}
}

// add counts bytes. A bar that fails to show them is no reason to fail.
func (m *meter) add(n int) {
	n = int(min(int64(n), m.left))
	m.left -= int64(n)
	_ = m.bar.Add(n)
}

// done removes the bar.
func (m *meter) done() { _ = m.bar.Finish() }

// metered returns the file system with a progress bar for what is read of the files
// in dir, so many times over, if somebody is looking.
func (t *tool) metered(under persist.FS, dir string, passes int64) (fsys persist.FS, done func()) {
	if !isTerminal(t.stderr) {
		return under, func() {}
	}
	m := t.newMeter(max(1, passes*sizeOf(under, dir)))
	return meteredFS{under, m}, m.done
}

// sizeOf returns about how many bytes there are in a folder.
func sizeOf(fsys persist.FS, dir string) (total int64) {
	entries, _ := fsys.ReadDir(dir) // whoever reads them tells the error
	for _, e := range entries {
		if info, err := fsys.Stat(filepath.Join(dir, e.Name())); err == nil && !info.IsDir() {
			total += info.Size()
		}
	}
	return total
}

type meteredFS struct {
	persist.FS
	meter *meter
}

func (m meteredFS) Open(name string) (persist.File, error) {
	f, err := m.FS.Open(name)
	if err != nil {
		return nil, err
	}
	return meteredFile{f, m.meter}, nil
}

type meteredFile struct {
	persist.File
	meter *meter
}

func (m meteredFile) Read(b []byte) (int, error) {
	n, err := m.File.Read(b)
	m.meter.add(n)
	return n, err
}

// meteredReader returns in with a progress bar, if somebody is looking. The size is
// in bytes; -1 = unknown.
func (t *tool) meteredReader(in io.Reader, size int64) (r io.Reader, done func()) {
	if !isTerminal(t.stderr) {
		return in, func() {}
	}
	m := t.newMeter(size)
	return io.TeeReader(in, m), m.done
}

// Write counts what is read.
func (m *meter) Write(b []byte) (int, error) {
	m.add(len(b))
	return len(b), nil
}

// counter shows on standard error how many steps are done, if somebody is looking.
type counter struct {
	t    *tool
	show bool
	bar  *progressbar.ProgressBar // nil until there is something to show
}

func (t *tool) newCounter() *counter { return &counter{t: t, show: isTerminal(t.stderr)} }

// to shows that so many steps are done, of so many; 0 = unknown.
func (c *counter) to(done, total int) {
	if !c.show {
		return
	}
	if c.bar == nil {
		if total == 0 {
			total = -1
		}
		c.bar = progressbar.NewOptions(total,
			progressbar.OptionSetWriter(c.t.stderr),
			progressbar.OptionSetDescription("copying"),
			progressbar.OptionShowCount(),
			progressbar.OptionThrottle(100*time.Millisecond),
			progressbar.OptionClearOnFinish(),
		)
	}
	_ = c.bar.Set(done) // a bar that fails to show it is no reason to fail
}

// done removes the bar.
func (c *counter) done() {
	if c.bar != nil {
		_ = c.bar.Finish()
	}
}
