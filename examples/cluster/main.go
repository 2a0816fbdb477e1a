// Cluster is the shop of examples/sessions on two nodes that share one Redis: two
// processes behind a proxy that sends each request to the next of them. A visitor
// logs in at one and goes on at the other, one of them is killed, and nothing in the
// cart is lost.
//
//	cluster
//
// It starts a redis-server of its own on a socket in a temporary folder, and itself
// again for each node. It is a module of its own, so that the other examples need no
// client of Redis.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	socket := flag.String("node", "", "be a node of the shop, on the Redis with this `socket`")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal kills
	run := demo
	if *socket != "" {
		run = func(ctx context.Context) error { return serve(ctx, *socket) }
	}
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "cluster:", err)
		os.Exit(1)
	}
}
