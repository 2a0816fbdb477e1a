package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"
)

// patience is how long requests under way have when the program ends.
const patience = 10 * time.Second

// serve serves all until ctx ends, or something fails.
func (a *app) serve(ctx context.Context, s settings) error {
	visitors, err := net.Listen("tcp", s.addr)
	if err != nil {
		return err
	}
	operators, err := net.Listen("tcp", s.ops)
	if err != nil {
		return errors.Join(err, visitors.Close())
	}
	fmt.Printf("the shop   http://%s/\n", visitors.Addr())
	fmt.Printf("live page  http://%s/debug/latchkey/\n", operators.Addr())
	fmt.Printf("metrics    http://%s/metrics\n", operators.Addr())
	fmt.Printf("folder     %s\n", s.dir)

	all, ctx := errgroup.WithContext(ctx)
	all.Go(func() error { return serveOn(ctx, visitors, a.shop, a.log) })
	all.Go(func() error { return serveOn(ctx, operators, a.ops, a.log) })
	all.Go(func() error {
		load(ctx, "http://"+visitors.Addr().String(), s.load, a.log)
		return nil
	})
	return all.Wait()
}

func serveOn(ctx context.Context, l net.Listener, h http.Handler, log *slog.Logger) error {
	server := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      30 * time.Second, // the live page gives itself more
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	inTime, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	return server.Shutdown(inTime)
}
