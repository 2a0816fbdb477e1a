// Bench prints, as Markdown tables, how fast redisstore is beside plain commands of
// rueidis and the Redis store of scs, and how much memory of the server an entry
// takes:
//
//	bench [-rounds 9] [-time 300ms]
//
// It starts a redis-server of its own on a socket, with nothing on disk. All take
// turns in each round, and the medians count, so that what else the machine does
// falls on all alike: read the ratios. It is a module of its own, so that redisstore
// needs nothing of what it is compared with.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"time"

	"github.com/latchkey-go/latchkey/internal/redisserver"
)

func main() {
	rounds := flag.Int("rounds", 9, "measure each so many times")
	length := flag.Duration("time", 300*time.Millisecond, "for so long")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdout, *rounds, *length); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer, rounds int, length time.Duration) error {
	server, err := redisserver.Start(ctx)
	if err != nil {
		return err
	}
	defer server.Stop()
	s, err := newSubjects(server.Socket)
	if err != nil {
		return err
	}
	defer s.close()
	rates, err := measure(ctx, s.operations, rounds, length)
	if err != nil {
		return err
	}
	memory, err := s.memory()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%d goroutines, values of %d bytes, %s/%s, %d cores, %s:\n\n%s\n%s",
		goroutines, valueSize, runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version(), rates, memory)
	return err
}
