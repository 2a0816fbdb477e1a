package testenv

import "syscall"

// diesWithParent has a process not outlive tests that are killed.
func diesWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
