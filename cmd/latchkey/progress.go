package main

import (
	"io"
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

// bar returns a progress bar on standard error.
func (t *tool) bar(total int64, doing string) *progressbar.ProgressBar {
	return progressbar.NewOptions64(total,
		progressbar.OptionSetWriter(t.stderr),
		progressbar.OptionSetDescription(doing),
		progressbar.OptionShowBytes(true),
		progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionClearOnFinish(),
	)
}

// metered returns the file system with a progress bar for what is read of the files
// in dir, so many times over, if somebody is looking.
func (t *tool) metered(under persist.FS, dir, doing string, passes int64) (fsys persist.FS, done func()) {
	if !isTerminal(t.stderr) {
		return under, func() {}
	}
	bar := t.bar(max(1, passes*sizeOf(under, dir)), doing)
	return meteredFS{under, bar}, func() { _ = bar.Finish() } // a bar that fails to show is no reason to fail
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
	bar *progressbar.ProgressBar
}

func (m meteredFS) Open(name string) (persist.File, error) {
	f, err := m.FS.Open(name)
	if err != nil {
		return nil, err
	}
	return meteredFile{f, m.bar}, nil
}

type meteredFile struct {
	persist.File
	bar *progressbar.ProgressBar
}

func (m meteredFile) Read(b []byte) (int, error) {
	n, err := m.File.Read(b)
	_ = m.bar.Add(n)
	return n, err
}

// meteredReader returns in with a progress bar, if somebody is looking.
func (t *tool) meteredReader(in io.Reader, size int64, doing string) (r io.Reader, done func()) {
	if !isTerminal(t.stderr) {
		return in, func() {}
	}
	bar := t.bar(size, doing) // -1 = unknown
	read := progressbar.NewReader(in, bar)
	return &read, func() { _ = bar.Finish() }
}
