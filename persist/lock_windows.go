package persist

import (
	"errors"
	"os"
	"syscall"
)

// canSyncDir is false: NTFS journals names itself and folders can't be synced.
const canSyncDir = false

// openToSync opens a file to be read; flushing its buffers asks for the right to
// write.
const openToSync = os.O_RDWR

// removed is false: a file that is open can't be removed.
func removed(os.FileInfo) bool { return false }

// lockFile opens the named file so that nobody else can while it is open. The
// lock goes with the process, however that ends.
func lockFile(name string) (FileLock, error) {
	path, err := syscall.UTF16PtrFromString(name)
	if err != nil {
		return nil, err
	}
	const noSharing = 0
	h, err := syscall.CreateFile(path, syscall.GENERIC_READ|syscall.GENERIC_WRITE, noSharing, nil,
		syscall.OPEN_ALWAYS, syscall.FILE_ATTRIBUTE_NORMAL, 0)
	const sharingViolation = syscall.Errno(32)
	if errors.Is(err, sharingViolation) {
		return nil, ErrInUse
	}
	if err != nil {
		return nil, os.NewSyscallError("CreateFile", err)
	}
	return heldLock{os.NewFile(uintptr(h), name)}, nil
}

// heldLock is a file that nobody else can open, move or remove.
type heldLock struct{ *os.File }

func (heldLock) Held() error { return nil }
