package persist

import (
	"errors"
	"os"
	"runtime/debug"
	"syscall"
)

// MappedFile is a [File] that can be written through memory too, which takes no
// call of the system.
type MappedFile interface {
	File
	// Map returns the n bytes of the file from off on, which it extends by
	// zeros if need be; off and n are multiples of the page size. There is
	// room for them on the disk from then on, or else an error. What is
	// written to them is in the file at once, and Sync makes it durable.
	Map(off int64, n int) ([]byte, error)
	// Unmap gives back what Map has returned.
	Unmap([]byte) error
	// Truncate cuts the file to its size.
	Truncate(size int64) error
}

// windows writes to the end of a file through a window of memory that moves on.
// Windows double in size: a small journal takes little room.
type windows struct {
	file  MappedFile
	whole []byte // the window
	free  []byte // the rest of it
	end   int64  // where it ends, in the file
	size  int    // of the next one

	// ahead hands over the next window, which is being made while the one
	// before fills up; nil = not yet.
	ahead chan window
}

type window struct {
	mem []byte
	err error
}

// largestWindow is so large that the next one is ready in time.
const largestWindow = 4 << 20

// newWindows begins behind what was written to the file already.
func newWindows(file MappedFile, written int) (*windows, error) {
	page := os.Getpagesize()
	w := &windows{file: file, size: (written/page + 1) * page}
	if err := w.move(); err != nil {
		return nil, err
	}
	w.free = w.free[written:]
	return w, nil
}

func (w *windows) write(b []byte) error {
	for {
		n, err := copyMapped(w.free, b)
		if err != nil {
			return err
		}
		w.free, b = w.free[n:], b[n:]
		if w.ahead == nil && len(w.free) < len(w.whole)/2 {
			w.look()
		}
		if len(b) == 0 {
			return nil
		}
		if err := w.move(); err != nil {
			return err
		}
	}
}

// look has the next window made.
func (w *windows) look() {
	w.ahead = make(chan window, 1)
	off, size, to := w.end, w.size, w.ahead
	go func() {
		mem, err := w.open(off, size)
		to <- window{mem, err}
	}()
}

// move goes on to the next window.
func (w *windows) move() error {
	if w.ahead == nil {
		w.look()
	}
	next := <-w.ahead
	w.ahead = nil
	if next.err != nil {
		return next.err
	}
	last := w.whole
	w.whole, w.free = next.mem, next.mem
	w.end += int64(len(next.mem))
	w.size = min(2*len(next.mem), largestWindow)
	if last == nil {
		return nil
	}
	return w.file.Unmap(last)
}

// open makes a window, a smaller one if the disk has no room for more. It touches
// every page, which can take many times as long as writing to it again.
func (w *windows) open(off int64, size int) ([]byte, error) {
	for {
		mem, err := w.file.Map(off, size)
		if half := size / 2; errors.Is(err, syscall.ENOSPC) && half >= os.Getpagesize() {
			size = half
			continue
		}
		for i := os.Getpagesize(); err == nil && i < len(mem); i += os.Getpagesize() {
			_, err = copyMapped(mem[i:], []byte{0})
		}
		return mem, err
	}
}

// close gives the windows back.
func (w *windows) close() error {
	err := w.file.Unmap(w.whole)
	if w.ahead != nil {
		if next := <-w.ahead; next.err == nil {
			err = errors.Join(err, w.file.Unmap(next.mem))
		}
	}
	return err
}

// copyMapped is copy into mapped memory, which faults if the disk fails or the
// file has been cut.
func copyMapped(to, from []byte) (n int, err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if v := recover(); v != nil {
			err = errors.New("the file can't be written any more (a fault in the memory mapped to it)")
		}
	}()
	return copy(to, from), nil
}
