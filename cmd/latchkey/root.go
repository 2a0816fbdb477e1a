package main

import (
	"io"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
)

// tool is what the commands share.
type tool struct {
	stdin          io.Reader
	stdout, stderr io.Writer
}

const rootLong = `Latchkey looks after the folders in which stores keep their entries. It needs to
know nothing of the program that a folder belongs to: codec and types are told
by the folder itself.

DIR is the folder of a store: what its program gives as Persist.Dir. It must not
be open meanwhile: one that is is refused, with the id of the process that has
it. Nothing but compact changes DIR, and a mistyped path makes no folder. Keys
and values are shown by dump alone, values only when asked for; they are never
part of an error.

Exit status:
  0  done, and all is good
  1  the folder or file is damaged
  2  the command line is wrong
  3  could not be read or written, is in use, or is no store's`

const rootExample = `  latchkey info /var/lib/shop/sessions      what is in it
  latchkey verify /var/lib/shop/sessions    is it all right?
  latchkey help salvage                     the manual of a command`

func newRoot(t *tool) *cobra.Command {
	root := &cobra.Command{
		Use:           "latchkey",
		Short:         "Look after the folders of latchkey stores",
		Long:          rootLong,
		Example:       rootExample,
		Version:       version(),
		Args:          cobra.ArbitraryArgs,
		SilenceErrors: true,

		DisableFlagsInUseLine: true,
		SilenceUsage:          true,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				return unknownCommand(c, args[0])
			}
			return c.Help()
		},
	}
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usagef("%w; see %q", err, "latchkey help"+strings.TrimPrefix(c.CommandPath(), "latchkey"))
	})
	root.AddCommand(newInfo(t), newVerify(t), newDump(t), newCompact(t), newSalvage(t), newExport(t), newImport(t), newCopy(t))
	root.SetHelpCommand(newHelp())
	root.SetIn(t.stdin)
	root.SetOut(t.stdout)
	root.SetErr(t.stderr)
	root.InitDefaultCompletionCmd("completion") // which keeps SetOut's
	for _, c := range root.Commands() {
		if c.Name() == "completion" {
			c.Args, c.RunE = cobra.ArbitraryArgs, completion
		}
	}
	return root
}

// completion is for command lines that name none of the shells.
func completion(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usagef("there is no command %q; see \"latchkey help completion\"", "completion "+args[0])
	}
	return c.Help()
}

func newHelp() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Show the manual of a command",
		Args:  cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error {
			found, rest, err := c.Root().Find(args)
			switch {
			case err != nil, len(rest) > 0 && found == c.Root():
				return unknownCommand(c.Root(), args[0])
			case len(rest) > 0:
				return usagef("%q is one argument too many: latchkey %s", rest[0], c.Use)
			}
			found.InitDefaultHelpFlag()
			found.InitDefaultVersionFlag()
			return found.Help()
		},
	}
}

func unknownCommand(root *cobra.Command, name string) error {
	root.SuggestionsMinimumDistance = 2
	if near := root.SuggestionsFor(name); len(near) > 0 {
		return usagef("there is no command %q; did you mean %s?", name, strings.Join(near, " or "))
	}
	return usagef("there is no command %q; \"latchkey help\" lists them", name)
}

// takes returns a check that a command has arguments of the names given.
func takes(names ...string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		for i, name := range names {
			switch {
			case i >= len(args):
				return usagef("%s is missing: latchkey %s; see \"latchkey help %s\"", name, c.Use, c.Name())
			case args[i] == "":
				return usagef("%s is empty", name)
			}
		}
		if len(args) > len(names) {
			return usagef("%q is one argument too many: latchkey %s", args[len(names)], c.Use)
		}
		return nil
	}
}

// version returns the version of the module, as the go command has noted it.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		return info.Main.Version
	}
	return "unknown"
}
