package redisstore

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
	"time"

	"github.com/redis/rueidis"

	"github.com/latchkey-go/latchkey/internal/usercode"
	"github.com/latchkey-go/latchkey/store"
)

// Errors besides those of package store. They come wrapped, with what to do about
// them: match them with errors.Is.
var (
	// ErrUnproven: the change is made, but in the time given not enough replicas
	// said that they have it, or the disk did not. A failover may undo it.
	ErrUnproven = errors.New("redisstore: applied, but not proven to last")
	// ErrUnknown: the change was sent and no answer came: it may be made or not,
	// or be made yet. It comes with the cause.
	ErrUnknown = errors.New("redisstore: no answer; the change may have been made")
	// ErrUnavailable: the server can't be reached, or does not serve at present.
	ErrUnavailable = errors.New("redisstore: server unavailable")
	// ErrForeign: the key on the server is not an entry of this package.
	ErrForeign = errors.New("redisstore: the key holds something else than an entry: give the store a Prefix of its own")
	// ErrTooLarge: the encoded value exceeds Options.MaxValue.
	ErrTooLarge = errors.New("redisstore: value too large")
	// ErrEvicting: the server may evict entries, locked ones too, for room.
	ErrEvicting = errors.New("redisstore: the server evicts keys")
)

// serverError is an error reply. Its text leaves out the server's own, which may
// quote a key or a value.
type serverError struct {
	code  string // the first word of the reply
	hint  string // what it means, and what to do
	kind  error  // the sentinel; nil = none
	cause error
}

func (e *serverError) Error() string {
	text := "redisstore: the server answered " + e.code
	if e.hint != "" {
		text += ": " + e.hint
	}
	return text
}

func (e *serverError) Unwrap() []error {
	if e.kind == nil {
		return []error{e.cause}
	}
	return []error{e.kind, e.cause}
}

// replies says what error replies mean, by their first word.
var replies = map[string]struct {
	kind error
	hint string
}{
	"WRONGTYPE":   {ErrForeign, "the key holds something else than an entry: give the store a Prefix of its own"},
	"READONLY":    {store.ErrReadOnly, "this is a replica; let the client find the primary (a cluster or sentinel client), or wait for the failover"},
	"MISCONF":     {store.ErrReadOnly, "the server can't write to its disk and refuses changes; see its log"},
	"NOREPLICAS":  {store.ErrReadOnly, "the server has fewer replicas than its min-replicas-to-write and refuses changes"},
	"OOM":         {store.ErrFull, "the server has reached its maxmemory; raise it, or let entries expire"},
	"LOADING":     {ErrUnavailable, "the server is reading its data from disk; try again"},
	"MASTERDOWN":  {ErrUnavailable, "the replica has lost its primary; try again after the failover"},
	"CLUSTERDOWN": {ErrUnavailable, "a part of the cluster has no primary; try again after the failover"},
	"TRYAGAIN":    {ErrUnavailable, "the key is being moved to another node; try again"},
	"BUSY":        {ErrUnavailable, "a script of somebody else's blocks the server; see SCRIPT KILL"},
	"MOVED":       {ErrUnavailable, "the key is on another node; make the client without ForceSingleClient, so that it follows the cluster"},
	"ASK":         {ErrUnavailable, "the key is being moved to another node; try again"},
	"CROSSSLOT":   {nil, "this can't be; please report it"},
	"NOSCRIPT":    {ErrUnavailable, "the server has forgotten the script twice in a row; try again"},
	"NOAUTH":      {nil, "give the client a Username and a Password"},
	"WRONGPASS":   {nil, "the client's Username or Password is wrong"},
	"NOPERM":      {nil, "the client's user needs the keys and the channel that begin with Prefix, and the commands that the package documentation lists"},
}

// replyError makes of an error reply what a caller can use.
func replyError(reply *rueidis.RedisError) error {
	code, _, _ := strings.Cut(reply.Error(), " ")
	if code == "ERR" && strings.Contains(reply.Error(), "unknown command") {
		return &serverError{"ERR", "it does not know a command; Redis 6.2 or newer, or Valkey, with scripts and TIME allowed, is needed", nil, reply}
	}
	known := replies[code]
	return &serverError{code, known.hint, known.kind, reply}
}

// requestError makes of what the client returned what a caller can use. ctx is the
// caller's own. changes: the request may have been carried out all the same.
func (s *core) requestError(ctx context.Context, err error, changes bool) error {
	if reply, ok := rueidis.IsRedisErr(err); ok {
		return replyError(reply)
	}
	var timeout net.Error
	switch {
	case ctx.Err() != nil:
		err = ctx.Err()
	case errors.Is(err, context.DeadlineExceeded) && ending(ctx):
		err = context.DeadlineExceeded
	case errors.Is(err, context.DeadlineExceeded):
		err = fmt.Errorf("%w: no answer within %v (Options.Timeout)", ErrUnavailable, s.o.Timeout)
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.ENOENT):
		return fmt.Errorf("%w: is it running, and the address right? %w", ErrUnavailable, err)
	case isDial(err): // nothing was sent
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	case errors.As(err, &timeout) && timeout.Timeout():
		err = fmt.Errorf("%w: no answer in time: %w", ErrUnavailable, err)
	case errors.Is(err, rueidis.ErrClosing):
		err = fmt.Errorf("%w: the client is closed or its connection was cut: %w", ErrUnavailable, err)
	default:
		err = fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if changes {
		return fmt.Errorf("%w: %w", ErrUnknown, err)
	}
	return err
}

// ending reports whether ctx is as good as ended: the client watches deadlines by a
// timer of its own.
func ending(ctx context.Context) bool {
	ends, ok := ctx.Deadline()
	return ok && time.Until(ends) < 10*time.Millisecond
}

func isDial(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

// codecError wraps a codec's failure on a key or a value.
func codecError(what string, cause error) error {
	return &usercode.CodecError{Package: "redisstore", What: what, Cause: cause}
}

// foreign reports whether an error is about what one key holds.
func foreign(err error) bool { return errors.Is(err, ErrForeign) }
