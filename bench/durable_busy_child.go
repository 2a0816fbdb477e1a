package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// keepBusy writes to a file and syncs it, until its standard input ends. It tells
// when it is under way, and returns the bytes per second.
func keepBusy(name string) (perSecond float64, err error) {
	file, err := os.Create(filepath.Clean(name))
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	ended := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // an end is an end
		close(ended)
	}()
	const (
		perSync = 8 << 20
		most    = 512 << 20
	)
	block := make([]byte, 1<<20)
	for i := range block {
		block[i] = byte(i * 7)
	}
	start := time.Now()
	for n := 0; ; {
		select {
		case <-ended:
			return float64(n) / time.Since(start).Seconds(), nil
		default:
		}
		if _, err := file.Write(block); err != nil {
			return 0, err
		}
		n += len(block)
		if n%perSync != 0 {
			continue
		}
		if err := file.Sync(); err != nil {
			return 0, err
		}
		if n == perSync {
			fmt.Println("under way")
		}
		if n%most == 0 {
			if _, err = file.Seek(0, io.SeekStart); err == nil {
				err = file.Truncate(0)
			}
			if err != nil {
				return 0, err
			}
		}
	}
}
