// Package usercode runs what users have written, codecs above all: a panic of it
// becomes an error, and an error of it never shows what it was about.
package usercode

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
)

// Contain runs f and returns its panic as an error.
func Contain(f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &panicError{v}
		}
	}()
	return f()
}

type panicError struct{ value any }

func (e *panicError) Error() string { return fmt.Sprintf("panic of type %T", e.value) }

func (e *panicError) Unwrap() error {
	err, _ := e.value.(error)
	return err
}

// CodecError is what a codec's failure on a key or a value comes wrapped in. Its
// text leaves out the codec's own, which may quote what it choked on, unless that says that
// it does not.
type CodecError struct {
	Package string // whose error it is
	What    string // what the codec can't do: "encode the key"
	Cause   error
}

func (e *CodecError) Error() string {
	var plain interface {
		error
		QuotesNothing()
	}
	if errors.As(e.Cause, &plain) {
		return fmt.Sprintf("%s: codec can't %s: %v", e.Package, e.What, plain)
	}
	return fmt.Sprintf("%s: codec can't %s (%T, whose text may quote it: errors.As gives it)", e.Package, e.What, e.Cause)
}

func (e *CodecError) Unwrap() error { return e.Cause }

// FolderError is what an error about the content of a folder comes wrapped in, such as
// that a codec can't decode it: who has several folders is told which one.
type FolderError struct {
	Package string // whose error it is
	Dir     string
	Cause   error
}

func (e *FolderError) Error() string {
	return e.Package + ": folder " + e.Dir + ": " + strings.TrimPrefix(e.Cause.Error(), e.Package+": ")
}

func (e *FolderError) Unwrap() error { return e.Cause }

// Marshal encodes a value.
func Marshal[T any](c interface{ Marshal(v any) ([]byte, error) }, value T) (data []byte, err error) {
	var v any = value
	if reflect.TypeFor[T]().Kind() == reflect.Interface {
		v = &value // or else the codec would not see that it is one
	}
	err = Contain(func() (err error) {
		data, err = c.Marshal(v)
		return err
	})
	if err != nil {
		return nil, err
	}
	return data, nil
}
