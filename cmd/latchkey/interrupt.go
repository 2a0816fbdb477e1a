package main

import (
	"context"
	"errors"
	"io"

	"github.com/latchkey-go/latchkey/persist"
)

// errInterrupted is what becomes of a command that a signal has ended.
var errInterrupted = errors.New("interrupted")

// stoppableFS is a file system whose files can be read as long as stopped returns
// nil, whoever reads them.
type stoppableFS struct {
	persist.FS
	stopped func() error
}

func (s stoppableFS) Open(name string) (persist.File, error) {
	f, err := s.FS.Open(name)
	if err != nil {
		return nil, err
	}
	return stoppableFile{f, s.stopped}, nil
}

type stoppableFile struct {
	persist.File
	stopped func() error
}

func (f stoppableFile) Read(b []byte) (int, error) {
	if err := f.stopped(); err != nil {
		return 0, err
	}
	return f.File.Read(b)
}

// stoppableReader returns in, to be read until ctx ends, even while it waits for
// more to come: from a pipe, or from somebody at a keyboard. The goroutine then
// waits on, until the process ends.
func stoppableReader(ctx context.Context, in io.Reader) io.Reader {
	r, w := io.Pipe()
	go func() {
		_, err := io.Copy(w, in)
		w.CloseWithError(err)
	}()
	context.AfterFunc(ctx, func() { w.CloseWithError(ctx.Err()) })
	return r
}
