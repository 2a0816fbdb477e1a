package redisstore

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/rueidis"
)

// runProven is run for what must be proven to last. The server counts the replicas
// that have what came over one connection, so the script and the question go over
// the same one, together, and no redirection may part them.
func (s *core) runProven(ctx, limited context.Context, sc *script, name string, argv []string) (rueidis.RedisMessage, error) {
	for {
		answer, proof := s.ask(limited, sc, name, argv)
		if reply, ok := rueidis.IsRedisErr(answer.Error()); ok && redirects(reply) && pause(limited, redirectPause) {
			continue // nothing was done; the client learns of the new place meanwhile
		}
		message, err := s.answer(ctx, sc, answer)
		if err != nil {
			return message, err
		}
		return message, s.proven(proof)
	}
}

const redirectPause = 20 * time.Millisecond

func redirects(reply *rueidis.RedisError) bool {
	_, moved := reply.IsMoved()
	_, asks := reply.IsAsk()
	return moved || asks || reply.IsTryAgain()
}

// pause waits and reports whether ctx is still alive after it.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// ask sends the script and the question for proof.
func (s *core) ask(ctx context.Context, sc *script, name string, argv []string) (answer, proof rueidis.RedisResult) {
	client, release := s.client.Dedicate()
	defer release()
	send := func(command, what string) []rueidis.RedisResult {
		run := client.B().Arbitrary(command, what, "1").Keys(name).Args(argv...).Build()
		return client.DoMulti(ctx, run, s.question(ctx, client))
	}
	results := send("EVALSHA", sc.sha)
	if reply, ok := rueidis.IsRedisErr(results[0].Error()); ok && reply.IsNoScript() {
		results = send("EVAL", sc.text)
	}
	return results[0], results[1]
}

// question returns the command that asks for proof.
func (s *core) question(ctx context.Context, client rueidis.DedicatedClient) rueidis.Completed {
	wait := s.o.ProofTimeout
	if ends, ok := ctx.Deadline(); ok {
		wait = min(wait, time.Until(ends)*9/10) // so that the answer comes before
	}
	ms := max(1, wait.Milliseconds()) // 0 would be for ever
	if s.o.Durability == OnDisk && s.waitAOF {
		return client.B().Waitaof().Numlocal(1).Numreplicas(int64(s.o.Replicas)).Timeout(ms).Build()
	}
	return client.B().Arbitrary("WAIT", strconv.Itoa(s.o.Replicas), strconv.FormatInt(ms, 10)).Blocking()
}

// proven returns ErrUnproven unless the answer is proof enough.
func (s *core) proven(proof rueidis.RedisResult) error {
	local, replicas := int64(1), int64(0)
	message, err := proof.ToMessage()
	switch {
	case err != nil:
		return fmt.Errorf("%w: %w", ErrUnproven, err)
	case message.IsArray():
		var counts []int64
		if counts, err = message.AsIntSlice(); err == nil && len(counts) == 2 {
			local, replicas = counts[0], counts[1]
		}
	default:
		replicas, err = message.AsInt64()
	}
	switch {
	case err != nil:
		return fmt.Errorf("%w: %w", ErrUnproven, err)
	case local < 1:
		return fmt.Errorf("%w: not on the primary's disk within %v", ErrUnproven, s.o.ProofTimeout)
	case replicas < int64(s.o.Replicas):
		return fmt.Errorf("%w: %d of %d replicas within %v", ErrUnproven, replicas, s.o.Replicas, s.o.ProofTimeout)
	}
	return nil
}
