// Sessions is a small shop on net/http that keeps its visitors' sessions in a
// store: login, cart, checkout, logout. With -dir they survive a restart, and
// kill -9 and the like: what the shop has answered stays so, a logout above all.
// With -power-loss that goes for a power loss too; without, it may cost the last
// second.
//
//	sessions [-addr 127.0.0.1:8080] [-dir FOLDER [-power-loss]]
//
// It speaks plain HTTP: put a server before it that does TLS. To 127.0.0.1, some
// browsers send its Secure cookies all the same: Chrome and Firefox do.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/latchkey-go/latchkey/examples/sessions/shop"
	"github.com/latchkey-go/latchkey/persist"
	"github.com/latchkey-go/latchkey/store"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "listen on this `address`; port 0 = any")
	dir := flag.String("dir", "", "keep the sessions in this `folder`; empty = in memory only")
	powerLoss := flag.Bool("power-loss", false, "have every change on disk before it is answered")
	flag.Parse()
	if err := check(flag.Args(), *dir, *powerLoss); err != nil {
		fmt.Fprintln(os.Stderr, "sessions: "+err.Error())
		os.Exit(2)
	}
	config := persist.Config{Dir: *dir}
	if *powerLoss {
		config.Sync = persist.Always
	}

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal kills
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	if err := run(ctx, *addr, config, log); err != nil {
		log.Error("sessions: " + err.Error())
		os.Exit(1)
	}
}

// check returns what is wrong with the command line.
func check(args []string, dir string, powerLoss bool) error {
	switch {
	case len(args) > 0:
		return fmt.Errorf("%q is too much: there are flags alone, see -help", args)
	case powerLoss && dir == "":
		return errors.New("-power-loss needs a -dir to keep the sessions in")
	}
	return nil
}

// run serves the shop until ctx ends, then lets the requests under way finish
// and saves the sessions.
func run(ctx context.Context, addr string, p persist.Config, log *slog.Logger) error {
	sessions, err := store.New(store.Options[string, shop.Session]{
		Capacity:    100_000,
		TTL:         24 * time.Hour,
		IdleTimeout: 30 * time.Minute,
		Persist:     p,
		Logger:      log,
	})
	if err != nil {
		return err
	}
	handler := shop.New(sessions.Shared(), log).Handler()
	return errors.Join(serve(ctx, addr, handler, log), sessions.Close())
}

func serve(ctx context.Context, addr string, h http.Handler, log *slog.Logger) error {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	fmt.Printf("listening on http://%s\n", listener.Addr())
	server := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      store.DefaultMaxLease + 10*time.Second, // a checkout may take a whole lease
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	log.Info("sessions: shutting down")
	patience, cancel := context.WithTimeout(context.Background(), server.WriteTimeout)
	defer cancel()
	return server.Shutdown(patience)
}
