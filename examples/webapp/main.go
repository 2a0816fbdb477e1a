// Webapp is the shop of examples/sessions as web applications are mostly built: its
// sessions are those of scs, kept in a folder, and one request of a session runs at a
// time. Its operators have metrics and a live page.
//
//	webapp [-addr 127.0.0.1:8080] [-https] [-ops 127.0.0.1:8081] [-dir FOLDER] [-load 20]
//
// It speaks plain HTTP, and so to this machine alone. With -https it may be reached from
// others: through a server before it that does TLS. The environment variable SHOP_SECRET
// keys the hashes that stand for sessions in the folder.
//
// It is a module of its own, so that the other examples need nothing of all this.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
)

// settings are what the flags say.
type settings struct {
	addr, ops string
	https     bool
	dir       string
	secret    string
	load      int
}

func main() {
	s := settings{secret: os.Getenv("SHOP_SECRET")}
	flag.StringVar(&s.addr, "addr", "127.0.0.1:8080", "serve the shop on this `address`; port 0 = any")
	flag.BoolVar(&s.https, "https", false, "visitors come by HTTPS, through a server before this one: send cookies so alone")
	flag.StringVar(&s.ops, "ops", "127.0.0.1:8081", "serve metrics and the live page on this `address`, to this machine alone")
	flag.StringVar(&s.dir, "dir", "", "keep the sessions in this `folder`; empty = in one that is gone afterwards")
	flag.IntVar(&s.load, "load", 0, "have so `many` visitors come by themselves")
	flag.Parse()
	if err := s.check(flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "webapp: "+err.Error())
		os.Exit(2)
	}

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal kills
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	if err := run(ctx, s, log); err != nil {
		log.Error("webapp: " + err.Error())
		os.Exit(1)
	}
}

// mostVisitors keeps the connections within what a process may usually open.
const mostVisitors = 200

// check returns what is wrong with the command line.
func (s settings) check(args []string) error {
	switch {
	case len(args) > 0:
		return fmt.Errorf("%q is too much: there are flags alone, see -help", args)
	case s.load < 0 || s.load > mostVisitors:
		return fmt.Errorf("-load is %d; it must be between 0 and %d", s.load, mostVisitors)
	}
	return nil
}

// run serves until ctx ends, lets the requests under way finish, and saves the
// sessions.
func run(ctx context.Context, s settings, log *slog.Logger) (err error) {
	if !s.https && !isLocal(s.addr) {
		return fmt.Errorf("%s can be reached from elsewhere, where plain HTTP shows cookies to whoever listens: give -https, and put a server before it that does TLS", s.addr)
	}
	if s.dir == "" {
		if s.dir, err = os.MkdirTemp("", "webapp"); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(s.dir)) }()
	}
	a, err := open(s, log)
	if err != nil {
		return err
	}
	return errors.Join(a.serve(ctx, s), a.close())
}
