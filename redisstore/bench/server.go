package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// startRedis starts a server that keeps nothing on disk.
func startRedis(ctx context.Context) (socket string, stop func(), err error) {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return "", nil, err
	}
	socket = filepath.Join(dir, "redis.sock")
	server := exec.Command("redis-server", "--dir", dir, "--port", "0", "--unixsocket", socket, "--save", "", "--daemonize", "no")
	if err := server.Start(); err != nil {
		return "", nil, errors.Join(fmt.Errorf("%w (it is in Debian's package redis-server)", err), os.RemoveAll(dir))
	}
	stop = func() {
		_ = server.Process.Kill()
		_ = server.Wait() // it was killed
		_ = os.RemoveAll(dir)
	}
	patience, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	for {
		conn, err := net.Dial("unix", socket)
		if err == nil {
			return socket, stop, conn.Close()
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-patience.Done():
			stop()
			return "", nil, fmt.Errorf("redis-server does not answer: %w", err)
		}
	}
}
