package persist

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
)

// Errors of opening what is on disk, or of importing it. They come wrapped,
// with the file and what to do: match them with errors.Is.
var (
	// ErrCorrupt: what is in the file is not what was written to it. The
	// error names the file and the offset of the first damage.
	ErrCorrupt = errors.New("persist: damaged")
	// ErrVersion: the file has a format that this version can't read.
	ErrVersion = errors.New("persist: unknown format version")
	// ErrCodecMismatch: the file was written with another codec.
	ErrCodecMismatch = errors.New("persist: written with another codec")
	// ErrTypeMismatch: the file holds keys or values of other types.
	ErrTypeMismatch = errors.New("persist: holds other types")
	// ErrInUse: the folder is open in another store, of this process or
	// another one.
	ErrInUse = errors.New("persist: folder is in use")
	// ErrForeign: the folder holds files that are not a store's.
	ErrForeign = errors.New("persist: folder is not a store's")
)

// within returns err with what was being done in front of it, and the package's name once.
func within(err error, doing string, args ...any) error {
	return &withinError{fmt.Sprintf(doing, args...), err}
}

type withinError struct {
	doing string
	err   error
}

func (e *withinError) Error() string {
	return "persist: " + e.doing + ": " + strings.TrimPrefix(e.err.Error(), "persist: ")
}

func (e *withinError) Unwrap() error { return e.err }

// inFolder is within for what was done in a folder: it says what to do, too.
func inFolder(err error, doing string, args ...any) error {
	return within(advised(err), doing, args...)
}

// advised returns an error of the system's about a folder with what to do, once:
// where folders are handled, some of those who tell it call others.
func advised(err error) error {
	var already *advisedError
	switch {
	case errors.As(err, &already):
		return err
	case errors.Is(err, fs.ErrPermission):
		return &advisedError{err, "run it as the user that the folder belongs to"}
	case errors.Is(err, syscall.ENOTDIR):
		return &advisedError{err, "a file stands where a folder should be: check the path"}
	}
	return err
}

type advisedError struct {
	err    error
	advice string
}

func (e *advisedError) Error() string { return e.err.Error() + "; " + e.advice }

func (e *advisedError) Unwrap() error { return e.err }

func corrupt(file string, offset int64, format string, args ...any) error {
	return fmt.Errorf("%w: %s at byte %d: %s", ErrCorrupt, file, offset, fmt.Sprintf(format, args...))
}
