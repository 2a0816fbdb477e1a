package scsstore_test

import "syscall"

// diesWithParent has a server not outlive tests that are killed.
func diesWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
