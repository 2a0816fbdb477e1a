package redisstore

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"

	"github.com/redis/rueidis"
)

var errNoPrimary = errors.New("there is no primary among the servers that the client knows")

// primaries returns the nodes that have entries: all of them, or an error.
func (s *core) primaries(ctx context.Context) ([]rueidis.Client, error) {
	limited, cancel := s.limit(ctx)
	defer cancel()
	if s.client.Mode() == rueidis.ClientModeCluster {
		return s.slotOwners(ctx, limited)
	}
	for _, node := range s.client.Nodes() {
		role, err := node.Do(limited, node.B().Role().Build()).ToArray()
		if err != nil {
			return nil, s.requestError(ctx, err, false)
		}
		if name, err := role[0].ToString(); err == nil && name == "master" {
			return []rueidis.Client{node}, nil
		}
	}
	return nil, fmt.Errorf("%w: %w", ErrUnavailable, errNoPrimary)
}

// slots is how many a cluster has.
const slots = 16384

// slotOwners returns the nodes that have the slots of a cluster. Of those that the
// client knows, some may be down; the first that answers tells.
func (s *core) slotOwners(ctx, limited context.Context) ([]rueidis.Client, error) {
	nodes := s.client.Nodes()
	answers := make(chan rueidis.RedisResult, len(nodes))
	for _, node := range nodes {
		go func() { answers <- node.Do(limited, node.B().Arbitrary("CLUSTER", "SLOTS").Build()) }()
	}
	err := fmt.Errorf("%w: %w", ErrUnavailable, errNoPrimary)
	for range nodes {
		answer := <-answers
		owners, covered, parseErr := parseSlots(answer)
		if answer.Error() != nil {
			err = s.requestError(ctx, answer.Error(), false)
			continue
		}
		if parseErr != nil || covered < slots {
			err = fmt.Errorf("%w: a part of the cluster has no primary; try again after the failover", ErrUnavailable)
			continue
		}
		var list []rueidis.Client
		for _, address := range owners {
			if node := nodes[address]; node != nil {
				list = append(list, node)
			}
		}
		if len(list) == len(owners) {
			return list, nil
		}
		err = fmt.Errorf("%w: the client does not know all nodes of the cluster yet; try again", ErrUnavailable)
	}
	return nil, err
}

// parseSlots reads the answer to CLUSTER SLOTS: the addresses of the primaries, and
// how many slots they have.
func parseSlots(answer rueidis.RedisResult) (owners []string, covered int64, err error) {
	ranges, err := answer.ToArray()
	if err != nil {
		return nil, 0, err
	}
	known := map[string]bool{}
	for _, r := range ranges {
		fields, err := r.ToArray()
		if err != nil || len(fields) < 3 {
			return nil, 0, fmt.Errorf("CLUSTER SLOTS: %w", err)
		}
		first, err1 := fields[0].AsInt64()
		last, err2 := fields[1].AsInt64()
		node, err3 := fields[2].ToArray()
		if err := errors.Join(err1, err2, err3); err != nil || len(node) < 2 {
			return nil, 0, fmt.Errorf("CLUSTER SLOTS: %w", err)
		}
		host, err1 := node[0].ToString()
		port, err2 := node[1].AsInt64()
		if err := errors.Join(err1, err2); err != nil {
			return nil, 0, err
		}
		covered += last - first + 1
		if address := net.JoinHostPort(host, strconv.FormatInt(port, 10)); !known[address] {
			known[address] = true
			owners = append(owners, address)
		}
	}
	return owners, covered, nil
}
