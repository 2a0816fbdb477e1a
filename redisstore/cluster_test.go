package redisstore_test

import (
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/rueidis"
	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/internal/testenv"
)

// cluster is three primaries with a replica each.
type cluster struct{ nodes []*server }

// nodeTimeout is how long a node is silent before the others take it for dead.
const nodeTimeout = time.Second

// startCluster starts a cluster of the test's own, with the arguments given besides
// for each server.
func startCluster(t testing.TB, args ...string) *cluster {
	t.Helper()
	testenv.NeedRedis(t, "redis-cli")
	c := &cluster{}
	var addresses []string
	for range 6 {
		bus := freePort(t)
		node := startTCP(t, append([]string{
			"--cluster-enabled", "yes", "--cluster-port", strconv.Itoa(bus),
			"--cluster-node-timeout", strconv.Itoa(int(nodeTimeout.Milliseconds())),
			"--cluster-config-file", "nodes.conf", "--repl-diskless-sync-delay", "0",
			"--cluster-replica-validity-factor", "0",
		}, args...)...)
		c.nodes = append(c.nodes, node)
		addresses = append(addresses, node.address())
	}
	create := append([]string{"--cluster", "create"}, addresses...)
	out, err := exec.Command("redis-cli", append(create, "--cluster-replicas", "1", "--cluster-yes")...).CombinedOutput()
	require.NoError(t, err, string(out))
	c.settled(t)
	return c
}

func (s *server) address() string { return fmt.Sprintf("127.0.0.1:%d", s.port) }

// settled waits until all slots are served and each primary has a replica.
func (c *cluster) settled(t testing.TB) {
	t.Helper()
	require.Eventually(t, func() bool {
		for _, node := range c.nodes {
			info, err := node.cli("CLUSTER", "INFO")
			if err != nil || !strings.Contains(info, "cluster_state:ok") {
				return false
			}
			role, err := node.cli("INFO", "replication")
			if err != nil || strings.Contains(role, "role:slave") && !strings.Contains(role, "master_link_status:up") {
				return false
			}
			if strings.Contains(role, "role:master") && !strings.Contains(role, "state=online") {
				return false
			}
		}
		return true
	}, time.Minute, 20*time.Millisecond, "the cluster does not come up")
}

// options returns the options of a client of the cluster.
func (c *cluster) options() rueidis.ClientOption {
	var o rueidis.ClientOption
	for _, node := range c.nodes {
		o.InitAddress = append(o.InitAddress, node.address())
	}
	return o
}

// primaryOf returns the node that has the key with the name given, and its replica.
func (c *cluster) primaryOf(t testing.TB, name string) (primary, replica *server) {
	t.Helper()
	slot := c.slotOf(t, name)
	require.Eventually(t, func() bool {
		primary, replica = c.owner(t, slot)
		return primary != nil && replica != nil
	}, time.Minute, 20*time.Millisecond)
	return primary, replica
}

func (c *cluster) slotOf(t testing.TB, name string) int {
	t.Helper()
	slot, err := strconv.Atoi(c.alive(t).do(t, "CLUSTER", "KEYSLOT", name))
	require.NoError(t, err)
	return slot
}

// alive returns a node that answers.
func (c *cluster) alive(t testing.TB) *server {
	t.Helper()
	for _, node := range c.nodes {
		if node.frozen.Load() {
			continue
		}
		if out, err := node.cli("PING"); err == nil && out == "PONG" {
			return node
		}
	}
	require.Fail(t, "no node of the cluster answers")
	return nil
}

// waitFor waits until a node has the key with the name given.
func (c *cluster) waitFor(t testing.TB, node *server, name string) {
	t.Helper()
	slot := c.slotOf(t, name)
	require.Eventually(t, func() bool {
		now, _ := c.owner(t, slot)
		return now == node
	}, 20*time.Second, 20*time.Millisecond, "no failover")
}

// owner reads CLUSTER NODES.
func (c *cluster) owner(t testing.TB, slot int) (primary, replica *server) {
	t.Helper()
	id := ""
	lines := strings.Split(c.alive(t).do(t, "CLUSTER", "NODES"), "\n")
	for _, line := range lines {
		fields := strings.Fields(line)
		if len(fields) < 9 || strings.Contains(fields[2], "fail") {
			continue
		}
		for _, slots := range fields[8:] {
			first, last, ok := strings.Cut(slots, "-")
			if !ok {
				last = first
			}
			from, err1 := strconv.Atoi(first)
			to, err2 := strconv.Atoi(last)
			if err1 == nil && err2 == nil && from <= slot && slot <= to {
				id, primary = fields[0], c.at(fields[1])
			}
		}
	}
	for _, line := range lines {
		fields := strings.Fields(line)
		if len(fields) > 3 && fields[3] == id && !strings.Contains(fields[2], "fail") {
			replica = c.at(fields[1])
		}
	}
	return primary, replica
}

// at returns the node with the address that CLUSTER NODES tells.
func (c *cluster) at(address string) *server {
	host, _, _ := strings.Cut(address, "@")
	for _, node := range c.nodes {
		if node.address() == host {
			return node
		}
	}
	return nil
}

var sharedCluster shared[cluster]

// plainCluster returns the cluster that tests share.
func plainCluster(t testing.TB) *cluster {
	t.Helper()
	return sharedCluster.get(t, func(t testing.TB) *cluster { return startCluster(t) })
}

// lateTB keeps for later what is to be done when the test ends.
type lateTB struct {
	testing.TB
	cleanup []func()
}

func (t *lateTB) Cleanup(f func()) { t.cleanup = append(t.cleanup, f) }
