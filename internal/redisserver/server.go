// Package redisserver starts a redis-server for a test or a benchmark: on a socket in a
// folder of its own, so that nobody else finds it. It keeps nothing on disk.
package redisserver

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

// Server is a redis-server that runs.
type Server struct {
	Dir    string // its folder
	Socket string // the path of the socket that it listens on

	process *exec.Cmd
}

// Start starts a server, with the arguments given besides, and returns once it
// answers. Whoever starts it stops it.
func Start(ctx context.Context, args ...string) (*Server, error) {
	dir, err := os.MkdirTemp("", "rs") // a socket's path must be short
	if err != nil {
		return nil, err
	}
	s := &Server{Dir: dir, Socket: filepath.Join(dir, "s")}
	s.process = exec.Command("redis-server", append([]string{
		"--dir", dir, "--port", "0", "--unixsocket", s.Socket, "--save", "", "--daemonize", "no", "--loglevel", "warning",
	}, args...)...)
	s.process.SysProcAttr = diesWithParent()
	if err := s.process.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("%w (it is in Debian's package redis-server)", err), os.RemoveAll(dir))
	}
	if err := s.answer(ctx); err != nil {
		s.Stop()
		return nil, err
	}
	return s, nil
}

// answer waits until the server does.
func (s *Server) answer(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		conn, err := net.Dial("unix", s.Socket)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("redis-server does not answer: %w", err)
		}
	}
}

// Stop ends the server, and removes its folder.
func (s *Server) Stop() {
	_ = s.process.Process.Kill() // it may be dead already
	_ = s.process.Wait()         // it was killed
	_ = os.RemoveAll(s.Dir)      // it is only left over
}
