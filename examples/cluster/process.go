package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// startRedis starts a server that nobody else knows of.
func startRedis(ctx context.Context) (socket string, stop func(), err error) {
	dir, err := os.MkdirTemp("", "shop")
	if err != nil {
		return "", nil, err
	}
	socket = filepath.Join(dir, "redis.sock")
	server := exec.Command("redis-server", "--dir", dir, "--port", "0", "--unixsocket", socket, "--save", "", "--daemonize", "no")
	if err := server.Start(); err != nil {
		return "", nil, errors.Join(err, os.RemoveAll(dir))
	}
	stop = func() {
		_ = server.Process.Kill()
		_ = server.Wait() // it was killed
		_ = os.RemoveAll(dir)
	}
	if err := waitFor(ctx, socket); err != nil {
		stop()
		return "", nil, err
	}
	return socket, stop, nil
}

func waitFor(ctx context.Context, socket string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	for {
		conn, err := net.Dial("unix", socket)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("redis-server does not answer: %w", err)
		}
	}
}

// node is a process of the shop.
type node struct {
	name    string
	address string
	process *exec.Cmd
	alive   io.Closer // as long as this is open
}

// startNode starts this program again, as a node.
func startNode(name, socket string) (*node, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	n := &node{name: name, process: exec.Command(self, "-node", socket)}
	n.process.Stderr = os.Stderr
	if n.alive, err = n.process.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := n.process.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := n.process.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return nil, fmt.Errorf("%s does not start: %w", name, errors.Join(err, n.process.Wait()))
	}
	n.address = strings.TrimSpace(line)
	return n, nil
}

// kill is kill -9.
func (n *node) kill() error {
	err := n.process.Process.Kill()
	_ = n.process.Wait() // it was killed
	return err
}

// stop ends the node, if it was not killed.
func (n *node) stop() {
	_ = n.alive.Close() // it may have gone with the process
	_ = n.process.Wait()
}
