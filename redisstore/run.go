package redisstore

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/rueidis"

	"github.com/latchkey-go/latchkey/store"
)

// begin is how every operation begins: nothing is sent if it returns an error.
func (s *core) begin(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if s.closed.Load() {
		return store.ErrClosed
	}
	return nil
}

// limit returns a context that ends after Options.Timeout, if ctx doesn't before.
func (s *core) limit(ctx context.Context) (context.Context, context.CancelFunc) {
	if ctx.Done() == nil {
		return s.patience.context(), func() {}
	}
	if ends, ok := ctx.Deadline(); ok && time.Until(ends) <= s.o.Timeout {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, s.o.Timeout)
}

// run runs a script on the key with the name given and returns its answer, or a
// sentinel for its refusal. With ErrUnproven comes the answer, too.
func (s *core) run(ctx context.Context, sc *script, name string, args ...string) (rueidis.RedisMessage, error) {
	limited, cancel := s.limit(ctx)
	defer cancel()
	argv := append(make([]string, 0, 8), s.idle)
	argv = append(argv, args...)
	if sc.lasting && s.o.Durability != Acknowledged {
		return s.runProven(ctx, limited, sc, name, argv)
	}
	// The client repeats nothing that may have been carried out; only what the
	// server has not understood (NOSCRIPT) or not taken (MOVED, ASK).
	return s.answer(ctx, sc, sc.lua.Exec(limited, s.client, []string{name}, argv))
}

// answer returns what a script has answered.
func (s *core) answer(ctx context.Context, sc *script, r rueidis.RedisResult) (rueidis.RedisMessage, error) {
	message, err := r.ToMessage()
	if err != nil {
		return message, s.requestError(ctx, err, sc.changes)
	}
	if !message.IsInt64() {
		return message, nil
	}
	code, err := message.AsInt64()
	if err != nil || code >= 0 {
		return message, err
	}
	return message, refusal(code)
}

func refusal(code int64) error {
	switch code {
	case codeGone:
		return store.ErrNotFound
	case codeLocked:
		return store.ErrLocked
	case codeLost:
		return store.ErrLeaseLost
	case codeConflict:
		return store.ErrConflict
	case codeForeign:
		return ErrForeign
	}
	return fmt.Errorf("redisstore: a script returned %d; is another release of it in use?", code)
}

// pair returns the field m and what comes with it, as scripts return them.
func pair(message rueidis.RedisMessage) (m meta, with rueidis.RedisMessage, err error) {
	both, err := message.ToArray()
	if err == nil && len(both) == 2 {
		if m, err = metaOf(both[0]); err == nil {
			return m, both[1], nil
		}
	}
	return m, with, ErrForeign
}

func metaOf(message rueidis.RedisMessage) (meta, error) {
	text, err := message.ToString()
	if err == nil {
		if m, ok := parseMeta(text); ok {
			return m, nil
		}
	}
	return meta{}, ErrForeign
}
