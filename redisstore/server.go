package redisstore

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/redis/rueidis"

	"github.com/latchkey-go/latchkey/store"
)

// examine asks every node whether it can do what is wanted. Of a cluster, some may
// be down.
func (s *core) examine(ctx context.Context) error {
	var failed error
	primaries := 0
	for answer := range s.infos(ctx) {
		err := answer.err
		switch {
		case err != nil && s.client.Mode() == rueidis.ClientModeCluster:
			failed = err
			continue
		case err != nil:
			return err
		case answer.info["role"] == "slave":
			err = s.examineDisk(ctx, answer.node, answer.info)
		default:
			primaries++
			err = s.examinePrimary(ctx, answer.node, answer.info)
		}
		if err != nil {
			return err
		}
	}
	switch {
	case primaries > 0:
		return nil
	case failed != nil:
		return failed
	}
	return fmt.Errorf("%w: %w", store.ErrReadOnly, errNoPrimary)
}

// nodeInfo is what INFO says of a node.
type nodeInfo struct {
	node rueidis.Client
	info map[string]string
	err  error
}

// infos asks all nodes at once.
func (s *core) infos(ctx context.Context) <-chan nodeInfo {
	nodes := s.client.Nodes()
	answers := make(chan nodeInfo, len(nodes))
	var asked sync.WaitGroup
	for _, node := range nodes {
		asked.Go(func() {
			info, err := s.info(ctx, node)
			answers <- nodeInfo{node, info, err}
		})
	}
	go func() {
		asked.Wait()
		close(answers)
	}()
	return answers
}

// info returns what INFO says of a node, by field, and notes the server's time.
func (s *core) info(ctx context.Context, node rueidis.Client) (map[string]string, error) {
	text, err := node.Do(ctx, node.B().Arbitrary("INFO").Build()).ToString()
	if err != nil {
		return nil, s.requestError(ctx, err, false)
	}
	info := map[string]string{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			info[name] = value
		}
	}
	if now, err := strconv.ParseUint(info["server_time_usec"], 10, 64); err == nil {
		s.told(now)
	}
	return info, nil
}

func (s *core) examinePrimary(ctx context.Context, node rueidis.Client, info map[string]string) error {
	if info["loading"] == "1" {
		return fmt.Errorf("%w: it is reading its data from disk; try again", ErrUnavailable)
	}
	if policy := info["maxmemory_policy"]; policy != "" && policy != "noeviction" {
		const advice = "set maxmemory-policy noeviction, or Options.AllowEviction"
		switch {
		case info["maxmemory"] == "0" || s.o.AllowEviction:
			s.o.Logger.Warn("latchkey: the server may evict entries, locked ones too, when its memory is short", "policy", policy, "do", advice)
		default:
			return fmt.Errorf("%w when its memory is short, entries and locks among them (maxmemory-policy is %s): %s", ErrEvicting, policy, advice)
		}
	}
	s.waitAOF = since(info["redis_version"], 7, 2)
	return s.examineDisk(ctx, node, info)
}

// examineDisk makes sure that what is asked of a node's disk is asked of one that
// does it.
func (s *core) examineDisk(ctx context.Context, node rueidis.Client, info map[string]string) error {
	if s.o.Durability != OnDisk {
		return nil
	}
	if info["aof_enabled"] != "1" {
		return errors.New("redisstore: Durability OnDisk needs servers with an append-only file: set appendonly yes")
	}
	if since(info["redis_version"], 7, 2) {
		return nil // it can be asked each time
	}
	config, err := node.Do(ctx, node.B().Arbitrary("CONFIG", "GET", "appendfsync").Build()).AsStrMap()
	if err != nil {
		return fmt.Errorf("redisstore: Durability OnDisk: can't see whether appendfsync is always: %w", s.requestError(ctx, err, false))
	}
	if config["appendfsync"] != "always" {
		return fmt.Errorf("redisstore: Durability OnDisk needs appendfsync always on this server, which is older than 7.2 and has %q", config["appendfsync"])
	}
	return nil
}

// since reports whether a version is the one given or later.
func since(version string, major, minor int) bool {
	var have [2]int
	for i, part := range strings.SplitN(version, ".", 3) {
		if i < len(have) {
			have[i], _ = strconv.Atoi(part) // no number is no version to rely on
		}
	}
	return have[0] > major || have[0] == major && have[1] >= minor
}
