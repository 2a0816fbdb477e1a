package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// demo starts all there is and has a visitor come.
func demo(ctx context.Context) error {
	socket, stopRedis, err := startRedis(ctx)
	if err != nil {
		return err
	}
	defer stopRedis()
	p := &proxy{}
	for _, name := range []string{"node 1", "node 2"} {
		n, err := startNode(name, socket)
		if err != nil {
			return err
		}
		defer n.stop()
		p.nodes = append(p.nodes, n)
	}
	first := p.nodes[0]
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: p.handler(), ReadHeaderTimeout: 5 * time.Second}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	err = visit(ctx, &visitor{shop: listener.Addr().String()}, first)
	if closeErr := server.Close(); closeErr != nil || !errors.Is(<-served, http.ErrServerClosed) {
		err = errors.Join(err, closeErr)
	}
	return err
}

// visit is what happens: each line of output is a step that was seen to be so.
func visit(ctx context.Context, ada *visitor, first *node) error {
	node, err := ada.login(ctx, "Ada")
	if err != nil {
		return err
	}
	fmt.Printf("%s: Ada logs in\n", node)
	for _, item := range []string{"tea", "milk"} {
		if node, err = ada.add(ctx, item); err != nil {
			return err
		}
		fmt.Printf("%s: she takes %s\n", node, item)
	}
	if err := tellCart(ctx, ada); err != nil {
		return err
	}

	const more = 100
	fmt.Printf("she takes %d things at once, and node 1 is killed meanwhile\n", more)
	if err := addAtOnce(ctx, ada, more, first.kill); err != nil {
		return err
	}
	items, node, err := ada.cart(ctx)
	if err != nil {
		return err
	}
	// A node that was killed before it could answer may have put one in all the same.
	slices.Sort(items)
	items = slices.Compact(items)
	fmt.Printf("%s: %d of %d things are in the cart\n", node, len(items), more+2)
	if len(items) != more+2 {
		return errors.New("something is lost")
	}
	return nil
}

func tellCart(ctx context.Context, ada *visitor) error {
	items, node, err := ada.cart(ctx)
	if err == nil {
		fmt.Printf("%s: in the cart are %s\n", node, strings.Join(items, " and "))
	}
	return err
}

// addAtOnce puts n things into the cart, and has something happen when a third of
// them is there.
func addAtOnce(ctx context.Context, ada *visitor, n int, happens func() error) error {
	var all sync.WaitGroup
	added := make(chan error, n)
	for i := range n {
		all.Go(func() {
			v := *ada
			_, err := v.add(ctx, fmt.Sprintf("thing %d", i))
			added <- err
		})
	}
	var failed error
	for i := range n {
		if i == n/3 {
			failed = errors.Join(failed, happens())
		}
		failed = errors.Join(failed, <-added)
	}
	all.Wait()
	return failed
}
