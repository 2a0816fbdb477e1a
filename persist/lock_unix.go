//go:build unix && !solaris && !illumos && !aix

package persist

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"
)

const canSyncDir = true

// openToSync opens a file to be read; fsync asks for no more.
const openToSync = os.O_RDONLY

// removed reports whether a file has no name any more.
func removed(info os.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && stat.Nlink == 0
}

// lockFile takes the lock of the named file without waiting and notes the
// process's id in it, for people who wonder who has it. The lock goes with the
// process, however that ends.
func lockFile(name string) (FileLock, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := flock(f); err != nil {
		if errors.Is(err, ErrInUse) {
			err = inUse(f)
		}
		return nil, errors.Join(err, f.Close())
	}
	if err := errors.Join(f.Truncate(0), writeString(f, strconv.Itoa(os.Getpid())+"\n")); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return heldLock{f}, nil
}

// inUse is ErrInUse with the id of the process that has the lock, if it has
// noted that by now.
func inUse(f *os.File) error {
	note, err := io.ReadAll(io.LimitReader(f, 20))
	pid, parseErr := strconv.Atoi(strings.TrimSpace(string(note)))
	if err != nil || parseErr != nil {
		return ErrInUse
	}
	return fmt.Errorf("%w by process %d", ErrInUse, pid)
}

// heldLock is a file whose lock this process has.
type heldLock struct{ *os.File }

// Close gives the lock back. Closing the file alone would not: a child that the
// process is just starting may have it open still.
func (l heldLock) Close() error {
	return errors.Join(os.NewSyscallError("flock", syscall.Flock(int(l.Fd()), syscall.LOCK_UN)), l.File.Close())
}

// Held makes sure that the name still stands for the file that is locked.
func (l heldLock) Held() error {
	mine, err := l.Stat()
	if err != nil {
		return err
	}
	named, err := os.Stat(l.Name())
	if err != nil {
		return err
	}
	if !os.SameFile(mine, named) {
		return &os.PathError{Op: "lock", Path: l.Name(), Err: errors.New("another file has its name")}
	}
	return nil
}

func flock(f *os.File) error {
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, syscall.EINTR):
		case errors.Is(err, syscall.EWOULDBLOCK):
			return ErrInUse
		default:
			return os.NewSyscallError("flock", err)
		}
	}
}

func writeString(f *os.File, s string) error {
	_, err := f.WriteString(s)
	return err
}
