//go:build unix && !solaris && !illumos && !aix

package persist

import (
	"errors"
	"io"
	"os"
	"strconv"
	"syscall"
)

const canSyncDir = true

// lockFile takes the lock of the named file without waiting and notes the
// process's id in it, for people who wonder who has it. The lock goes with the
// process, however that ends.
func lockFile(name string) (io.Closer, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := flock(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if err := errors.Join(f.Truncate(0), writeString(f, strconv.Itoa(os.Getpid())+"\n")); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return heldLock{f}, nil
}

// heldLock is a file whose lock this process has.
type heldLock struct{ *os.File }

// Close gives the lock back. Closing the file alone would not: a child that the
// process is just starting may have it open still.
func (l heldLock) Close() error {
	return errors.Join(os.NewSyscallError("flock", syscall.Flock(int(l.Fd()), syscall.LOCK_UN)), l.File.Close())
}

func flock(f *os.File) error {
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, syscall.EINTR):
		case errors.Is(err, syscall.EWOULDBLOCK):
			return errLocked
		default:
			return os.NewSyscallError("flock", err)
		}
	}
}

func writeString(f *os.File, s string) error {
	_, err := f.WriteString(s)
	return err
}
