package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/redis/rueidis"

	"github.com/latchkey-go/latchkey/examples/sessions/shop"
	"github.com/latchkey-go/latchkey/redisstore"
)

// serve is a node: it serves the shop until ctx ends, or the process that has
// started it.
func serve(ctx context.Context, socket string) error {
	client, err := rueidis.NewClient(rueidis.MustParseURL("unix://" + socket))
	if err != nil {
		return err
	}
	defer client.Close()
	// In examples/sessions this is a store.New; the shop is the same.
	sessions, err := redisstore.New[string, shop.Session](client, redisstore.Options{
		Prefix:      "shop:",
		TTL:         24 * time.Hour,
		IdleTimeout: 30 * time.Minute,
	})
	if err != nil {
		return err
	}
	defer func() { _ = sessions.Close() }() // it returns nil
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(listener.Addr())
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	server := &http.Server{Handler: shop.New(sessions, log).Handler(), ReadHeaderTimeout: 5 * time.Second}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // until the other end is closed
		_ = server.Close()                   // which Serve tells
	}()
	defer context.AfterFunc(ctx, func() { _ = server.Close() })()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
