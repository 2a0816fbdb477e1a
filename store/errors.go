package store

import (
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strings"

	"github.com/latchkey-go/latchkey/internal/usercode"
)

// Errors that an operation on a key can return. Misses and refusals return
// them bare; match them with errors.Is all the same. No error's text holds a
// key or a value.
var (
	// ErrNotFound: there is no live entry for the key.
	ErrNotFound = errors.New("store: not found")
	// ErrLocked: somebody else holds a lease on the entry.
	ErrLocked = errors.New("store: locked")
	// ErrLeaseLost: the lease is over: its deadline has passed, the entry is
	// gone, or the lock was taken away. What was to be written is not.
	ErrLeaseLost = errors.New("store: lease lost")
	// ErrConflict: the entry is not what the caller expected.
	ErrConflict = errors.New("store: conflict")
	// ErrFull: there is no room, as every entry that could go is locked, or as the
	// value is heavier than MaxWeight.
	ErrFull = errors.New("store: full: what could go is locked, or the value is too heavy")
	// ErrReadOnly: the disk of the store's folder fails, so nothing can be
	// changed until it works again. It comes with the cause. Reading works.
	ErrReadOnly = errors.New("store: read-only")
	// ErrClosed: the store is closed.
	ErrClosed = errors.New("store: closed")
	// ErrInvalidKey: no entry could ever be found by the key again: it is
	// not equal to itself (NaN), can't be compared (an interface that holds
	// a slice, say), or, in a store with a folder, does not survive its codec.
	ErrInvalidKey = errors.New("store: invalid key: it is not equal to itself, can't be compared, or the codec makes another one of it")
)

var (
	errUnknown    = errors.New("store: it is not known whether the change has reached the disk; the store is read-only until that works again")
	errNoDir      = errors.New("store: memory only: Options.Persist.Dir is not set")
	errOutOfFence = errors.New("store: no fence left until a snapshot succeeds")
)

// codecError wraps a codec's failure on a key or a value.
func codecError(what string, cause error) error {
	return &usercode.CodecError{Package: "store", What: what, Cause: cause}
}

// folderError names the store's folder in an error about what is in it.
func (s *Store[K, V]) folderError(cause error) error {
	return &usercode.FolderError{Package: "store", Dir: s.o.Persist.Dir, Cause: cause}
}

// logPanic reports a panic that nobody else hears of. The panic's value may hold
// a key or a value and is left out, as are the arguments that a usual stack trace
// shows.
func logPanic(log *slog.Logger, where string, value any) {
	log.Error("latchkey: panic contained", "in", where, "type", fmt.Sprintf("%T", value), "stack", callers())
}

// callers returns the function, file and line of those who have called, one a
// line, the caller of the function that panicked among them.
func callers() string {
	const skip = 4 // runtime.Callers, callers, logPanic, the deferred function
	pcs := make([]uintptr, 32)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(skip, pcs)])
	var out strings.Builder
	for more := true; more; {
		var f runtime.Frame
		f, more = frames.Next()
		fmt.Fprintf(&out, "%s %s:%d\n", f.Function, f.File, f.Line)
	}
	return out.String()
}
