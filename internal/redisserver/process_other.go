//go:build !linux

package testenv

import "syscall"

func diesWithParent() *syscall.SysProcAttr { return nil }
