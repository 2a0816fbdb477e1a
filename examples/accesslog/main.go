// Accesslog replays web server logs as sessions. Every request belongs to the
// session of its visitor; a session ends when it has been idle for too long,
// is too old, or has to make room. The clock is that of the log, so that years
// go by in seconds.
//
//	accesslog [flags] [FILE...]
//
// A FILE is in Common or Combined Log Format, plain or compressed with gzip;
// "-" is standard input. Without a FILE a synthetic sample is replayed.
//
// The last line of the output has the counts. Above it are the busiest hours
// and the longest sessions, without the addresses of the visitors. With -dir
// the sessions are kept in a folder: a run that was cut off, by kill -9 say, goes
// on there behind the last request that it has served.
//
// The exit status is 0 when the logs have been replayed, 1 when that failed and
// 2 when the command line is wrong.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/latchkey-go/latchkey/store"
)

const (
	keyIP    = "ip"
	keyAgent = "ip+agent"
)

const usage = `usage: accesslog [flags] [FILE...]

Replays web logs (FILE, plain or .gz; - is standard input; none is a synthetic
sample) as sessions.

`

type options struct {
	limits
	key       string
	capacity  int
	dir       string
	killAfter int
	plot      string
	progress  bool
	files     []string
}

func main() {
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run is main with its surroundings handed in. It returns the exit status.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	o, err := parseFlags(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		return 2
	}
	err = accesslog(o, stdin, stdout, stderr)
	if err != nil {
		tell(stderr, "%v", err)
		return 1
	}
	return 0
}

func parseFlags(args []string, stderr io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("accesslog", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.key, "key", keyIP, "what tells visitors apart: `ip` or ip+agent")
	flags.DurationVar(&o.idle, "idle", 30*time.Minute, "end sessions that have been idle for so long; 0 = never")
	flags.DurationVar(&o.ttl, "ttl", 0, "end sessions so long after their first request; 0 = never")
	flags.IntVar(&o.capacity, "capacity", 0, "keep so many sessions, the most recently used; 0 = all")
	flags.StringVar(&o.dir, "dir", "", "keep the sessions in this `folder`, and go on where it left off")
	flags.IntVar(&o.killAfter, "kill-after", 0, "kill this process (SIGKILL) after so many requests; needs -dir, to go on from")
	flags.StringVar(&o.plot, "plot", "", "draw the live sessions over time into this SVG `file`")
	flags.BoolVar(&o.progress, "progress", false, "show a progress bar if standard error is a terminal")
	flags.Usage = func() {
		_, _ = io.WriteString(stderr, usage)
		flags.PrintDefaults()
	}
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	o.files = flags.Args()
	err := o.check()
	if err != nil {
		tell(stderr, "%v", err)
	}
	return o, err
}

func (o options) check() error {
	switch {
	case o.key != keyIP && o.key != keyAgent:
		return errors.New("-key is neither ip nor ip+agent")
	case o.idle < 0 || o.ttl < 0 || o.capacity < 0 || o.killAfter < 0:
		return errors.New("-idle, -ttl, -capacity and -kill-after cannot be negative")
	case o.idle > store.MaxDuration || o.ttl > store.MaxDuration:
		return fmt.Errorf("-idle and -ttl are at most %v; 0 is without end", store.MaxDuration)
	case o.capacity > store.MaxCapacity:
		return fmt.Errorf("-capacity is at most %d; 0 is without bound", store.MaxCapacity)
	case o.killAfter > 0 && o.dir == "":
		return errors.New("-kill-after needs a -dir to go on from")
	}
	return nil
}

// accesslog replays the logs and shows what came of it.
func accesslog(o options, stdin io.Reader, stdout, stderr io.Writer) error {
	in, err := newInput(o.files, stdin)
	if err != nil {
		return err
	}
	in.note = func(format string, a ...any) { tell(stderr, format, a...) }
	r, err := newReplay(o, in)
	if err != nil {
		return err
	}
	if o.progress && isTerminal(stderr) {
		err = withProgress(in, stderr, r.all)
	} else {
		err = r.all()
	}
	if err = errors.Join(err, r.finish()); err != nil {
		return err
	}
	if r.place.Requests > 0 {
		in.note("%s had %d requests already: the tables and the plot show those after", o.dir, r.place.Requests)
	}
	about := in.name() + " · " + r.report.about()
	text := bytes.NewBufferString(about + "\n\n")
	r.report.print(text)
	text.WriteString(r.summary() + "\n")
	if _, err := text.WriteTo(stdout); err != nil || o.plot == "" {
		return err
	}
	var picture bytes.Buffer
	if err := writePlot(&picture, &r.report.timeline, about, o.capacity); err != nil {
		return err
	}
	return os.WriteFile(o.plot, picture.Bytes(), 0o644)
}

// tell writes a line to standard error; if that fails, there is nobody to tell.
func tell(stderr io.Writer, format string, a ...any) {
	_, _ = fmt.Fprintf(stderr, "accesslog: "+format+"\n", a...)
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// withProgress shows on w, while f runs, how much of the input has been read.
func withProgress(in *input, w io.Writer, f func() error) error {
	bar := progressbar.NewOptions64(in.size(),
		progressbar.OptionSetWriter(w),
		progressbar.OptionSetDescription("replaying"),
		progressbar.OptionShowBytes(true),
		progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionClearOnFinish(),
	)
	in.through = func(r io.Reader) io.Reader {
		read := progressbar.NewReader(r, bar)
		return &read
	}
	defer func() { _ = bar.Finish() }() // a bar that fails to show is no reason to fail
	return f()
}
