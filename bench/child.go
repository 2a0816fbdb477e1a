package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

// Some things are done by processes of their own, which are this program started
// again with -child: a cache that is raced has its own garbage to collect and no other's, a
// restore begins with nothing in memory, a kill ends a process, and a disk is kept busy by
// somebody else.

// children is what they can do. What they return goes to the process that started
// them.
var children = map[string]func(args []string) (any, error){
	"race":    func(args []string) (any, error) { return nil, raceFor(args) },
	"busy":    func(args []string) (any, error) { return keepBusy(args[0]) },
	"fill":    func(args []string) (any, error) { return nil, fillFolder(args) },
	"stream":  func(args []string) (any, error) { return nil, writeStream(args) },
	"decode":  func(args []string) (any, error) { return decodeStream(args) },
	"restore": func(args []string) (any, error) { return restoreFolder(args) },
}

func beChild(what string, args []string) error {
	do, ok := children[what]
	if !ok {
		return fmt.Errorf("a child does not do %q", what)
	}
	result, err := do(args)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return json.NewEncoder(os.Stdout).Encode(result)
}

// childProcess is one that runs.
type childProcess struct {
	cmd   *exec.Cmd
	in    io.WriteCloser // closed, it tells the child to end
	out   *bufio.Reader
	error strings.Builder
	kill  func() error
}

// startChild starts a child, which ends when its standard input does, or when it is done.
func startChild(what string, args ...string) (*childProcess, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	c := &childProcess{cmd: exec.Command(self, append([]string{"-child", what}, args...)...)}
	c.cmd.Stderr = &c.error
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	c.out = bufio.NewReader(out)
	if err := c.cmd.Start(); err != nil {
		return nil, err
	}
	c.kill = func() error {
		if err := c.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
			return err
		}
		return nil
	}
	return c, nil
}

// startChild has the child killed when the run ends, however it does.
func (d *durable) startChild(what string, args ...string) (*childProcess, error) {
	c, err := startChild(what, args...)
	if err == nil {
		c.kill = d.atEnd(c.kill)
	}
	return c, err
}

// wait returns the state of a child once it has ended, and takes in its result.
func (c *childProcess) wait(result any) error {
	out, err := io.ReadAll(c.out)
	err = errors.Join(err, c.cmd.Wait())
	if err == nil && result != nil {
		err = json.Unmarshal(out, result)
	}
	if err != nil {
		return fmt.Errorf("%w: %s", err, strings.TrimSpace(c.error.String()))
	}
	return nil
}

// runChild has a child do something, and waits for it.
func (d *durable) runChild(result any, what string, args ...string) error {
	c, err := d.startChild(what, args...)
	if err != nil {
		return err
	}
	return c.wait(result)
}

// killSelf ends this process as a crash would.
func killSelf() error {
	self, err := os.FindProcess(os.Getpid())
	if err != nil {
		return err
	}
	if err := self.Kill(); err != nil {
		return err
	}
	select {} // until the system gets to it
}
