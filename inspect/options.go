package inspect

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Options configure a [Handler].
type Options struct {
	// Stores are what is shown, in this order; see [Source]. At least one.
	Stores []Store
	// Actions are those that the page offers. None = it only shows. They need
	// Authorize.
	Actions []Action
	// Authorize decides who may do what: it returns nil for a request that may. It
	// is asked with each request, about [View] too. What its error says goes to the
	// Logger, the client is told no more than that it may not. nil = whoever gets
	// here may view.
	Authorize func(r *http.Request, a Action) error
	// Logger is told of actions, never of keys or values. nil = silent.
	Logger *slog.Logger
}

// Action is something that can be done on the page.
type Action string

// What can be done. All but View change something: they come as POST alone, from the
// page itself, and are off unless Options.Actions has them.
const (
	View     Action = "view"     // look at the page
	Unlock   Action = "unlock"   // take the lease on an entry from its holder
	Delete   Action = "delete"   // remove an entry that is not locked
	Snapshot Action = "snapshot" // have a store with a folder take a snapshot
)

func (o Options) check() error {
	if len(o.Stores) == 0 {
		return errors.New("inspect: Options.Stores is empty; give it what Source returns")
	}
	names := make(map[string]bool)
	for _, s := range o.Stores {
		switch {
		case s.source == nil:
			return errors.New("inspect: Options.Stores has a store that Source did not make, or made of nil")
		case s.name == "":
			return errors.New("inspect: a store has no name")
		case !utf8.ValidString(s.name) || strings.ContainsFunc(s.name, func(r rune) bool { return !unicode.IsPrint(r) }):
			return fmt.Errorf("inspect: a store has the name %q; it must be of printable characters", s.name)
		case names[s.name]:
			return fmt.Errorf("inspect: two stores have the name %q", s.name)
		}
		names[s.name] = true
	}
	for _, a := range o.Actions {
		switch a {
		case Unlock, Delete, Snapshot:
		default:
			return fmt.Errorf("inspect: Options.Actions has %q; it takes Unlock, Delete and Snapshot", string(a))
		}
	}
	if len(o.Actions) > 0 && o.Authorize == nil {
		return errors.New("inspect: Options.Actions needs Options.Authorize, which decides who may do that")
	}
	return nil
}
