// Latchkey looks after the folders in which stores of package latchkey keep their
// entries: it tells what is in them, checks and dumps them, drops their journals,
// saves what is left of damaged ones, and moves them, to a server too. It needs to
// know nothing of the program that a folder belongs to.
//
// `latchkey help` lists the commands, and `latchkey help COMMAND` is their manual.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/latchkey-go/latchkey/persist"
	"github.com/latchkey-go/latchkey/store"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal kills
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// Exit statuses.
const (
	statusGood    = 0
	statusDamaged = 1
	statusUsage   = 2
	statusFailed  = 3
)

// run is main with its surroundings handed in. It returns the exit status.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	root := newRoot(&tool{stdin: stdin, stdout: stdout, stderr: stderr})
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		err = errInterrupted
	}
	if err != nil {
		// If that fails, there is nobody to tell.
		_, _ = fmt.Fprintln(stderr, "latchkey: "+text(err))
	}
	return status(err)
}

// text returns an error's text without the prefix of the package that it comes from.
func text(err error) string {
	return strings.NewReplacer("persist: ", "", "redisstore: ", "", "store: ", "").Replace(err.Error())
}

// errLost is for damage that is not an error of what was read: it has been told.
var errLost = errors.New("some of it is lost, or may be")

func status(err error) int {
	var usage *usageError
	switch {
	case err == nil:
		return statusGood
	case errors.As(err, &usage):
		return statusUsage
	case errors.Is(err, errLost), errors.Is(err, persist.ErrCorrupt), errors.Is(err, persist.ErrMixed),
		errors.Is(err, store.ErrConflict):
		return statusDamaged
	}
	return statusFailed
}

// usageError is a command line that is wrong.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error { return &usageError{fmt.Errorf(format, args...)} }
