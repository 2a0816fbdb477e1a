package persist

import (
	"os"
	"syscall"
)

func (f osFile) Map(off int64, n int) ([]byte, error) {
	for {
		err := syscall.Fallocate(int(f.Fd()), 0, off, int64(n))
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			return nil, os.NewSyscallError("fallocate", err)
		}
		break
	}
	mem, err := syscall.Mmap(int(f.Fd()), off, n, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	if err == syscall.ENODEV { // a file system without
		err = syscall.ENOTSUP
	}
	return mem, os.NewSyscallError("mmap", err)
}

func (f osFile) Unmap(mem []byte) error { return os.NewSyscallError("munmap", syscall.Munmap(mem)) }
