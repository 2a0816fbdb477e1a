//go:build !linux

package scsstore_test

import "syscall"

// diesWithParent is more than this system can do.
func diesWithParent() *syscall.SysProcAttr { return nil }
