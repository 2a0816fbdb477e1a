package redisserver

import "syscall"

// diesWithParent has a process not outlive the one that has started it.
func diesWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
